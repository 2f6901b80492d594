"""Reads LeRobot data sets (v2.0, v2.1, v3.0), ours and other people's, strictly: a damaged file is named with its row.

A data set made elsewhere has no ``meta/specs.json``: its actions and state then get components of kind ``other``
unless the caller says what they mean. An episode whose frames have several sentences is read as one episode for each
run of frames with the same sentence.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from robovlms.actions.spec import ActionSpec
from robovlms.core.config import digest_of
from robovlms.core.errors import CorruptData
from robovlms.core.files import read_json
from robovlms.core.types import Episode
from robovlms.data.images import Frames, decode_video
from robovlms.data.lerobot import format as fmt
from robovlms.data.lerobot.info import read_info
from robovlms.data.lerobot.meta import Span, layout_of, read_episodes, read_tasks, spans_of
from robovlms.data.lerobot.rows import FrameRows
from robovlms.data.lerobot.specs import action_spec_of, dims_of, observation_spec_of


class LeRobotDataset:
    """The episodes of one folder. Opening reads the metadata only."""

    def __init__(
        self,
        path: Path | str,
        action_spec: ActionSpec | None = None,
        action_feature: str = fmt.ACTION,
        state_feature: str = fmt.STATE,
    ):
        """Open a data set.

        Args:
            path: The folder that holds ``meta/info.json``.
            action_spec: What the actions mean, for data without ``meta/specs.json``.
            action_feature: Name of the feature that holds the actions.
            state_feature: Name of the one that holds the state; data without the usual one has no state.

        Raises:
            CorruptData: A metadata file is missing or damaged.
            UserError: The version is not known, or a spec does not fit the features.
            UnknownName: There is no such feature.
        """
        self.path = Path(path)
        self.info = read_info(self.path)
        self.specs = read_json(self.path / fmt.SPECS) if (self.path / fmt.SPECS).is_file() else {}
        self._action_feature, self._state_feature = action_feature, state_feature
        self._action_dims = dims_of(self.path, self.info, action_feature)
        has_state = state_feature != fmt.STATE or state_feature in self.info.features
        self._state_dims = dims_of(self.path, self.info, state_feature) if has_state else 0
        self._layout = layout_of(self.path, self.info)
        self._tasks = read_tasks(self._layout)
        rows = read_episodes(self._layout, self.path / fmt.INFO, self.info.total_episodes)
        self._spans = spans_of(self._layout, rows)
        self.action_spec = action_spec_of(self.path, self.info, self.specs, self._action_dims, action_spec)
        self.observation_spec = observation_spec_of(self.path, self.info, self.specs, self._state_dims)

    def __len__(self) -> int:
        return len(self._spans)

    def lengths(self) -> list[int]:
        """Number of frames of each episode."""
        return [len(span) for span in self._spans]

    @property
    def num_frames(self) -> int:
        """Number of frames of all episodes."""
        return sum(self.lengths())

    @property
    def provenance(self) -> Mapping[str, Any]:
        """How the data was made; empty for data made elsewhere."""
        return self.specs.get("provenance", {})

    def episodes(self) -> list[dict[str, Any]]:
        """Metadata of each episode without its statistics: length, tasks, task name, ``info/...`` and places."""
        return [{k: v for k, v in span.row.items() if not k.startswith("stats/")} for span in self._spans]

    def source_of(self, index: int) -> str:
        """What an episode was cut from (its ``info['source']``), else the recorded episode: the unit of a split."""
        row = self._spans[index].row
        return str(row.get(fmt.INFO_COLUMN + "source", f"episode {row['episode_index']}"))

    def measured_rate_hz(self) -> float | None:
        """Rows a second by the timestamps of the first recording of several rows; None where there are none."""
        long = next((span for span in self._spans if len(span) > 1), None)
        if long is None or "timestamp" not in self.info.features:
            return None
        times = self._layout.frames(long.row).part(long.start, long.stop).numbers("timestamp", 1)
        step = float(np.median(np.diff(times[:, 0])))
        return 1 / step if step > 0 else None

    def fingerprint(self) -> str:
        """Changes when the data set changes: a digest of the metadata and of the sizes of the data files."""
        meta = [file.read_bytes() for file in sorted((self.path / "meta").rglob("*.*"))]
        sizes = [f"{file.relative_to(self.path)} {file.stat().st_size}" for file in self._data_files()]
        return digest_of(b"".join(meta) + "\n".join(sizes).encode())

    def __iter__(self) -> Iterator[Episode]:
        return (self.read(index) for index in range(len(self)))

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """One episode, with the images of ``cameras`` (all when None).

        Raises:
            CorruptData: A file is missing or damaged; the message names it and the row.
        """
        span, frames = self._spans[index], self._rows(index)
        names = self.observation_spec.camera_names if cameras is None else cameras
        return Episode(
            images={name: self._images(name, frames, span) for name in names},
            state=self._state(frames),
            actions=frames.numbers(self._action_feature, self._action_dims),
            instruction=self._instruction(frames),
            task=span.row.get("task_name") or "",
            info=self._episode_info(span.row),
        )

    def image_files(self, index: int, cameras: Sequence[str]) -> dict[str, list[bytes]]:
        """PNG or JPEG of each frame of an episode, by camera; without those that are in videos."""
        frames, keys = self._rows(index), {name: self.info.cameras[name] for name in cameras}
        stored = {name: key for name, key in keys.items() if self.info.features[key].dtype == "image"}
        return {name: frames.image_files(key, self.path) for name, key in stored.items()}

    def _rows(self, index: int) -> FrameRows:
        span = self._spans[index]
        return self._layout.frames(span.row).part(span.start, span.stop)

    def _data_files(self) -> list[Path]:
        return sorted(file for kind in ("data", "videos", "images") for file in (self.path / kind).rglob("*.*"))

    def _state(self, frames: FrameRows) -> np.ndarray:
        if not self._state_dims:
            return np.zeros((len(frames), 0), np.float32)
        return frames.numbers(self._state_feature, self._state_dims)

    def _images(self, camera: str, frames: FrameRows, span: Span) -> Frames:
        key = self.info.cameras[camera]
        feature = self.info.features[key]
        if feature.dtype == "image":
            return frames.images(key, feature.size, self.path)
        video = self._layout.video(span.row, key)
        images = decode_video(video, len(frames), self.info.fps, skip=span.start)
        if images.shape[1:3] != feature.size:
            raise CorruptData(f"{video.path}: got frames of {images.shape[1:3]} pixels, expected {feature.size}.")
        return images

    def _instruction(self, frames: FrameRows) -> str:
        numbers = frames.task_numbers()
        other = next((i for i, number in enumerate(numbers) if number != numbers[0]), 0)
        if other:
            raise CorruptData(
                f"{frames.where(other)}: got task {numbers[other]}, expected {numbers[0]} as before: the episode table "
                "names one task. Create the data set again."
            )
        if numbers[0] not in self._tasks:
            raise CorruptData(f"{frames.where(0)}: task {numbers[0]} is not in the table of tasks.")
        return self._tasks[numbers[0]]

    def _episode_info(self, row: Mapping[str, Any]) -> dict[str, Any]:
        encoded = self.specs.get("json_columns", ())
        try:
            cells = {k: json.loads(v) if k in encoded else v for k, v in row.items() if k.startswith(fmt.INFO_COLUMN)}
        except (ValueError, TypeError, RecursionError) as error:
            where = f"{self.path / fmt.EPISODES}, episode {row['episode_index']}"
            raise CorruptData(f"{where}: its information is not valid JSON ({error}). Copy it again.") from None
        return {name.removeprefix(fmt.INFO_COLUMN): value for name, value in cells.items()}
