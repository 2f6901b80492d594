"""What the numbers in known HDF5 files mean: named action conventions and state components.

Sources: ``controllers/osc.py``, ``utils/control_utils.py`` and ``models/grippers/panda_gripper.py`` of robosuite (1.4,
which LIBERO pins): a unit is 5 cm or 0.5 rad, added to the measured pose in world axes, the rotation as an axis-angle
from the left; the gripper closes at 1 and opens at -1. 20 Hz: ``scripts/create_dataset.py`` of LIBERO. ALOHA:
``constants.py`` (0.02 s) and ``sim_env.py`` of tonyzhaozh/act: radians, grippers from 0 (closed) to 1 (open).
"""

from collections.abc import Mapping
from typing import Any

from robovlms.actions.osc_pose import OSC_POSE
from robovlms.actions.spec import ActionComponent, ActionSpec, StateComponent
from robovlms.core.errors import SpecMismatch

_CONTROLLER: Mapping[str, Any] = {
    "type": "OSC_POSE",
    "control_delta": True,
    "input_type": "delta",
    "input_max": 1,
    "input_min": -1,
    "output_max": [0.05, 0.05, 0.05, 0.5, 0.5, 0.5],
    "output_min": [-0.05, -0.05, -0.05, -0.5, -0.5, -0.5],
    "input_ref_frame": "world",
}
"""What a file's ``env_args`` says of a controller of this convention, where it says it."""


def _arm(side: str) -> tuple[ActionComponent, ActionComponent]:
    joints = ActionComponent(
        name=f"{side}_arm", dims=6, kind="joint_position", unit="rad", frame="joint", low=None, high=None
    )
    # A position between closed and open, not the binary command that kind "gripper" stands for.
    return joints, ActionComponent(name=f"{side}_gripper", dims=1, kind="other", low=None, high=None)


ALOHA = ActionSpec(components=(*_arm("left"), *_arm("right")), rate_hz=50.0)

CONVENTIONS: Mapping[str, ActionSpec] = {"libero": OSC_POSE, "robosuite_osc_pose": OSC_POSE, "aloha": ALOHA}

_POSITION: dict[str, Any] = {"unit": "m", "frame": "world"}
_JOINTS: dict[str, Any] = {"unit": "rad", "frame": "joint"}
_STATE: Mapping[str, dict[str, Any]] = {
    "ee_pos": _POSITION,
    "ee_ori": {"unit": "rad", "frame": "world", "rotation": "axis_angle"},
    "gripper_states": {"unit": "m"},
    "joint_states": _JOINTS,
    "robot0_eef_pos": _POSITION,
    "robot0_eef_quat": {"frame": "world", "rotation": "quaternion_xyzw"},
    "robot0_gripper_qpos": {"unit": "m"},
    "robot0_joint_pos": _JOINTS,
}


def state_component(name: str, dims: int) -> StateComponent:
    """A state component by the name it has in files, with its units where they are known."""
    return StateComponent(name=name, dims=dims, **_STATE.get(name, {}))


def require_controller(convention: str, spec: ActionSpec, env_args: Any, where: str) -> None:
    """Refuse actions that were made for another controller than ``convention``, where the file tells.

    Raises:
        SpecMismatch: The controller or its rate differ; names each difference.
    """
    settings = env_args.get("env_kwargs") if isinstance(env_args, dict) else None
    if not isinstance(settings, dict) or spec is not OSC_POSE:
        return
    controller = settings.get("controller_configs")
    if isinstance(controller, dict) and isinstance(controller.get("body_parts"), dict):
        controller = controller["body_parts"].get("right")
    stated = controller if isinstance(controller, dict) else {}
    pairs = [(name, stated[name], expected) for name, expected in _CONTROLLER.items() if name in stated]
    if "control_freq" in settings:
        pairs.append(("control_freq", settings["control_freq"], spec.rate_hz))
    different = [f"{name}: {got} against {expected}" for name, got, expected in pairs if got != expected]
    if different:
        raise SpecMismatch(where, f"convention '{convention}'", different)
