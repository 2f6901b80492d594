"""Settings of a scene: as it was trained in, and one at a time what may be new about it at a trial.

They are those of the real-robot evaluation (simple, unseen distractor, background and object, novel skill description)
and an unseen scene. Nothing of them occurs in scenes A to D or in the sentences of training and validation, so
demonstrations never hold it. With the same initial state and seed all that a setting does not change is as it was.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from robovlms.core.errors import UnknownName
from robovlms.core.protocols import SIMPLE
from robovlms.worlds.tabletop.scenes import BlockSpec, Distractor, Look, Part, SceneSpec

DISTRACTORS = (
    Distractor("can", (Part("cylinder", (0.021, 0.032), (0, 0, 0.032), (0.62, 0.72, 0.08)),)),
    Distractor(
        "cross",
        (
            Part("box", (0.034, 0.010, 0.010), (0, 0, 0.010), (0.05, 0.60, 0.62)),
            Part("box", (0.010, 0.034, 0.010), (0, 0, 0.010), (0.05, 0.60, 0.62)),
        ),
    ),
    Distractor(
        "mushroom",
        (
            Part("cylinder", (0.012, 0.018), (0, 0, 0.018), (0.40, 0.16, 0.05)),
            Part("cylinder", (0.026, 0.008), (0, 0, 0.044), (0.40, 0.16, 0.05)),
        ),
    ),
)
UNSEEN_BLOCKS = (
    BlockSpec("red", (0.027, 0.028, 0.030), (0.50, 0.02, 0.06)),
    BlockSpec("blue", (0.016, 0.040, 0.024), (0.22, 0.62, 0.98)),
    BlockSpec("pink", (0.025, 0.026, 0.017), (0.92, 0.18, 0.58)),
)
"""Cube, bar and slab in other shades of the colours that sentences name."""
UNSEEN_SCENE = SceneSpec(
    "unseen",
    (-0.14, 0.208),
    0.04,
    (0.272, 0.150),
    (0.128, 0.156),
    Look(
        pattern="rings",
        table=(0.68, 0.55, 0.72),
        cabinet=(0.86, 0.52, 0.36),
        door=(0.28, 0.56, 0.34),
        drawer=(0.80, 0.78, 0.30),
        handle=(0.62, 0.14, 0.36),
        floor=(0.20, 0.26, 0.38),
        console=(0.20, 0.45, 0.48),
    ),
)
"""Each fixture inside the range it has in A, B and C; that both consoles stand to the right, in this order, is new."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What is new, in words; what it makes of a scene; and which sentences name the tasks."""

    new: str
    change: Callable[[SceneSpec], SceneSpec] = lambda spec: spec
    instruction_split: str = "validation"


SETTINGS = {
    SIMPLE: Setting("nothing but the sentence"),
    "unseen_distractor": Setting(
        "three loose objects on the table that no task names", lambda spec: replace(spec, distractors=DISTRACTORS)
    ),
    "unseen_background": Setting(
        "pattern and colour of the table top and of the floor",
        lambda spec: replace(
            spec, look=replace(spec.look, pattern="diamonds", table=(0.22, 0.44, 0.32), floor=(0.66, 0.52, 0.70))
        ),
    ),
    "unseen_object": Setting("size, shape and shade of the blocks", lambda spec: replace(spec, blocks=UNSEEN_BLOCKS)),
    "novel_skill_description": Setting("words and phrases for every task", instruction_split="novel"),
    "unseen_scene": Setting(
        "where every fixture stands, and the look of everything but blocks", lambda _: UNSEEN_SCENE
    ),
}
"""By name, the order of reports."""


def setting_of(name: str) -> Setting:
    """The setting called ``name``; raises ``UnknownName`` for another."""
    if name not in SETTINGS:
        raise UnknownName("setting", name, SETTINGS)
    return SETTINGS[name]
