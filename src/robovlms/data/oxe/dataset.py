"""The episodes of an RLDS data set whose convention is known: from the tables, the settings, or the folder itself."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from robovlms.actions.spec import ActionSpec, Camera, ObservationSpec
from robovlms.core.config import digest_of
from robovlms.core.errors import CorruptData
from robovlms.core.types import Episode
from robovlms.data.oxe.choose import choose
from robovlms.data.oxe.finite import require_finite
from robovlms.data.oxe.frames import camera_of, images_of
from robovlms.data.oxe.mixtures import rt_partial
from robovlms.data.rlds.convention import INFO, TASK, RLDSConvention, info_of
from robovlms.data.rlds.features import STEPS
from robovlms.data.rlds.folder import Record, RLDSDataset, steps_of

LAST = f"{STEPS}is_last"


class OXEDataset:
    """The episodes of an RLDS data set whose convention is known."""

    def __init__(
        self,
        path: Path | str,
        split: str = "train",
        convention: str | RLDSConvention | None = None,
        rate_hz: float | None = None,
        bgr_cameras: Collection[str] | None = None,
        instruction: str | None = None,
        only_rt_partial: bool = False,
    ):
        """Open a data set.

        Args:
            path: The version folder, which holds ``features.json``.
            split: Name of the split.
            convention: A name in the tables, or what the features mean. When None, what the folder says of itself
                (ours do), else the table of the data set's own name.
            rate_hz: Control rate, where no source states it or another is right.
            bgr_cameras: Cameras whose files have red and blue swapped; when None, what the table says.
            instruction: The sentence of all episodes, where the records say none or another is wanted.
            only_rt_partial: Keep the episodes whose instruction is in RT-Partial; looks at every record.

        Raises:
            CorruptData: A file is missing or damaged.
            UnknownName: No convention of that name is known, or the data set lacks a feature it names.
            UserError: Nobody states the control rate.
        """
        self.rlds = RLDSDataset(path, split)
        self.path = self.rlds.path
        self.convention = choose(self.rlds, convention, rate_hz, bgr_cameras, instruction)
        self.action_spec: ActionSpec = self.convention.action_spec
        self._only_rt_partial = only_rt_partial

    def __len__(self) -> int:
        return len(self._records)

    @cached_property
    def observation_spec(self) -> ObservationSpec:
        """All cameras the data set has, and the state."""
        cameras: tuple[Camera, ...] = tuple(camera_of(self.rlds, c.feature) for c in self.convention.cameras)
        state = self.convention.state_components
        return ObservationSpec(cameras=cameras, state=state, rate_hz=self.action_spec.rate_hz)

    @property
    def views(self) -> Mapping[str, str]:
        """Names of cameras by where they are: the first ``static`` one, and the first at the ``wrist``."""
        return {camera.view: camera.feature for camera in reversed(self.convention.cameras)}

    def lengths(self) -> list[int]:
        """Number of frames of each episode; RLDS keeps no index, so every record is looked at.

        0 where that fails: reading such an episode says why.
        """
        return [self._length(number) for number in self._records]

    def fingerprint(self) -> str:
        """Changes whenever the data set does, or what is known of it."""
        specs = [spec.canonical() for spec in (self.action_spec, self.observation_spec)]
        rest = repr((self.convention.cameras, self.convention.frames(1000)))
        return digest_of("\n".join([self.rlds.fingerprint(), *specs, rest]))

    def source_of(self, index: int) -> str:
        """The file an episode was cut from, or its record where that is not recorded."""
        number = self._records[index]
        return self._source(self.rlds.skim(number, self._present(self.convention.source)), number)

    def end_flags(self, index: int) -> Bool[np.ndarray, " t"] | None:
        """Which frames of an episode are flagged as its last; None where the data set has no such flag."""
        if LAST not in self.rlds.leaves:
            return None
        number = self._records[index]
        record = self.rlds.read(number, [LAST, self._counted])
        return np.asarray(record[LAST], bool)[self._frames(record, number)]

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """One episode, with the images of ``cameras`` (all when None).

        Raises:
            CorruptData: The record or an image in it is damaged, it has no steps, or a number is not finite; names
                file, record and step.
        """
        number, convention = self._records[index], self.convention
        where = self.rlds.where(number)
        chosen = [c for c in convention.cameras if cameras is None or c.feature in cameras]
        paths = [STEPS + name for name in (*convention.features, *(camera.path for camera in chosen))]
        record = self.rlds.read(number, [*paths, *self._present(convention.source, TASK, INFO)])
        steps, kept = steps_of(record), self._frames(record, number)
        state, actions = convention.numbers(steps, where)
        require_finite("state", state, kept, where)
        require_finite("action", actions, kept, where)
        return Episode(
            images={c.feature: images_of(c, steps[c.path], kept, where) for c in chosen},
            state=state,
            actions=actions,
            instruction=self._instruction(steps, where),
            task=record[TASK][0] if TASK in record else "",
            info=info_of(record, where) | {"source": self._source(record, number), "record": number},
        )

    def image_files(self, index: int, cameras: Sequence[str]) -> dict[str, list[bytes]]:
        """PNG or JPEG of each frame of an episode, by camera; without arrays and swapped colours."""
        number, known = self._records[index], {c.feature: c for c in self.convention.cameras if not c.bgr}
        paths = {name: STEPS + known[name].path for name in cameras if name in known}
        stored = {name: path for name, path in paths.items() if self.rlds.leaf(path).kind == "image"}
        record = self.rlds.read(number, [*stored.values(), self._counted])
        kept = self._frames(record, number)
        return {name: [record[path][step] for step in kept] for name, path in stored.items()}

    @cached_property
    def _records(self) -> range | list[int]:
        numbers = range(len(self.rlds))
        if not self._only_rt_partial:
            return numbers
        return [number for number in numbers if rt_partial(self._said_in(number))]

    def _said_in(self, number: int) -> str:
        record = self.rlds.skim(number, [STEPS + self.convention.language])
        return self._instruction(steps_of(record), self.rlds.where(number))

    @property
    def _counted(self) -> str:
        """A feature that tells the number of steps."""
        return STEPS + self.convention.actions[0][1].features[0]

    def _length(self, number: int) -> int:
        try:
            return len(self._frames(self.rlds.skim(number, [self._counted]), number))
        except CorruptData:
            return 0

    def _frames(self, record: Record, number: int) -> range:
        num_steps = len(record[self._counted])
        kept = self.convention.frames(num_steps)
        if not kept:
            needed = self.convention.first + self.convention.last + 1
            raise CorruptData(
                f"{self.rlds.where(number)}: the episode has {num_steps} steps, expected at least {needed}. "
                "Leave the record out."
            )
        return kept

    def _instruction(self, steps: Mapping[str, Any], where: str) -> str:
        try:
            return self.convention.instruction(steps)
        except (UnicodeDecodeError, IndexError) as error:
            raise CorruptData(f"{where}: the instruction cannot be read ({error}). Leave the record out.") from None

    def _present(self, *paths: str) -> list[str]:
        return [path for path in paths if path in self.rlds.leaves]

    def _source(self, record: Record, number: int) -> str:
        return record[self.convention.source][0] if self.convention.source in record else f"record {number}"
