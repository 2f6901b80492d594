"""Where LeRobot v3.0 keeps what: parquet metadata, and files that hold several episodes each.

Source: ``lerobot/datasets/utils.py`` of lerobot 0.4.4.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robovlms.core.errors import CorruptData
from robovlms.data.images import VideoPart
from robovlms.data.lerobot import format as fmt
from robovlms.data.lerobot.info import Info, place
from robovlms.data.lerobot.rows import FrameRows, read_rows, read_table


class LayoutV3:
    """The files of one data set."""

    def __init__(self, path: Path, info: Info):
        self.path, self.info = path, info

    def tasks(self) -> Iterator[tuple[str, Any, Any]]:
        """(place, number, sentence) of each task; the sentences are the pandas index, whatever its name."""
        path = self.path / fmt.TASKS
        columns = read_table(path).column_names
        names = [name for name in columns if name != "task_index"]
        if "task_index" not in columns or len(names) != 1:
            raise CorruptData(f"{path}: got columns {columns}, expected task_index and one.")
        return ((where, row["task_index"], row[names[0]]) for where, row in read_rows(path))

    def episodes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(place, row) of each episode."""
        folder = self.path / fmt.EPISODES
        files = sorted(folder.glob("chunk-*/file-*.parquet"))
        if not files:
            raise CorruptData(f"{folder} holds no episode table. The data set is incomplete: copy or create it again.")
        return (entry for file in files for entry in read_rows(file))

    def frames(self, row: Mapping[str, Any]) -> FrameRows:
        """The frames of an episode."""
        path = self._place(self.info.data_path, row, "data/")
        table = read_table(path)
        try:
            first = row["dataset_from_index"] - table["index"][0].as_py()
        except (KeyError, IndexError, TypeError) as error:
            raise CorruptData(
                f"{path}: the frames of episode {row['episode_index']} cannot be found ({error!r})."
            ) from None
        return FrameRows.of_episode(path, table, first, row)

    def video(self, row: Mapping[str, Any], key: str) -> VideoPart:
        """Where the frames of a camera are."""
        prefix = f"videos/{key}/"
        path = self._place(self.info.video_path or fmt.VIDEO_PATH, row, prefix, video_key=key)
        from_s = self._cell(row, prefix + "from_timestamp")
        if not isinstance(from_s, int | float) or not 0 <= from_s < np.inf:
            raise CorruptData(
                f"{self.path / fmt.EPISODES}: episode {row['episode_index']} has '{prefix}from_timestamp' {from_s!r}, "
                "expected seconds from 0 on. Copy or create the data set again."
            )
        return VideoPart(path, from_s=from_s)

    def _place(self, template: str, row: Mapping[str, Any], prefix: str, **more: str) -> Path:
        numbers = {name: self._cell(row, prefix + name) for name in ("chunk_index", "file_index")}
        return place(self.path, template, **numbers, **more)

    def _cell(self, row: Mapping[str, Any], column: str) -> Any:
        if row.get(column) is None:
            raise CorruptData(f"{self.path / fmt.EPISODES}: episode {row['episode_index']} has no '{column}'.")
        return row[column]
