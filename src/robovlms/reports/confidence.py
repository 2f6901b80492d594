"""How far a policy's confidence can be believed: confidence of attempted tasks against what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from robovlms.reports.runs import Run
from robovlms.statistics.calibration import Calibration, calibration


@dataclass(frozen=True, slots=True)
class RunCalibration:
    """The calibration of one run; ``run`` is its number among all runs."""

    run: int
    label: str
    calibration: Calibration


def calibrations(runs: Sequence[Run]) -> list[RunCalibration]:
    """One for each run whose policy said how sure it was."""
    found = []
    for index, run in enumerate(runs):
        chains = run.outcome.chains if run.outcome else ()
        pairs = [(task.confidence, task.success) for chain in chains for task in chain.tasks]
        known = [(sure, success) for sure, success in pairs if sure is not None]
        if known:
            confidence, success = (np.array(column) for column in zip(*known, strict=True))
            found.append(RunCalibration(index, run.label, calibration(confidence.astype(float), success.astype(bool))))
    return found
