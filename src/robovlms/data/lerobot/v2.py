"""Where LeRobot v2.0 and v2.1 keep what: JSON lines, and one parquet and one mp4 file for each episode.

Source: ``lerobot/datasets/utils.py`` and ``lerobot_dataset.py`` of lerobot 0.3.3. The two differ in where statistics
lie (``stats.json`` or ``episodes_stats.jsonl``), which are not read: ours come from the frames themselves.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from robovlms.core.errors import CorruptData
from robovlms.core.files import read_json_lines
from robovlms.data.images import VideoPart
from robovlms.data.lerobot.info import Info, place
from robovlms.data.lerobot.rows import FrameRows, read_table

TASKS = "meta/tasks.jsonl"
EPISODES = "meta/episodes.jsonl"
VIDEO_PATH = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"


class LayoutV2:
    """The files of one data set."""

    def __init__(self, path: Path, info: Info):
        self.path, self.info = path, info

    def tasks(self) -> Iterator[tuple[str, Any, Any]]:
        """(place, number, sentence) of each task."""
        lines = read_json_lines(self.path / TASKS)
        return ((where, line.get("task_index"), line.get("task")) for where, line in lines)

    def episodes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(place, row) of each episode."""
        return read_json_lines(self.path / EPISODES)

    def frames(self, row: Mapping[str, Any]) -> FrameRows:
        """The frames of an episode: all of its file."""
        path = place(self.path, self.info.data_path, **self._numbers(row))
        table = read_table(path)
        if len(table) != row["length"]:
            raise CorruptData(
                f"{path}: got {len(table)} rows, but {EPISODES} says that episode {row['episode_index']} has "
                f"{row['length']}. Copy or create the data set again."
            )
        return FrameRows.of_episode(path, table, 0, row)

    def video(self, row: Mapping[str, Any], key: str) -> VideoPart:
        """Where the frames of a camera are: all of their file."""
        path = place(self.path, self.info.video_path or VIDEO_PATH, video_key=key, **self._numbers(row))
        return VideoPart(path, num_frames=row["length"])

    def _numbers(self, row: Mapping[str, Any]) -> dict[str, int]:
        index = row["episode_index"]
        return {"episode_index": index, "episode_chunk": index // self.info.chunks_size}
