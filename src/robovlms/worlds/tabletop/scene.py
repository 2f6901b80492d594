"""One MJCF string and its textures for a scene: physics options, lights, cameras, and the parts put together.

The contact settings are one tested set: with lighter fingers or capped solver iterations a held block creeps along
the pads by centimetres in some MuJoCo versions, and softer pads drop it.
"""

from robovlms.worlds.tabletop import fixtures, robot
from robovlms.worlds.tabletop.fixtures import numbers
from robovlms.worlds.tabletop.scenes import SceneSpec
from robovlms.worlds.tabletop.textures import table_png

TIMESTEP_S = 0.005
STATIC_POSITION, STATIC_LOOK_AT, STATIC_FOVY_DEG = (0.0, -0.55, 1.25), (0.0, -0.085, 0.0), 36.0
"""The static camera looks along y and steeply down: the whole workspace with the open drawer fills its image."""


def mjcf(spec: SceneSpec) -> tuple[str, dict[str, bytes]]:
    """The scene's XML and its assets, ready for ``mujoco.MjModel.from_xml_string``."""
    world = "".join(
        (
            _lights(),
            _static_camera(),
            fixtures.table(spec),
            fixtures.cabinet(spec),
            fixtures.drawer(spec),
            fixtures.switch(spec),
            fixtures.button(spec),
            fixtures.blocks(spec),
            fixtures.distractors(spec),
            robot.gantry(),
            robot.arm(),
        )
    )
    xml = (
        f'<mujoco model="tabletop_{spec.name}">{_OPTIONS}{_DEFAULTS}{_assets(spec)}<worldbody>{world}</worldbody>'
        f"{_COUPLING}<actuator>{robot.actuators()}</actuator></mujoco>"
    )
    return xml, {"table.png": table_png(spec.look.pattern, spec.look.table)}


_OPTIONS = (
    '<compiler angle="radian" autolimits="true"/>'
    f'<option timestep="{TIMESTEP_S}" integrator="implicitfast" cone="elliptic" impratio="10"/>'
    '<visual><quality shadowsize="0" offsamples="0" numslices="14" numstacks="8" numquads="1"/>'
    '<global offwidth="1280" offheight="1280"/>'
    '<headlight ambient="0.42 0.42 0.42" diffuse="0.30 0.30 0.30" specular="0 0 0"/>'
    '<map znear="0.01" zfar="20"/></visual>'
)

_DEFAULTS = (
    "<default>"
    '<default class="fixture"><geom contype="2" conaffinity="1" friction="0.7 0.005 0.0001"/></default>'
    '<default class="block"><geom contype="1" conaffinity="3" friction="0.7 0.005 0.0001"/></default>'
    '<default class="robot"><geom contype="1" conaffinity="3" mass="0"/></default>'
    '<default class="pad"><geom contype="1" conaffinity="3" friction="1.6 0.05 0.001" condim="4" solref="0.008 1" '
    'priority="1"/></default>'
    '<default class="shell"><geom contype="1" conaffinity="3" friction="0.25 0.005 0.0001" priority="1"/></default>'
    '<default class="shown"><geom contype="0" conaffinity="0" mass="0"/></default>'
    "</default>"
)

_COUPLING = (
    '<equality><joint joint1="finger_right" joint2="finger_left" polycoef="0 1 0 0 0"/></equality>'
    '<contact><exclude body1="left_finger" body2="right_finger"/><exclude body1="tool" body2="left_finger"/>'
    '<exclude body1="tool" body2="right_finger"/></contact>'
)


def _assets(spec: SceneSpec) -> str:
    return (
        '<asset><texture type="skybox" builtin="gradient" rgb1="0.80 0.85 0.90" rgb2="0.55 0.60 0.66" width="64" '
        'height="384"/><texture name="table" type="2d" file="table.png"/>'
        '<material name="table" texture="table" texrepeat="2 2" texuniform="false" specular="0.1"/>'
        f'<texture name="floor" type="2d" builtin="checker" rgb1="{numbers(*spec.look.floor)}" '
        f'rgb2="{numbers(*(0.93 * c for c in spec.look.floor))}" width="64" height="64"/>'
        '<material name="floor" texture="floor" texrepeat="10 10" specular="0"/>'
        '<material name="glow" emission="0.55" specular="0.3"/></asset>'
    )


def _lights() -> str:
    return (
        '<light directional="true" dir="0.35 0.55 -1" diffuse="0.55 0.54 0.52" specular="0.15 0.15 0.15" '
        'castshadow="false"/>'
    )


def _static_camera() -> str:
    forward_y, forward_z = (STATIC_LOOK_AT[i] - STATIC_POSITION[i] for i in (1, 2))
    return (
        f'<camera name="static" pos="{numbers(*STATIC_POSITION)}" '
        f'xyaxes="{numbers(1, 0, 0, 0, -forward_z, forward_y)}" '
        f'fovy="{STATIC_FOVY_DEG:g}"/>'
    )
