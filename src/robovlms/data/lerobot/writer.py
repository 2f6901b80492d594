"""Writes demonstrations as LeRobot v3.0: ``with LeRobotWriter(path, ...) as writer: writer.add(episode)``.

Episodes are appended in the order of ``add`` by one process; workers may send ``encode_episode(...)`` instead of raw
episodes, so the same seed gives the same bytes for any number of processes. Everything is written beside ``path`` and
renamed on ``close``: a data set is complete or absent.

Non-obvious behaviours: an episode never straddles two data files; each episode is one row group; with mp4 each
episode is one video file (the format allows many), which keeps encoding parallel and reading free of seeks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa  # noqa: TID253 - only code that writes a data set imports this module
import pyarrow.parquet as pq  # noqa: TID253 - same
from typing_extensions import override

import robovlms
from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import UserError
from robovlms.core.files import clear_disk_errors, write_json
from robovlms.core.types import Episode
from robovlms.data.images import ImageFormat
from robovlms.data.lerobot import format as fmt
from robovlms.data.lerobot.catalog import Catalog
from robovlms.data.lerobot.encode import EncodedEpisode, encode_episode
from robovlms.data.lerobot.tables import data_schema, data_table, episodes_table, tasks_table
from robovlms.data.writer import DatasetWriter


class LeRobotWriter(DatasetWriter):
    """Appends episodes of one convention to a new data set."""

    def __init__(
        self,
        path: Path | str,
        action_spec: ActionSpec,
        observation_spec: ObservationSpec,
        fps: float | None = None,
        image_format: ImageFormat = "png",
        provenance: Mapping[str, Any] | None = None,
    ):
        """Start a data set.

        Args:
            path: The folder to create; it must not exist, or be empty.
            action_spec: Convention of the actions; kept in ``meta/specs.json``.
            observation_spec: Cameras and state of the observations; kept there too.
            fps: Frames per second; the rate of ``action_spec`` when None.
            image_format: ``png`` (exact), ``jpeg`` or ``mp4``.
            provenance: How the data was made (command, seed, simulator version): JSON values.
        """
        self.fps = fps or action_spec.rate_hz
        self.action_spec, self.observation_spec, self.image_format = action_spec, observation_spec, image_format
        self.provenance = dict(provenance or {})
        self.features = fmt.features(action_spec, observation_spec, image_format, self.fps)
        super().__init__(path)
        self._schema = data_schema(self.features)
        self._catalog = Catalog()
        self._file: pq.ParquetWriter | None = None
        self._file_index, self._file_bytes = -1, 0

    @override
    def add(self, episode: Episode | EncodedEpisode) -> None:
        """Append one episode.

        Raises:
            UserError: The episode does not fit the specs, or the disk is full.
        """
        if isinstance(episode, Episode):
            episode = encode_episode(episode, self.fps, self.image_format)
        self._check(episode)
        columns = self._catalog.columns(episode, self.fps)
        table = data_table(self._schema, episode, columns, len(self._catalog))
        with clear_disk_errors(self.path):
            places = self._write_videos(episode) | self._write_data(table)
        self._catalog.add(episode, columns, places)

    @property
    @override
    def num_episodes(self) -> int:
        return len(self._catalog)

    @override
    def finish(self) -> None:
        self._close_file()
        episodes = self._partial / fmt.EPISODES / "chunk-000" / "file-000.parquet"
        with clear_disk_errors(self.path):
            episodes.parent.mkdir(parents=True)
            pq.write_table(episodes_table(self._catalog.rows()), episodes)
            pq.write_table(tasks_table(list(self._catalog.tasks)), self._partial / fmt.TASKS)
        write_json(self._partial / fmt.INFO, self._info())
        write_json(self._partial / fmt.STATS, self._catalog.stats())
        write_json(self._partial / fmt.SPECS, self._specs())

    @override
    def abort(self) -> None:
        self._close_file()
        super().abort()

    def _check(self, episode: EncodedEpisode) -> None:
        expected = {camera.name: (camera.height, camera.width) for camera in self.observation_spec.cameras}
        if dict(episode.shapes) != expected:
            raise UserError(f"Cameras do not fit the ObservationSpec: got {dict(episode.shapes)}, expected {expected}.")
        state_dims, action_dims = self.observation_spec.state_dims, self.action_spec.dims
        for name, values, dims in (("State", episode.state, state_dims), ("Actions", episode.actions, action_dims)):
            if values.shape[1] != dims:
                raise UserError(f"{name} of the episode: got {values.shape[1]} dimensions, expected {dims}.")
        if episode.image_format != self.image_format:
            raise UserError(f"Images are encoded as {episode.image_format}, this data set holds {self.image_format}.")
        self._catalog.check_info(episode)

    def _write_data(self, table: pa.Table) -> dict[str, Any]:
        """Append the frames of an episode; returns the columns that tell where they are."""
        if self._file is None or self._file_bytes + table.nbytes > fmt.DATA_FILE_MB * 2**20:
            self._close_file()
            self._file_index, self._file_bytes = self._file_index + 1, 0
            path = self._partial / fmt.DATA_PATH.format(**self._data_place())
            path.parent.mkdir(parents=True, exist_ok=True)
            # A dictionary of compressed images would only cost time.
            self._file = pq.ParquetWriter(path, self._schema, compression="snappy", use_dictionary=False)
        self._file.write_table(table, row_group_size=len(table))
        self._file_bytes += table.nbytes
        return {f"data/{name}": value for name, value in self._data_place().items()}

    def _data_place(self) -> dict[str, int]:
        return _place(self._file_index)

    def _write_videos(self, episode: EncodedEpisode) -> dict[str, Any]:
        """Write the mp4 of each camera, if any; returns the columns that tell where they are."""
        columns: dict[str, Any] = {}
        if self.image_format != "mp4":
            return columns
        place = _place(len(self._catalog))
        for camera, (video,) in episode.files.items():
            key = fmt.IMAGES + camera
            path = self._partial / fmt.VIDEO_PATH.format(video_key=key, **place)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(video)
            times = {"from_timestamp": 0.0, "to_timestamp": len(episode) / self.fps}
            columns |= {f"videos/{key}/{name}": value for name, value in (place | times).items()}
        return columns

    def _info(self) -> dict[str, Any]:
        catalog = self._catalog
        return fmt.info(self.features, self.fps, len(catalog), catalog.num_frames, len(catalog.tasks))

    def _specs(self) -> dict[str, Any]:
        return {
            "schema_version": 1,
            "action_spec": self.action_spec.model_dump(mode="json"),
            "observation_spec": self.observation_spec.model_dump(mode="json"),
            "json_columns": self._catalog.json_columns(),
            "provenance": {"robovlms": robovlms.__version__} | self.provenance,
        }

    def _close_file(self) -> None:
        if self._file is not None:
            with clear_disk_errors(self.path):
                self._file.close()
            self._file = None


def _place(file: int) -> dict[str, int]:
    chunk, index = divmod(file, fmt.FILES_PER_CHUNK)
    return {"chunk_index": chunk, "file_index": index}
