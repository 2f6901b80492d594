"""What to say for each task: training paraphrases, one validation sentence, and sentences in other words than both."""

from functools import cache

from robovlms.core.errors import UnknownName
from robovlms.worlds.tabletop.novel_sentences import NOVEL
from robovlms.worlds.tabletop.sentences import TRAINING, VALIDATION
from robovlms.worlds.tabletop.state import BLOCKS
from robovlms.worlds.tabletop.tasks import TASKS

_TEMPLATES = {"train": TRAINING, "validation": {kind: (one,) for kind, one in VALIDATION.items()}, "novel": NOVEL}
SPLITS = tuple(_TEMPLATES)

_CLOCK = {"left": "counterclockwise", "right": "clockwise"}
"""Seen from above."""


def instructions(task: str, split: str) -> tuple[str, ...]:
    """Sentences for a task, lower case: 11 for 'train', one for 'validation', three for 'novel', in a fixed order.

    Raises:
        UnknownName: the task or the split does not exist.
    """
    if task not in TASKS:
        raise UnknownName("task", task, TASKS)
    if split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    return _sentences(task, split)


@cache
def _sentences(task: str, split: str) -> tuple[str, ...]:
    kind, words = _parse(task)
    return tuple(template.format(**words) for template in _TEMPLATES[split][kind])


def _parse(task: str) -> tuple[str, dict[str, str]]:
    """The kind of a task, as ``sentences.py`` names it, and the words its sentences need."""
    if task in TRAINING:
        return task, {}
    verb, thing, *rest = task.split("_")
    if thing not in BLOCKS:
        return f"{verb}_{thing}", {"side": rest[-1]}
    if verb == "lift":
        return f"lift_{rest[-1]}", {"color": thing}
    return verb, {"color": thing, "side": rest[-1], "clock": _CLOCK[rest[-1]]}
