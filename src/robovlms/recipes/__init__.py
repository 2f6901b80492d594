"""Named experiments: functions of the data's folders. A docstring gives command, hardware, time and expected score."""

from collections.abc import Callable, Sequence
from pathlib import Path

from robovlms.core.errors import UnknownName
from robovlms.recipes.bridge import bridge_sample
from robovlms.recipes.metaworld import metaworld_mt10
from robovlms.recipes.tabletop import tabletop_full, tabletop_quick, tabletop_twelve
from robovlms.training.experiment import Experiment

RECIPES: dict[str, Callable[[Sequence[Path]], Experiment]] = {
    recipe.__name__: recipe
    for recipe in (tabletop_quick, tabletop_twelve, tabletop_full, metaworld_mt10, bridge_sample)
}


def recipe(name: str) -> Callable[[Sequence[Path]], Experiment]:
    """The recipe of this name.

    Raises:
        UnknownName: there is none; the nearest is offered.
    """
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]
