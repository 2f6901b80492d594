"""Examine a tiny VLM on held-out frames: ``python -m robovlms.pretraining.evaluate DIR``.

Two sets: frames of scenes A to C from seeds that training never used, and frames of scene D, which training never
saw. Each wording's answers are drawn evenly, by one rule for all kinds (``balance.py``). Beside the model: the one
answer to each wording that is right most often, and the model without images, both asked the very same questions.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from robovlms.core.errors import UserError
from robovlms.pretraining.answering import Answerer
from robovlms.pretraining.card import model_card
from robovlms.pretraining.exam import Majority, examine
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.marking import Marks, mark
from robovlms.pretraining.pool import held_out_frames, teleported
from robovlms.pretraining.questions import SHARES
from robovlms.pretraining.rollouts import rolled_out

EXAM_SEED = 1_000_003
"""Apart from every training seed a person would choose."""
NUM_FRAMES = 3000
NUM_QUESTIONS = 400
SETS = {"ABC": "ABC", "D": "D"}

SOURCES = (teleported, rolled_out)


def marks_by_kind(
    answerer: Answerer, majority: Majority, frames: list[Frame], number: int
) -> dict[str, dict[str, Marks]]:
    """Marks of the model, of the majority answer and of the model without images, for each kind of question."""
    questions = examine(frames, number, np.random.default_rng(EXAM_SEED))
    given = {
        "model": answerer.answer(answerer.look(frames), questions),
        "text_only": answerer.answer_blind(questions),
        "majority": [majority(question) for question in questions],
    }
    result = {}
    for kind in SHARES:
        chosen = [index for index, question in enumerate(questions) if question.kind == kind]
        asked = [questions[index] for index in chosen]
        if asked:
            result[kind] = {who: mark(kind, asked, [answers[i] for i in chosen]) for who, answers in given.items()}
    return result


def evaluate(directory: Path, num_frames: int = NUM_FRAMES, number: int = NUM_QUESTIONS) -> dict[str, Any]:
    """Examine the model in ``directory``; JSON-able.

    Args:
        directory: A Hugging Face directory, as run.py exports it.
        num_frames: Frames a set, from which the questions are chosen; rare answers need many.
        number: At most so many questions of a kind in each set.

    Raises:
        UserError: no model there, or no OpenGL to draw frames with.
    """
    answerer = Answerer(directory)
    training = held_out_frames("ABC", EXAM_SEED + 1, num_frames, SOURCES)
    majority = Majority(examine(training, 2 * number, np.random.default_rng(EXAM_SEED + 1)))
    sets = {
        name: marks_by_kind(answerer, majority, held_out_frames(scenes, EXAM_SEED, num_frames, SOURCES), number)
        for name, scenes in SETS.items()
    }
    facts = {"frames_per_set": num_frames, "questions_per_kind": number, "exam_seed": EXAM_SEED}
    return {"schema_version": 2, **facts, "tokens_per_prompt": answerer.tokens_per_pair, "sets": sets}


def table(result: dict[str, Any]) -> Table:
    """The marks as a table."""
    view = Table(title="Held-out questions: accuracy (95 % interval), text only / majority, median error")
    for heading in ("kind", *(f"{name}" for name in SETS)):
        view.add_column(heading)
    for kind in SHARES:
        view.add_row(kind, *(_cell(result["sets"][name].get(kind)) for name in SETS))
    return view


def _cell(marks: dict[str, Marks] | None) -> str:
    if marks is None:
        return "-"
    model = marks["model"]
    low, high = model["ci95"]
    text = f"{model['accuracy']:.2f} ({low:.2f}-{high:.2f})  {marks['text_only']['accuracy']:.2f} / "
    text += f"{marks['majority']['accuracy']:.2f}"
    if "median_error" in model:
        text += f"  {model['median_error']:.1f} {model['unit']} (majority {marks['majority']['median_error']:.1f})"
    return text


def main(arguments: list[str]) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m robovlms.pretraining.evaluate", description=__doc__)
    parser.add_argument("directory", type=Path, help="a Hugging Face directory, as run.py exports it")
    parser.add_argument("--frames", type=int, default=NUM_FRAMES, help="frames in each set")
    parser.add_argument("--questions", type=int, default=NUM_QUESTIONS, help="most questions of a kind in each set")
    parser.add_argument("--out", type=Path, help="where to write the JSON (default: DIRECTORY/../vqa.json)")
    parser.add_argument("--card", metavar="HISTORY", help="also write the model card; these words say how it was made")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        result = evaluate(given.directory, given.frames, given.questions)
    except UserError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    out = given.out or given.directory.resolve().parent / "vqa.json"
    out.write_text(json.dumps(result, indent=1) + "\n")
    if given.card:
        (given.directory / "README.md").write_text(model_card(given.directory, result, given.card))
    Console(width=170).print(table(result), f"\n{out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
