"""MJCF of the table and of what stands on it: cabinet, drawer, switch with bulb, button with LED, blocks.

Two collision classes: what moves freely (robot, blocks) and what is built in (table, fixtures). Built-in geoms never
touch each other, so the drawer may slide under the table top and the door between the walls.
"""

from robovlms.worlds.tabletop.geometry import (
    BUTTON_TRAVEL,
    CABINET_FLOOR,
    CABINET_WALL,
    COMPARTMENT,
    CONSOLE_TOP,
    DOOR_TRAVEL,
    DRAWER_CENTRE,
    DRAWER_FLOOR,
    DRAWER_INNER,
    DRAWER_TRAVEL,
    LEVER,
    LEVER_TILT,
    PIVOT_Y,
    SWITCH_RANGE,
    TABLE_BACK,
    TABLE_FRONT,
    TABLE_HALF_X,
)
from robovlms.worlds.tabletop.scenes import Part, Rgb, SceneSpec

BULB_RGBA = {True: (1.0, 0.88, 0.20, 1.0), False: (0.33, 0.31, 0.27, 1.0)}
LED_RGBA = {True: (0.15, 0.95, 0.30, 1.0), False: (0.08, 0.22, 0.12, 1.0)}


def numbers(*values: float) -> str:
    """Values as an MJCF attribute."""
    return " ".join(f"{value:.6g}" for value in values)


def box(name: str, centre: tuple[float, float, float], half: tuple[float, float, float], rgb: Rgb, more="") -> str:
    """A box geom of class 'fixture' unless ``more`` says otherwise."""
    kind = more or 'class="fixture"'
    return (
        f'<geom name="{name}" type="box" pos="{numbers(*centre)}" size="{numbers(*half)}" '
        f'rgba="{numbers(*rgb, 1)}" {kind}/>'
    )


def table(spec: SceneSpec) -> str:
    """The desk: a textured top, two side panels and a dark back below it, and the floor."""
    middle, half = (TABLE_FRONT + TABLE_BACK) / 2, (TABLE_BACK - TABLE_FRONT) / 2
    body = spec.look.cabinet
    return "".join(
        (
            f'<geom name="floor" type="box" pos="0 0 -0.135" size="2.5 2.5 0.01" material="floor" class="fixture"/>'
            f'<geom name="table" type="box" pos="{numbers(0, middle, -0.01)}" '
            f'size="{numbers(TABLE_HALF_X, half, 0.01)}" material="table" class="fixture"/>',
            *(
                box(f"desk_{side}", (x, middle, -0.075), (0.012, half, 0.055), body)
                for side, x in (("left", -TABLE_HALF_X + 0.012), ("right", TABLE_HALF_X - 0.012))
            ),
            box("desk_back", (0, TABLE_BACK - 0.05, -0.075), (TABLE_HALF_X - 0.02, 0.01, 0.055), (0.12, 0.12, 0.13)),
        )
    )


def cabinet(spec: SceneSpec) -> str:
    """The slider cabinet: open at the top, two compartments, a door with a handle that covers one of them."""
    wide, deep, tall = 2 * COMPARTMENT, 0.07, CABINET_WALL
    wall, inside = spec.look.cabinet, tuple(0.62 * c for c in spec.look.cabinet)
    parts = (
        box(
            "cabinet_floor",
            (0, 0, CABINET_FLOOR / 2),
            (wide, deep, CABINET_FLOOR / 2),
            (inside[0], inside[1], inside[2]),
        ),
        box("cabinet_back", (0, deep, 0.055), (wide + 0.008, 0.007, 0.055), wall),
        box("cabinet_left", (-wide, 0, tall / 2), (0.008, deep, tall / 2), wall),
        box("cabinet_right", (wide, 0, tall / 2), (0.008, deep, tall / 2), wall),
        box("cabinet_sill", (0, -deep, 0.01), (wide + 0.008, 0.006, 0.01), wall),
        f'<body name="door" pos="{numbers(COMPARTMENT, -deep - 0.012, 0)}">'
        f'<joint name="slider" type="slide" axis="-1 0 0" range="0 {DOOR_TRAVEL}" damping="6" frictionloss="2"/>',
        box("door", (0, 0, 0.037), (COMPARTMENT - 0.004, 0.005, 0.033), spec.look.door, 'class="fixture" mass="0.3"'),
        box("door_knob", (0, -0.03, 0.042), (0.011, 0.026, 0.028), spec.look.handle, 'class="fixture" mass="0.05"'),
        '<site name="slider" pos="0 -0.035 0.042" group="5"/></body>',
    )
    return f'<body name="cabinet" pos="{numbers(*spec.cabinet, 0)}">{"".join(parts)}</body>'


