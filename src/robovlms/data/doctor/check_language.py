"""Sentences that are missing, the same for different tasks, or damaged."""

from collections import Counter

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
    """A sentence that most episodes say, of most tasks; CALVIN's own data says some sentences of two tasks."""
    said = Counter(one.instruction for one in data.recordings)
    sentence, count = said.most_common(1)[0]
    named = {one.task for one in data.recordings if one.instruction == sentence}
    most = count > len(data.recordings) / 2 and len(named) > len({one.task for one in data.recordings}) / 2
    if most and len(named) > 1 and sentence.strip():
        seen = f"'{sentence:.60}' is said of {len(named)} tasks: {', '.join(sorted(named)[:4])}"
        return [Finding("language", "error", seen, "one task a sentence", "Store each episode's own sentence.")]
    if len(said) > 1 or named != {""} or not sentence.strip():
        return []
    seen = f"all {len(data.recordings)} episodes say '{sentence:.60}'"
    remedy = "Nothing, where all show one task; else store each episode's own sentence."
    return [Finding("language", "warning", seen, "several sentences", remedy)]
