"""Which mistakes the doctor notices on a data set: each is put in, one at a time, and looked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from robovlms.data.doctor import mistakes_other as other
from robovlms.data.doctor import mistakes_pose as pose
from robovlms.data.doctor.altered import Make
from robovlms.data.doctor.checks import diagnose
from robovlms.data.doctor.examined import Examined, Stored, examine
from robovlms.data.doctor.finding import Finding
from robovlms.data.doctor.kept import keep
from robovlms.data.doctor.pose import orientation_of, position_of
from robovlms.data.source import EpisodeSource, SourceConfig

MISTAKES: Mapping[str, tuple[str, Make]] = {
    "state's position in millimetres": ("units scale", pose.state_in(position_of, pose.MILLIMETRES)),
    "state's orientation in degrees": ("units", pose.state_in(orientation_of, pose.DEGREES)),
    "position scale in millimetres": ("scale", pose.scaled("delta_position", pose.MILLIMETRES)),
    "rotation scale in degrees": ("scale", pose.scaled("delta_rotation", pose.DEGREES)),
    "deltas said to be absolute": ("reading", pose.said_to_be("delta_position", "position")),
    "absolute positions said to be deltas": ("reading", pose.goals),
    "tool frame said to be base": ("reading", pose.tool_frame),
    "base frame said to be tool": ("reading", pose.said_to_be_in("tcp")),
    "quaternion order": ("reading", pose.quaternion_order),
    "axis with the wrong sign": ("axes reading", pose.mirrored),
    "axes exchanged": ("axes reading", pose.swapped_axes),
    "every second row left out": ("scale", pose.every_second_row),
    "rates that differ": ("values", pose.other_rate),
    "rate halved in both specs": ("values", pose.wrong_rate),
    "actions one row late": ("timing", pose.one_row_late),
    "gripper sign": ("gripper", other.gripper_sign),
    "gripper values": ("gripper", other.gripper_values),
    "a number that is none": ("values", other.not_a_number),
    "stalled state": ("stalled", other.stalled),
    "cameras exchanged": ("cameras", other.swapped_cameras),
    "black camera": ("frames", other.black_camera),
    "frozen camera": ("frames", other.frozen_camera),
    "camera at half the rate": ("frames", other.slow_camera),
    "language missing": ("language", other.no_language),
    "language constant": ("language", other.constant_language),
    "end flags missing": ("ends", other.no_end_flags),
    "train/validation leak": ("leak", other.leaked),
}
"""Every mistake: which checks should notice it, and how it is made."""
STATISTICS = "statistics of another data set"


PLAYED = "replay"
"""The check that plays episodes again: what it finds is noticed, whatever the mistake."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One mistake: ``caught`` is None where it cannot be made; ``findings`` are those that the clean data lacks."""

    mistake: str
    caught: bool | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Trials:
    """What is found in the data as it is, and one trial for each mistake."""

    known: tuple[Finding, ...]
    trials: tuple[Trial, ...]

    @property
    def num_made(self) -> int:
        """How many mistakes could be made in this data."""
        return sum(trial.caught is not None for trial in self.trials)

    @property
    def num_caught(self) -> int:
        """How many of them were noticed by a check that should."""
        return sum(bool(trial.caught) for trial in self.trials)


def nothing_more(_: EpisodeSource) -> list[Finding]:
    """No check besides those of ``checks``."""
    return []


def trials(
    data: EpisodeSource,
    config: SourceConfig,
    most: int = 60,
    looked_at: int = 10,
    on_trial: Callable[[], object] = lambda: None,
    also: Callable[[EpisodeSource], list[Finding]] = nothing_more,
) -> Trials:
    """Make every mistake in a data set, one at a time, and see which are noticed.

    Args:
        data: Where to read.
        config: Its settings.
        most: How many episodes are used, spread evenly; they are held in memory.
        looked_at: In how many of them frames are looked at.
        on_trial: Called after each.
        also: Another check, which needs more than the data: a simulator.

    Raises:
        CorruptData: An episode is damaged.
    """
    source = keep(data, most)
    clean = examine(source, config, looked_at=looked_at)
    known, found = diagnose(clean) + also(source), []
    for name, (checks, make) in MISTAKES.items():
        altered = make(source)
        now = diagnose(examine(altered, config, looked_at=looked_at)) + also(altered) if altered else None
        found.append(_trial(name, checks, now, known))
        on_trial()
    found.append(_trial(STATISTICS, "statistics", diagnose(_with_statistics_of_another(clean)), known))
    on_trial()
    return Trials(tuple(known), tuple(found))


def _trial(name: str, checks: str, now: list[Finding] | None, known: list[Finding]) -> Trial:
    if now is None:
        return Trial(name, None)
    new = tuple(finding for finding in now if finding not in known)
    return Trial(name, any(finding.check in (*checks.split(), PLAYED) for finding in new), new)


def _with_statistics_of_another(data: Examined) -> Examined:
    """Beside the actions' statistics of a data set whose scale was half and whose middle lies elsewhere."""
    rows = np.concatenate([one.actions for one in data.recordings]).astype(float)
    columns = {"mean": rows.mean(0) / 2, "std": rows.std(0) / 2, "min": rows.min(0) / 2, "max": rows.max(0) / 2}
    return replace(data, stored=(Stored("another", "action", columns),))
