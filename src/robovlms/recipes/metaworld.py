"""A recipe on Meta-World."""

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


def metaworld_mt10(data: Sequence[Path]) -> Experiment:
    """The ten tasks of MT10 from two cameras of 64 pixels; a plan of 16 actions is 0.2 s.

    ``robovlms demos metaworld --tasks mt10 --episodes 500 --out DIR``, then
    ``robovlms train metaworld_mt10 --data DIR --out RUN`` and
    ``robovlms evaluate RUN --benchmark metaworld --episodes 200 --out RESULTS``. Two CPU cores, 45 minutes of training.
    ``robovlms train metaworld_mt10 --model cnn --data DIR --out RUN`` is the same without a VLM, and
    ``robovlms evaluate baseline:cnn --benchmark metaworld --out RESULTS`` collects, trains and evaluates that.
    """
    return Experiment(
        name="metaworld_mt10",
        model=VLAConfig(
            backbone=BackboneConfig(),
            architecture=PolicyHeadConfig(history=1, chunk=16),
            head=LSTMConfig(num_slots=4, recurrent=64, hidden=512),
        ),
        data=tuple(LeRobotConfig(path=path, embodiment="metaworld") for path in data),
        training=TrainingConfig(
            batch_size=64,
            minutes=45,
            processes=2,
            optimizer=OptimizerConfig(learning_rate=2e-3),
            augment=AugmentConfig(),
        ),
        executor="chunk:12",
    )
