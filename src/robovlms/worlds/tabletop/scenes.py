"""The four scenes as data: where each fixture stands and how everything looks.

World frame: x to the right and y away as the static camera sees it, z up, the table top at z = 0; metres.
Scene D is a held-out combination: every fixture stands inside the range it has in A, B and C, but never together.
"""

from dataclasses import dataclass

from robovlms.core.errors import UnknownName
from robovlms.worlds.tabletop.geometry import BLOCK_HALF

Rgb = tuple[float, float, float]
Xy = tuple[float, float]
Xyz = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """Colours (0 to 1) and the pattern of the table top, one of ``textures.py``."""

    pattern: str
    table: Rgb
    cabinet: Rgb
    door: Rgb
    drawer: Rgb
    handle: Rgb
    floor: Rgb
    console: Rgb


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """A block: its half sizes (m) and colour. The short side lies along x, across the fingers of a gripper at yaw 0."""

    name: str
    half: Xyz
    rgb: Rgb


@dataclass(frozen=True, slots=True)
class Part:
    """A primitive of a distractor: MuJoCo's shape and sizes (m), its centre above the spot it stands on, its colour."""

    shape: str
    size: tuple[float, ...]
    centre: Xyz
    rgb: Rgb


@dataclass(frozen=True, slots=True)
class Distractor:
    """A loose body that no task names."""

    name: str
    parts: tuple[Part, ...]


BLOCK_RGB: dict[str, Rgb] = {"red": (0.86, 0.10, 0.10), "blue": (0.10, 0.28, 0.88), "pink": (0.98, 0.45, 0.72)}
TRAINED_BLOCKS = tuple(BlockSpec(name, half, BLOCK_RGB[name]) for name, half in BLOCK_HALF.items())


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """One scene: centres of the fixtures (m, world xy; the drawer slides along y, so it has only x) and its look.

    Scenes A to D have the same blocks and nothing that no task names; ``settings.py`` makes others of them.
    """

    name: str
    cabinet: Xy
    drawer_x: float
    switch: Xy
    button: Xy
    look: Look
    blocks: tuple[BlockSpec, ...] = TRAINED_BLOCKS
    distractors: tuple[Distractor, ...] = ()


_OAK = Look(
    pattern="planks",
    table=(0.80, 0.66, 0.47),
    cabinet=(0.93, 0.92, 0.88),
    door=(0.36, 0.52, 0.62),
    drawer=(0.55, 0.38, 0.24),
    handle=(0.16, 0.17, 0.19),
    floor=(0.52, 0.55, 0.57),
    console=(0.30, 0.33, 0.38),
)
_SLATE = Look(
    pattern="terrazzo",
    table=(0.56, 0.60, 0.63),
    cabinet=(0.74, 0.62, 0.46),
    door=(0.91, 0.88, 0.80),
    drawer=(0.33, 0.42, 0.40),
    handle=(0.86, 0.80, 0.62),
    floor=(0.36, 0.33, 0.31),
    console=(0.85, 0.83, 0.78),
)
_SAGE = Look(
    pattern="checks",
    table=(0.72, 0.78, 0.68),
    cabinet=(0.47, 0.41, 0.38),
    door=(0.84, 0.70, 0.42),
    drawer=(0.86, 0.85, 0.82),
    handle=(0.26, 0.22, 0.20),
    floor=(0.60, 0.56, 0.50),
    console=(0.44, 0.38, 0.46),
)
_LINEN = Look(
    pattern="weave",
    table=(0.83, 0.79, 0.72),
    cabinet=(0.62, 0.70, 0.70),
    door=(0.52, 0.40, 0.30),
    drawer=(0.44, 0.47, 0.55),
    handle=(0.14, 0.15, 0.17),
    floor=(0.45, 0.44, 0.43),
    console=(0.37, 0.36, 0.34),
)

SCENES = {
    "A": SceneSpec("A", (-0.16, 0.205), -0.13, (0.135, 0.155), (0.275, 0.145), _OAK),
    "B": SceneSpec("B", (0.16, 0.200), 0.13, (-0.275, 0.145), (-0.135, 0.160), _SLATE),
    "C": SceneSpec("C", (0.00, 0.210), 0.00, (0.280, 0.160), (-0.280, 0.150), _SAGE),
    "D": SceneSpec("D", (0.00, 0.205), 0.07, (-0.272, 0.150), (0.272, 0.152), _LINEN),
}


def scene_spec(name: str) -> SceneSpec:
    """The scene called ``name``; raises ``UnknownName`` for any but A, B, C and D."""
    if name not in SCENES:
        raise UnknownName("scene", name, SCENES)
    return SCENES[name]
