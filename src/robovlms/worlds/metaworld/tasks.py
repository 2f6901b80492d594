"""The 50 tasks under the package's own names, and its named sets."""

from functools import partial

from robovlms.worlds.metaworld.sentences import SENTENCES
from robovlms.worlds.task_sets import chosen

TASKS: tuple[str, ...] = tuple(SENTENCES)
"""MT50, in the order of the alphabet."""

MT10 = (
    "button-press-topdown-v3",
    "door-open-v3",
    "drawer-close-v3",
    "drawer-open-v3",
    "peg-insert-side-v3",
    "pick-place-v3",
    "push-v3",
    "reach-v3",
    "window-close-v3",
    "window-open-v3",
)
TASK_SETS = {"all": TASKS, "mt50": TASKS, "mt10": MT10}

MAX_STEPS = 500
"""The package's own horizon: 6.25 s."""

task_set = partial(chosen, TASKS, TASK_SETS)
"""Tasks by the name of a set or by their own names, in the order of ``TASKS``; see ``task_sets.chosen``."""
