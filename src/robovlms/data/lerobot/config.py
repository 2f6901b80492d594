"""Settings of a LeRobot data set."""

from typing import Literal

from robovlms.actions.spec import ActionSpec
from robovlms.data.source import EpisodeSource, SourceConfig


class LeRobotConfig(SourceConfig):
    """A LeRobot folder (v2.0, v2.1 or v3.0), for example one written by ``robovlms demos``."""

    kind: Literal["lerobot"] = "lerobot"
    action_spec: ActionSpec | None = None
    """What the actions mean, for data made elsewhere; ours says it itself."""
    action_feature: str = "action"
    """Feature that holds the actions."""
    state_feature: str = "observation.state"
    """Feature that holds the state; data without the usual one has none."""

    def open(self) -> EpisodeSource:
        """Read the metadata."""
        from robovlms.data.lerobot.dataset import LeRobotDataset

        return LeRobotDataset(self.path, self.action_spec, self.action_feature, self.state_feature)
