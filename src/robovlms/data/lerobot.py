"""Reads LeRobot v3.0 data sets, ours and other people's, strictly: a damaged file is named with its row.

A data set made elsewhere has no ``meta/specs.json``: its actions and state then get components of kind ``other``
unless the caller says what they mean.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.core.config import digest_of, parse
from robovlms.core.errors import CorruptData, UserError
from robovlms.core.files import read_json
from robovlms.core.types import Episode
from robovlms.data import lerobot_format as fmt
from robovlms.data.images import Frames, decode_video
from robovlms.data.lerobot_rows import FrameRows, read_table


class LeRobotDataset:
    """The episodes of one folder. Opening reads the metadata only."""

    def __init__(self, path: Path | str, action_spec: ActionSpec | None = None):
        """Open a data set.

        Args:
            path: The folder that holds ``meta/info.json``.
            action_spec: What the actions mean, for data without ``meta/specs.json``.

        Raises:
            CorruptData: A metadata file is missing or damaged, or the version is not v3.0.
        """
        self.path = Path(path)
        if not self.path.is_dir():
            raise UserError(f"Data set {self.path} does not exist. Check the path, or create it first.")
        self.info = read_json(self.path / fmt.INFO)
        self._check_version()
        self.specs = read_json(self.path / fmt.SPECS) if (self.path / fmt.SPECS).is_file() else {}
        self._tasks = self._read_tasks()
        self._rows = self._read_episodes()
        self.action_spec = action_spec or self._action_spec()
        self.observation_spec = self._observation_spec()

    def __len__(self) -> int:
        return len(self._rows)

    def lengths(self) -> list[int]:
        """Number of frames of each episode."""
        return [row["length"] for row in self._rows]

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
        return [{k: v for k, v in row.items() if not k.startswith("stats/")} for row in self._rows]

    def source_of(self, index: int) -> str:
        """What an episode was cut from (its ``info['source']``), else the episode itself: the unit of a split."""
        return str(self._rows[index].get(fmt.INFO_COLUMN + "source", f"episode {index}"))

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
        row = self._rows[index]
        path = self.path / self._place("data_path", row, "data/")
        frames = FrameRows.of_episode(path, row)
        names = self.observation_spec.camera_names if cameras is None else cameras
        return Episode(
            images={name: self._images(name, frames, row) for name in names},
            state=self._numbers(fmt.STATE, frames),
            actions=self._numbers(fmt.ACTION, frames),
            instruction=self._instruction(frames),
            task=row.get("task_name") or "",
            info=self._episode_info(row),
        )

    def _check_version(self) -> None:
        version = self.info.get("codebase_version")
        if version != fmt.VERSION:
            raise UserError(
                f"{self.path / fmt.INFO}: got LeRobot version {version}, expected {fmt.VERSION}. "
                "Convert it with lerobot's own convert_dataset_v21_to_v30."
            )

    def _read_tasks(self) -> dict[int, str]:
        table = read_table(self.path / fmt.TASKS)
        names = [name for name in table.column_names if name != "task_index"]
        if "task_index" not in table.column_names or len(names) != 1:
            raise CorruptData(
                f"{self.path / fmt.TASKS}: got columns {table.column_names}, expected task_index and one."
            )
        return dict(zip(table["task_index"].to_pylist(), table[names[0]].to_pylist(), strict=True))

    def _read_episodes(self) -> list[dict[str, Any]]:
        folder = self.path / fmt.EPISODES
        files = sorted(folder.glob("chunk-*/file-*.parquet"))
        if not files:
            raise CorruptData(f"{folder} holds no episode table. The data set is incomplete: copy or create it again.")
        rows = [row for file in files for row in read_table(file).to_pylist()]
        if len(rows) != self.info["total_episodes"]:
            expected = self.info["total_episodes"]
            raise CorruptData(f"{folder}: got {len(rows)} episodes, but {fmt.INFO} says {expected}.")
        return rows

    def _data_files(self) -> list[Path]:
        return sorted(file for kind in ("data", "videos") for file in (self.path / kind).rglob("file-*"))

    def _place(self, template: str, row: Mapping[str, Any], prefix: str, **more: str) -> str:
        place = {name: row[prefix + name] for name in ("chunk_index", "file_index")}
        return self.info[template].format(**place, **more)

    def _numbers(self, column: str, frames: FrameRows) -> np.ndarray:
        if column not in self.info["features"]:
            return np.zeros((len(frames), 0), np.float32)
        return frames.numbers(column, self.info["features"][column]["shape"][0])

    def _images(self, camera: str, frames: FrameRows, row: Mapping[str, Any]) -> Frames:
        key = fmt.IMAGES + camera
        feature = self.info["features"][key]
        if feature["dtype"] == "video":
            video = self.path / self._place("video_path", row, f"videos/{key}/", video_key=key)
            return decode_video(video, row[f"videos/{key}/from_timestamp"], len(frames), self.info["fps"])
        return frames.images(key, fmt.height_and_width(feature))

    def _instruction(self, frames: FrameRows) -> str:
        task = frames.table["task_index"][0].as_py()
        if task not in self._tasks:
            raise CorruptData(f"{frames.where(0)}: task {task} is not in {fmt.TASKS}.")
        return self._tasks[task]

    def _episode_info(self, row: Mapping[str, Any]) -> dict[str, Any]:
        encoded = self.specs.get("json_columns", ())
        cells = {k: json.loads(v) if k in encoded else v for k, v in row.items() if k.startswith(fmt.INFO_COLUMN)}
        return {name.removeprefix(fmt.INFO_COLUMN): value for name, value in cells.items()}

    def _action_spec(self) -> ActionSpec:
        if "action_spec" in self.specs:
            return parse(ActionSpec, self.specs["action_spec"], self.path / fmt.SPECS)
        dims = self.info["features"][fmt.ACTION]["shape"][0]
        return ActionSpec(
            components=(ActionComponent(name="action", dims=dims, kind="other", low=None, high=None),),
            rate_hz=self.info["fps"],
        )

    def _observation_spec(self) -> ObservationSpec:
        if "observation_spec" in self.specs:
            return parse(ObservationSpec, self.specs["observation_spec"], self.path / fmt.SPECS)
        found = self.info["features"]
        cameras = [
            Camera(name=name.removeprefix(fmt.IMAGES), height=size[0], width=size[1])
            for name, size in ((n, fmt.height_and_width(f)) for n, f in found.items() if n.startswith(fmt.IMAGES))
        ]
        state = [StateComponent(name="state", dims=found[fmt.STATE]["shape"][0])] if fmt.STATE in found else []
        return ObservationSpec(cameras=tuple(cameras), state=tuple(state), rate_hz=self.info["fps"])
