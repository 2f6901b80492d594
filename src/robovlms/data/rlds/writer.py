"""Writes episodes as RLDS, as TensorFlow Datasets stores it: ``with RLDSWriter(path, ...) as writer: writer.add(e)``.

``path`` becomes a version folder: ``features.json``, ``dataset_info.json`` and tfrecords, which other programs read by
``tfds.builder_from_directory(path)``, and ``convention.json``, which tells ours what the numbers mean. Everything is
written beside ``path`` and renamed on ``close``: a data set is complete or absent.

Non-obvious behaviours: the last step's ``is_last`` and ``is_terminal`` are set and its reward is 1, as demonstrations
have it; what ``Episode.info`` says is kept as JSON, except ``source``, which becomes ``episode_metadata/file_path``.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Literal

from typing_extensions import override

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import UserError
from robovlms.core.files import clear_disk_errors, publish, write_json
from robovlms.core.types import Episode
from robovlms.data.rlds import describe
from robovlms.data.rlds.convention import CONVENTION_FILE
from robovlms.data.rlds.encode import record_of, require_fit
from robovlms.data.rlds.tfrecord_write import framed, serialize_example
from robovlms.data.writer import DatasetWriter

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9_]*")


class RLDSWriter(DatasetWriter):
    """Appends episodes of one convention to a new data set."""

    def __init__(
        self,
        path: Path | str,
        action_spec: ActionSpec,
        observation_spec: ObservationSpec,
        name: str = "robovlms",
        image_format: Literal["png", "jpeg"] = "png",
        split: str = "train",
        shard_mb: float = 256,
        provenance: Mapping[str, Any] | None = None,
    ):
        """Start a data set.

        Args:
            path: The folder to create; it must not exist, or be empty.
            action_spec: Convention of the actions.
            observation_spec: Cameras and state of the observations.
            name: What the data set calls itself: lower-case letters, digits and underscores.
            image_format: ``png`` (exact) or ``jpeg``.
            split: Name of the one split.
            shard_mb: Size at which a new file is begun.
            provenance: How the data was made (command, seed ...).

        Raises:
            UserError: ``path`` holds something, or the name is none.
        """
        if not _SNAKE_CASE.fullmatch(name):
            raise UserError(f"Data set name: got '{name}', expected lower-case letters, digits and underscores.")
        self.name, self.split, self.image_format = name, split, image_format
        self.action_spec, self.observation_spec = action_spec, observation_spec
        self._provenance, self._shard_bytes = dict(provenance or {}), int(shard_mb * 2**20)
        super().__init__(path)
        self._file: BinaryIO | None = None
        self._lengths: list[int] = []
        self._num_bytes = self._room = 0

    @override
    def add(self, episode: Episode) -> None:
        """Append one episode.

        Raises:
            CorruptData: An action is not finite or outside the range its spec says.
            UserError: The episode is empty or does not fit the specs, or the disk is full.
        """
        number = sum(self._lengths)
        require_fit(episode, self.action_spec, self.observation_spec, number)
        record = framed(serialize_example(record_of(episode, self.image_format, number)))
        with clear_disk_errors(self.path):
            if self._file is None or self._room < len(record):
                self._next_file()
            assert self._file is not None
            self._file.write(record)
        self._lengths[-1] += 1
        self._room -= len(record)
        self._num_bytes += len(record)

    @property
    @override
    def num_episodes(self) -> int:
        return sum(self._lengths)

    @override
    def finish(self) -> None:
        self._close_file()
        for number in range(len(self._lengths)):
            publish(self._partial / _shard(number), self._partial / self._file_name(number))
        write_json(
            self._partial / "features.json",
            describe.features(self.action_spec, self.observation_spec, self.image_format),
        )
        own = describe.convention(self.action_spec, self.observation_spec)
        write_json(self._partial / CONVENTION_FILE, own.model_dump(mode="json"))
        info = describe.dataset_info(self.name, self.split, self._lengths, self._num_bytes, self._provenance)
        write_json(self._partial / "dataset_info.json", info)

    @override
    def abort(self) -> None:
        self._close_file()
        super().abort()

    def _next_file(self) -> None:
        self._close_file()
        self._file = (self._partial / _shard(len(self._lengths))).open("wb")
        self._lengths.append(0)
        self._room = self._shard_bytes

    def _close_file(self) -> None:
        if self._file is not None:
            with clear_disk_errors(self.path):
                self._file.close()
            self._file = None

    def _file_name(self, number: int) -> str:
        place = f"{number:05d}-of-{len(self._lengths):05d}"
        return describe.TEMPLATE.format(DATASET=self.name, SPLIT=self.split, FILEFORMAT="tfrecord", SHARD_X_OF_Y=place)


def _shard(number: int) -> str:
    """Name of a file while it is not known how many there will be."""
    return f"{number:05d}.part"