def drawer(spec: SceneSpec) -> str:
    """The drawer below the table's front edge: it opens towards the camera; its handle is a bar with a 6 cm gap."""
    wide, deep = DRAWER_INNER
    rgb, grip = spec.look.drawer, spec.look.handle
    inside = (0.75 * rgb[0], 0.75 * rgb[1], 0.75 * rgb[2])
    side, top = 0.5 * (DRAWER_FLOOR - 0.022) - 0.004, -0.022
    high = (top - DRAWER_FLOOR) / 2 + 0.004
    more = 'class="fixture" mass="0.1"'
    parts = (
        f'<joint name="drawer" type="slide" axis="0 -1 0" range="0 {DRAWER_TRAVEL}" damping="6" frictionloss="2"/>',
        box("drawer_front", (0, 0, side), (wide + 0.02, 0.008, high), rgb, more),
        box("drawer_floor", (0, DRAWER_CENTRE, DRAWER_FLOOR - 0.004), (wide, deep, 0.004), inside, more),
        box("drawer_left", (-wide - 0.004, DRAWER_CENTRE, side), (0.004, deep, high), rgb, more),
        box("drawer_right", (wide + 0.004, DRAWER_CENTRE, side), (0.004, deep, high), rgb, more),
        box("drawer_rear", (0, DRAWER_CENTRE + deep + 0.004, side), (wide + 0.008, 0.004, high), rgb, more),
        box("drawer_bar", (0, -0.076, -0.045), (0.085, 0.008, 0.012), grip, more),
        box("drawer_arm_left", (-0.077, -0.038, -0.045), (0.008, 0.032, 0.012), grip, more),
        box("drawer_arm_right", (0.077, -0.038, -0.045), (0.008, 0.032, 0.012), grip, more),
        '<site name="drawer" pos="0 -0.038 -0.045" group="5"/>',
    )
    return f'<body name="drawer" pos="{numbers(spec.drawer_x, TABLE_FRONT - 0.012, 0)}">{"".join(parts)}</body>'


def switch(spec: SceneSpec) -> str:
    """A lever on a console, up is away from the camera, and the bulb it switches behind it."""
    parts = (
        box("switch_console", (0, 0, CONSOLE_TOP / 2), (0.038, 0.088, CONSOLE_TOP / 2), spec.look.console),
        f'<body name="lever" pos="0 {PIVOT_Y} {CONSOLE_TOP}" euler="{LEVER_TILT} 0 0" gravcomp="1">'
        f'<joint name="switch" type="hinge" axis="-1 0 0" range="-{SWITCH_RANGE} {SWITCH_RANGE}" '
        f'damping="0.02" frictionloss="0.08" armature="0.0005"/>'
        f'<geom name="lever" type="capsule" fromto="0 0 0 0 0 {LEVER}" size="0.009" mass="0.03" class="fixture" '
        f'rgba="{numbers(*spec.look.handle, 1)}"/>'
        f'<geom name="lever_tip" type="sphere" pos="0 0 {LEVER}" size="0.015" mass="0.01" class="fixture" '
        f'rgba="0.95 0.55 0.10 1"/><site name="switch" pos="0 0 {LEVER}" group="5"/></body>',
        f'<geom name="bulb_foot" type="cylinder" pos="0 0.064 {CONSOLE_TOP + 0.01}" size="0.012 0.01" '
        f'class="fixture" rgba="0.7 0.7 0.72 1"/>'
        f'<geom name="bulb" type="sphere" pos="0 0.064 {CONSOLE_TOP + 0.034}" size="0.022" class="fixture" '
        f'material="glow"/><site name="bulb" pos="0 0.064 {CONSOLE_TOP + 0.034}" group="5"/>',
    )
    return f'<body name="switch" pos="{numbers(*spec.switch, 0)}">{"".join(parts)}</body>'


def button(spec: SceneSpec) -> str:
    """A button on a console and the LED it toggles behind it."""
    parts = (
        box("button_console", (0, 0, CONSOLE_TOP / 2), (0.038, 0.088, CONSOLE_TOP / 2), spec.look.console),
        f'<body name="cap" pos="0 -0.03 {CONSOLE_TOP + BUTTON_TRAVEL}" gravcomp="1">'
        f'<joint name="button" type="slide" axis="0 0 -1" range="0 {BUTTON_TRAVEL}" stiffness="120" damping="2"/>'
        '<geom name="cap" type="cylinder" size="0.024 0.006" mass="0.03" class="fixture" rgba="0.62 0.28 0.75 1"/>'
        '<site name="button" pos="0 0 0.006" group="5"/></body>',
        f'<geom name="led" type="box" pos="0 0.062 {CONSOLE_TOP + 0.018}" size="0.026 0.014 0.018" class="fixture" '
        f'material="glow"/><site name="led" pos="0 0.062 {CONSOLE_TOP + 0.018}" group="5"/>',
    )
    return f'<body name="button" pos="{numbers(*spec.button, 0)}">{"".join(parts)}</body>'


def blocks(spec: SceneSpec) -> str:
    """The three blocks, free bodies; the reset places them."""
    return "".join(
        f'<body name="{block.name}" pos="{numbers(0.2 * i - 0.2, -0.1, 0.05)}"><freejoint name="{block.name}"/>'
        f'<geom name="{block.name}" type="box" size="{numbers(*block.half)}" mass="0.06" class="block" '
        f'rgba="{numbers(*block.rgb, 1)}"/></body>'
        for i, block in enumerate(spec.blocks)
    )


def distractors(spec: SceneSpec) -> str:
    """Loose bodies that no task names; the reset places them."""
    return "".join(
        f'<body name="{one.name}" pos="{numbers(0.2 * i - 0.2, 0.1, 0.05)}"><freejoint name="{one.name}"/>'
        f"{''.join(map(_part, one.parts))}</body>"
        for i, one in enumerate(spec.distractors)
    )


def _part(part: Part) -> str:
    return (
        f'<geom type="{part.shape}" size="{numbers(*part.size)}" pos="{numbers(*part.centre)}" mass="0.03" '
        f'class="block" rgba="{numbers(*part.rgb, 1)}"/>'
    )
