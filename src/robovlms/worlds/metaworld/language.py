"""What to say for each task: one canonical sentence and its paraphrases, and others that never occur in training."""

from robovlms.core.errors import UnknownName
from robovlms.worlds.metaworld.sentences import SENTENCES

SPLITS = ("train", "validation")


def instructions(task: str, split: str) -> tuple[str, ...]:
    """Sentences for a task, lower case, always in the same order; the first of 'train' is the canonical one.

    Raises:
        UnknownName: the task or the split does not exist.
    """
    if task not in SENTENCES:
        raise UnknownName("task", task, SENTENCES)
    if split not in SPLITS:
        raise UnknownName("split", split, SPLITS)
    return SENTENCES[task][SPLITS.index(split)]
