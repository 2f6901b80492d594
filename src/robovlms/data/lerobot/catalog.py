"""The metadata of a LeRobot data set while it is being written: one row an episode, the tasks, the statistics."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from robovlms.core.errors import UserError
from robovlms.data.lerobot import format as fmt
from robovlms.data.lerobot.encode import EncodedEpisode

Columns = dict[str, np.ndarray]


class Catalog:
    """Collects what the files under ``meta/`` say. It knows nothing of files or of parquet."""

    def __init__(self) -> None:
        self.num_frames = 0
        self.tasks: dict[str, int] = {}
        self._rows: list[dict[str, Any]] = []
        self._info: list[dict[str, Any]] = []
        self._histograms: dict[str, np.ndarray] = {}
        self._vectors: dict[str, list[np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def columns(self, episode: EncodedEpisode, fps: float) -> Columns:
        """The columns of numbers the next episode has in its data file."""
        length = len(episode)
        task = self.tasks.setdefault(episode.instruction, len(self.tasks))
        state = {fmt.STATE: episode.state} if episode.state.shape[1] else {}
        return state | {
            fmt.ACTION: episode.actions,
            "timestamp": (np.arange(length) / fps).astype(np.float32),
            "frame_index": np.arange(length),
            "episode_index": np.full(length, len(self)),
            "index": np.arange(self.num_frames, self.num_frames + length),
            "task_index": np.full(length, task),
        }

    def add(self, episode: EncodedEpisode, columns: Columns, places: Mapping[str, Any]) -> None:
        """Append the row of an episode; ``places`` tells in which data and video files it lies."""
        row: dict[str, Any] = {"episode_index": len(self), "tasks": [episode.instruction], "length": len(episode)}
        row |= {"dataset_from_index": self.num_frames, "dataset_to_index": self.num_frames + len(episode)}
        row |= {"meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0, "task_name": episode.task}
        for key, stats in self._count(episode, columns).items():
            row |= {f"stats/{key}/{name}": value for name, value in stats.items()}
        self._info.append({fmt.INFO_COLUMN + name: _plain(value) for name, value in episode.info.items()})
        self._rows.append(row | dict(places))
        self.num_frames += len(episode)

    def check_info(self, episode: EncodedEpisode) -> None:
        """Refuse an episode whose ``info`` has other keys than the first one: columns must be complete."""
        names = {fmt.INFO_COLUMN + name for name in episode.info}
        if self._info and names != set(self._info[0]):
            first = [name.removeprefix(fmt.INFO_COLUMN) for name in self._info[0]]
            raise UserError(f"Episode information differs: got {sorted(episode.info)}, expected {sorted(first)}.")

    def json_columns(self) -> list[str]:
        """Columns of ``info`` that are stored as JSON text because their values are not all of one plain type."""
        return [name for name in (self._info[0] if self._info else ()) if not self._is_plain(name)]

    def rows(self) -> list[dict[str, Any]]:
        """One complete row for each episode, with the same keys in the same order."""
        encoded = set(self.json_columns())
        info = [{k: json.dumps(v) if k in encoded else v for k, v in cells.items()} for cells in self._info]
        return [row | cells for row, cells in zip(self._rows, info, strict=True)]

    def stats(self) -> dict[str, fmt.Stats]:
        """Statistics of all episodes together."""
        found = {fmt.IMAGES + c: fmt.image_stats(h, self.num_frames) for c, h in self._histograms.items()}
        return found | {name: fmt.vector_stats(np.concatenate(parts)) for name, parts in self._vectors.items()}

    def _count(self, episode: EncodedEpisode, columns: Columns) -> dict[str, fmt.Stats]:
        found: dict[str, fmt.Stats] = {}
        for camera, histogram in episode.histograms.items():
            self._histograms[camera] = self._histograms.get(camera, 0) + histogram
            found[fmt.IMAGES + camera] = fmt.image_stats(histogram, len(episode))
        for name, values in columns.items():
            column = values if values.ndim == 2 else values[:, None]
            self._vectors.setdefault(name, []).append(column)
            found[name] = fmt.vector_stats(column)
        return found

    def _is_plain(self, name: str) -> bool:
        return _one_plain_type([cells[name] for cells in self._info])


def _one_plain_type(values: Sequence[Any]) -> bool:
    kinds = {type(value) for value in values}
    return len(kinds) == 1 and kinds <= {str, int, float, bool}


def _plain(value: Any) -> Any:
    """Numpy numbers and arrays as Python numbers and lists."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value
