"""The model card: what the tiny VLM is, how it came about, and what it scored."""

from pathlib import Path
from string import Template
from typing import Any

from robovlms.pretraining.export import num_parameters
from robovlms.pretraining.questions import SHARES
from robovlms.pretraining.verdict import clearly_above, limits

_TEMPLATE = Path(__file__).parent / "card_template.md"


def model_card(directory: Path, result: dict[str, Any], history: str) -> str:
    """The card of the model in ``directory``; ``result`` is ``evaluate``'s, ``history`` one line on its training."""
    sets = result["sets"]
    rows = [_row(kind, sets) for kind in SHARES if all(kind in marks for marks in sets.values())]
    return Template(_TEMPLATE.read_text()).substitute(
        parameters=f"{num_parameters(directory) / 1e6:.2f}",
        tokens=result["tokens_per_prompt"],
        kinds=len(SHARES),
        history=history,
        frames=result["frames_per_set"],
        questions=result["questions_per_kind"],
        rows="\n".join(rows),
        limits=limits(sets),
    )


def _row(kind: str, sets: dict[str, Any]) -> str:
    model = sets["ABC"][kind]["model"]
    tolerance = f"{model['tolerance']:g} {model['unit']}" if "unit" in model else "exact"
    return "| " + " | ".join([f"`{kind}`", tolerance, *_cells(sets["ABC"][kind]), *_cells(sets["D"][kind])]) + " |"


def _cells(marks: dict[str, Any]) -> list[str]:
    low, high = marks["model"]["ci95"]
    rate = f"{marks['model']['accuracy']:.2f}"
    rate = f"**{rate}**" if clearly_above(marks) else rate
    model = f"{rate} ({low:.2f}-{high:.2f}){_error(marks['model'])}"
    return [model, *(f"{marks[who]['accuracy']:.2f}{_error(marks[who])}" for who in ("text_only", "majority"))]


def _error(marks: dict[str, Any]) -> str:
    return f", {marks['median_error']:.1f} {marks['unit']}" if "median_error" in marks else ""
