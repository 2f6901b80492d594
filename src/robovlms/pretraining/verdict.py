"""What the marks of an examination allow to be said: learned or not, by kind of question and by set."""

from collections.abc import Sequence
from typing import Any

from robovlms.pretraining.marking import SCALES
from robovlms.pretraining.questions import SHARES

BASELINES = ("text_only", "majority")
_RARE = 0.1
_LEAST = 10
"""Answers that are right in a smaller share than this, of at least so many cases, are named."""


def clearly_above(marks: dict[str, Any]) -> bool:
    """Whether the model's 95 % interval lies above the intervals of both baselines and meets neither."""
    return marks["model"]["ci95"][0] > max(marks[name]["ci95"][1] for name in BASELINES)


def limits(sets: dict[str, dict[str, Any]]) -> str:
    """The paragraph on limits: which kinds are clearly above both baselines, and how far off places are.

    Args:
        sets: ``evaluate``'s marks by set ('ABC' and 'D'), by kind, by who answered.
    """
    parts = [_learned(sets["ABC"], "New states of scenes A to C"), _learned(sets["D"], "New scene D"), _far(sets)]
    return "\n".join(filter(None, [*parts, _unsaid(sets)]))


def _learned(marks: dict[str, Any], where: str) -> str:
    kinds = [kind for kind in SHARES if kind in marks]
    good = [kind for kind in kinds if clearly_above(marks[kind])]
    weak = [kind for kind in kinds if kind not in good]
    text = f"{where}: {len(good)} of {len(kinds)} kinds are clearly above both baselines"
    return f"{text}; not {_listed(weak)}." if weak else f"{text}."


def _far(sets: dict[str, Any]) -> str:
    """Median errors, in the new states and in the new scene."""
    kinds = [kind for kind in SCALES if all(kind in marks for marks in sets.values())]
    parts = [f"`{kind}` {_error(sets['ABC'][kind])} and {_error(sets['D'][kind])}" for kind in kinds]
    return f"Median errors of places in A to C and in D: {'; '.join(parts)}."


def _unsaid(sets: dict[str, Any]) -> str:
    """Answers that the model hardly ever gets right in either set, although its kind may stand above the baselines."""
    parts = []
    for kind in SHARES:
        counts = [marks[kind]["model"].get("by_answer", {}) for marks in sets.values() if kind in marks]
        answers = sorted({answer for known in counts for answer in known})
        missed = [answer for answer in answers if _hardly([known.get(answer, (0, 0)) for known in counts])]
        parts += [f"`{kind}` {', '.join(map(repr, missed))}"] if missed else []
    named = "; ".join(parts)
    return f"Answers right in less than {_RARE:.0%} of the cases where they are true: {named}." if parts else ""


def _hardly(counts: Sequence[Sequence[int]]) -> bool:
    right, true = (sum(column) for column in zip(*counts, strict=True))
    return true >= _LEAST and right < _RARE * true


def _error(marks: dict[str, Any]) -> str:
    model = marks["model"]
    return f"{model['median_error']:.1f} {model['unit']}" if "median_error" in model else "none"


def _listed(kinds: list[str]) -> str:
    names = [f"`{kind}`" for kind in kinds]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
