"""What the published code does to the numbers of the arm before it learns them.

Source: ``calvin_dataset.py`` and ``base_action_prediction_dataset.py`` under ``robovlms/data`` of Robot-VLAs/RoboVLMs
(8adc1d2); how it undoes it: ``model_wrapper.py`` under ``eval/calvin`` and ``eval/simpler``. Actions of RLDS data are
normalised twice: OpenVLA's loader brings the quantiles of a data set to -1 and 1 and clips there, then ``norm_action``
does the same with a fixed range.
"""

import json
from pathlib import Path

from robovlms.actions.scaling import Clip, Identity, MuLaw, Quantile, ScalingConfig
from robovlms.actions.statistics import COLUMNS, ActionStatistics
from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.upstream.settings import UpstreamSettings


def scalings(settings: UpstreamSettings) -> tuple[ScalingConfig, ...]:
    """In the order in which they are applied."""
    applied: list[ScalingConfig] = []
    if settings.learns_from_rlds:
        applied += [Quantile(rare_motion=0), Clip(low=-1, high=1)]
    if settings.norm_action:
        applied.append(Clip(low=settings.norm_min, high=settings.norm_max))
    if settings.use_mu_law:
        applied.append(MuLaw(mu=settings.mu_val))
    return tuple(applied) or (Identity(),)


def action_statistics(settings: UpstreamSettings, file: Path | None, dims: int) -> ActionStatistics:
    """Those of ``file`` (the published ``dataset_statistics_*.json``), where the policy was trained with some.

    Raises:
        UserError: it was and there are none, or it was not and there are, or the file holds something else.
    """
    if settings.learns_from_rlds != (file is not None):
        raise UserError(
            f"The training set is an {settings.train_dataset.type}: its actions were normalised by statistics first. "
            "Give those of the robot it shall act on (dataset_statistics_*.json) with --statistics."
            if settings.learns_from_rlds
            else f"No statistics went into actions of a {settings.train_dataset.type}. Leave --statistics out."
        )
    if file is None:  # the scalings are fixed, so what stands here decides nothing
        low, middle, high = (-1.0,) * dims, (0.0,) * dims, (1.0,) * dims
        return ActionStatistics(count=0, mean=middle, std=high, min=low, max=high, q01=low, q99=high)
    try:
        stored = json.loads(file.read_text())
        columns = {name: stored["action"][name] for name in COLUMNS}
        return validate(ActionStatistics, columns | {"count": stored["num_transitions"]})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{file} is no dataset_statistics_*.json of the published code: {error!r}") from None
