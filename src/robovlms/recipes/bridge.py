"""Real robot data through the same path: 25 short WidowX clips as RLDS."""

from collections.abc import Sequence
from pathlib import Path

from robovlms.architectures.model import VLAConfig
from robovlms.architectures.policy_head import PolicyHeadConfig
from robovlms.data.sources import RLDSConfig
from robovlms.heads.lstm import LSTMConfig
from robovlms.training.experiment import Experiment, TrainingConfig


def bridge_sample(data: Sequence[Path]) -> Experiment:
    """Policy-head VLA on a BridgeData sample, split by source file.

    ``robovlms train bridge_sample --data DIR --out runs/bridge``; CPU, 2 minutes. The sample proves that real data is
    read and trained on; it is far too small for conclusions about learning, and the held-out open-loop error that the
    run reports beside predict-the-mean and repeat-the-last-action says so.
    """
    return Experiment(
        name="bridge_sample",
        model=VLAConfig(architecture=PolicyHeadConfig(history=2, chunk=4), head=LSTMConfig()),
        data=tuple(RLDSConfig(path=path, holdout=0.3) for path in data),
        training=TrainingConfig(batch_size=32, steps=300, validate_every=50, checkpoint_every_s=60),
        executor="chunk:4",
    )
