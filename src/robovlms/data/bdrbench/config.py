"""Settings of BDRBench-20."""

from typing import Literal

from robovlms.actions.spec import ActionSpec
from robovlms.data.bdrbench.annotation import BDRBenchKeys
from robovlms.data.source import EpisodeSource, SourceConfig


class BDRBenchConfig(SourceConfig):
    """BDRBench-20: the folder that holds ``anns`` and ``media``."""

    kind: Literal["bdrbench"] = "bdrbench"
    split: str = "train"
    action_spec: ActionSpec | None = None
    """What the actions mean; they are unnamed numbers when None."""
    keys: BDRBenchKeys = BDRBenchKeys()
    """Names in the annotations."""

    def open(self) -> EpisodeSource:
        """Read every annotation and the head of two videos."""
        from robovlms.data.bdrbench.dataset import BDRBenchDataset

        return BDRBenchDataset(self.path, self.split, self.action_spec, self.keys)
