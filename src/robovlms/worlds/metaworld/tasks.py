"""The 50 tasks under the package's own names, and its named sets."""

from collections.abc import Sequence

from robovlms.core.errors import UnknownName
from robovlms.worlds.metaworld.sentences import SENTENCES

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


def task_set(names: str | Sequence[str]) -> tuple[str, ...]:
    """Tasks by the name of a set or by their own names, in the order of ``TASKS`` and each once.

    Raises:
        UnknownName: neither a set nor a task is called that.
    """
    asked = TASK_SETS.get(names, (names,)) if isinstance(names, str) else names
    for name in asked:
        if name not in TASKS:
            raise UnknownName("task", name, (*TASK_SETS, *TASKS))
    return tuple(task for task in TASKS if task in asked)
