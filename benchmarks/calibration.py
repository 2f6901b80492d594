"""How far a policy's confidence goes with success, from committed results: the table in docs/results.md.

    python benchmarks/calibration.py benchmarks/results/pretraining-with-*.json

A policy is as sure as two plans in a row agree (continuous heads), its samples agree, or its words are likely;
`heads/confidence.py` has the formula. Attempts whose confidence nobody could know, the first plan of a task that ended
with it, are left out.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from robovlms.evaluation.results import load
from robovlms.statistics.calibration import Calibration, calibration

HEAD = (
    "row",
    "attempts",
    "calibration error",
    "told from failure",
    *(f"{low / 5:.1f}-{low / 5 + 0.2:.1f}" for low in range(5)),
)


def measured(file: Path) -> Calibration:
    """The calibration of one results file, in five bins."""
    attempts = [task for episode in load(file).episodes for task in episode.tasks if task.confidence is not None]
    confidence = np.array([task.confidence for task in attempts], np.float64)
    return calibration(confidence, np.array([task.success for task in attempts]), num_bins=5)


def table(files: Sequence[Path]) -> str:
    """Markdown; the last columns are shares of success by confidence, with the number of attempts."""
    rows = [HEAD, ("---",) * len(HEAD)]
    for file in files:
        found = measured(file)
        bins = {round(one.low * 5): f"{one.success.value:.0%} of {one.success.n}" for one in found.bins}
        sure = "-" if found.discrimination is None else f"{found.discrimination:.2f}"
        rows.append(
            (f"`{file.stem}`", str(found.n), f"{found.error:.2f}", sure, *(bins.get(low, "-") for low in range(5)))
        )
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    print(table(parser.parse_args().files))
