"""Recipes on the embedded tabletop. Every choice that evidence made is explained in docs/decisions.md."""

from collections.abc import Sequence
from pathlib import Path

from robovlms.architectures.model import VLAConfig
from robovlms.architectures.policy_head import PolicyHeadConfig
from robovlms.backbones.load import BackboneConfig
from robovlms.data.augment import AugmentConfig
from robovlms.data.sources import LeRobotConfig
from robovlms.heads.lstm import LSTMConfig
from robovlms.training.experiment import Experiment, TrainingConfig
from robovlms.training.optimizer import OptimizerConfig

STATE = ("tcp_position", "tcp_orientation", "gripper_width", "gripper_action")


def tabletop_quick(data: Sequence[Path]) -> Experiment:
    """The nine fixture and drawer-placement tasks, trained and judged in scene D.

    ``robovlms quickstart``, or ``robovlms demos tabletop --tasks fixtures_drawer --out DIR`` and then
    ``robovlms train tabletop_quick --data DIR --out RUN``. Two CPU cores.
    """
    return _tabletop("tabletop_quick", data, minutes=7)


def tabletop_twelve(data: Sequence[Path]) -> Experiment:
    """The nine tasks of ``tabletop_quick`` and the three lifts from the table (``--tasks twelve``).

    Same commands and hardware as ``tabletop_quick``.
    """
    return _tabletop("tabletop_twelve", data, minutes=8)


def tabletop_full(data: Sequence[Path]) -> Experiment:
    """All 34 tasks (``--tasks all``); give it two thousand demonstrations or more. Two CPU cores."""
    return _tabletop("tabletop_full", data, minutes=60)


def _tabletop(name: str, data: Sequence[Path], minutes: float) -> Experiment:
    return Experiment(
        name=name,
        model=VLAConfig(
            backbone=BackboneConfig(),
            architecture=PolicyHeadConfig(history=1, chunk=8),
            head=LSTMConfig(num_slots=4, recurrent=64, hidden=512),
        ),
        data=tuple(LeRobotConfig(path=path, embodiment="tabletop", state=STATE) for path in data),
        training=TrainingConfig(
            batch_size=64,
            minutes=minutes,
            processes=2,
            optimizer=OptimizerConfig(learning_rate=2e-3),
            augment=AugmentConfig(),
        ),
        executor="chunk:6",
    )
