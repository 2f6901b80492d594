"""Policies without a VLM in a recipe's place: its data, budget, plans and executor, in settings that serve them."""

from collections.abc import Mapping
from typing import Any

from robovlms.core.config import merge, validate
from robovlms.core.errors import UnknownName
from robovlms.policies.executors import parse_executor
from robovlms.training.experiment import Experiment

_FROM_SCRATCH = {"training.augment.shift_px": 3, "training.optimizer.learning_rate": 1e-3}
BASELINES: Mapping[str, Mapping[str, Any]] = {
    "cnn": _FROM_SCRATCH,
    "cnn_gru": {"model.architecture.history": 4, **_FROM_SCRATCH},
    "act": {**_FROM_SCRATCH, "training.optimizer.learning_rate": 5e-4},
}
"""How each differs from a recipe: in what serves it better. A window's frames are as far apart as its plans."""


def without_vlm(experiment: Experiment, name: str) -> Experiment:
    """The same experiment with a policy of ``BASELINES``.

    Raises:
        UnknownName: There is no such policy.
    """
    if name not in BASELINES:
        raise UnknownName("policy without a VLM", name, BASELINES)
    changes = {"model.kind": name, "model.architecture.chunk": experiment.model.architecture.chunk, **BASELINES[name]}
    if "model.architecture.history" in changes:
        changes["model.architecture.stride"] = parse_executor(experiment.executor).every
    return validate(Experiment, merge(experiment.model_dump(mode="json"), changes))
