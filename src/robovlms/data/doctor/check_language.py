"""Sentences that are missing, the same for different tasks, or damaged."""

from collections import defaultdict

from robovlms.data.doctor.examined import Examined
from robovlms.data.doctor.finding import Finding


def check(data: Examined) -> list[Finding]:
    """The instruction of every episode."""
    return _missing(data) + _damaged(data) + _constant(data)


def _missing(data: Examined) -> list[Finding]:
    empty = [one.index for one in data.recordings if not one.instruction.strip()]
    if not empty:
        return []
    seen = f"{len(empty)} of {len(data.recordings)} episodes have no instruction"
    remedy = "Write down what was done, or leave these episodes out."
    return [Finding("language", "error", seen, "a sentence for every episode", remedy, empty[0])]


def _damaged(data: Examined) -> list[Finding]:
    broken = [one for one in data.recordings if "\ufffd" in one.instruction]
    if not broken:
        return []
    seen = f"'{broken[0].instruction:.60}' holds characters that could not be decoded"
    return [Finding("language", "error", seen, "UTF-8", "Store the sentences as UTF-8.", broken[0].index)]


def _constant(data: Examined) -> list[Finding]:
    tasks = defaultdict(set)
    for one in data.recordings:
        tasks[one.instruction].add(one.task)
    sentence, named = max(tasks.items(), key=lambda item: len(item[1]), default=("", set()))
    several = len(named) > 1
    if not sentence.strip() or (len(tasks) > 1 and not several) or (not several and named != {""}):
        return []
    if several:
        seen = f"'{sentence:.60}' is said of {len(named)} tasks: {', '.join(sorted(named)[:4])}"
        return [Finding("language", "error", seen, "one task a sentence", "Store each episode's own sentence.")]
    seen = f"all {len(data.recordings)} episodes say '{sentence:.60}'"
    remedy = "Nothing, where all show one task; else store each episode's own sentence."
    return [Finding("language", "warning", seen, "several sentences", remedy)]
