"""Data sets in the exact layouts of LeRobot v2.0 and v2.1 (lerobot 0.3.3), written without our own writer."""

import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from robovlms.data.images import encode_image

FPS = 10
TASKS = ("close it", "open the drawer")
COUNTERS = ("frame_index", "episode_index", "index", "task_index")


@dataclass
class Recording:
    """One episode's frames; ``tasks`` has one number a frame."""

    images: dict[str, np.ndarray]
    state: np.ndarray
    actions: np.ndarray
    tasks: list[int]

    def __len__(self) -> int:
        return len(self.actions)


def recording(seed: int, length: int, tasks: list[int] | None = None, size: tuple[int, int] = (16, 24)) -> Recording:
    """Smooth images, which survive a video codec: frame ``i`` is brighter than frame ``i - 1``."""
    rng = np.random.default_rng(seed)
    levels = np.linspace(40, 200, length).astype(np.uint8)[:, None, None, None]
    images = {
        "observation.images.top": np.broadcast_to(levels, (length, *size, 3)),
        "observation.images.wrist": np.broadcast_to(255 - levels, (length, 32, 32, 3)),
    }
    state = rng.normal(size=(length, 4)).astype(np.float32)
    actions = rng.uniform(-1, 1, (length, 7)).astype(np.float32)
    return Recording(images, state, actions, tasks or [seed % 2] * length)


@dataclass
class V2Folder:
    """A folder in the making; tests damage it after ``write``."""

    path: Path
    version: str = "v2.1"
    videos: bool = True
    chunks_size: int = 2
    recordings: list[Recording] = field(default_factory=list)

    def write(self) -> Path:
        (self.path / "meta").mkdir(parents=True)
        start = 0
        for index, one in enumerate(self.recordings):
            self._write_table(index, one, start)
            if self.videos:
                for key, frames in one.images.items():
                    write_mp4(self.video(index, key), frames)
            start += len(one)
        self._write_meta(start)
        return self.path

    def table(self, index: int) -> Path:
        return self.path / f"data/chunk-{index // self.chunks_size:03d}/episode_{index:06d}.parquet"

    def video(self, index: int, key: str) -> Path:
        return self.path / f"videos/chunk-{index // self.chunks_size:03d}/{key}/episode_{index:06d}.mp4"

    def change_info(self, **changes) -> None:
        file = self.path / "meta/info.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    def change_line(self, name: str, number: int, line: str | bytes) -> None:
        file = self.path / "meta" / name
        lines = file.read_bytes().splitlines()
        lines[number - 1] = line.encode() if isinstance(line, str) else line
        file.write_bytes(b"\n".join(lines) + b"\n")

    def change_rows(self, index: int, change) -> None:
        table = pq.read_table(self.table(index))
        rows = table.to_pylist()
        change(rows)
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), self.table(index))

    def _write_table(self, index: int, one: Recording, start: int) -> None:
        columns = {
            "observation.state": pa.FixedSizeListArray.from_arrays(pa.array(one.state.ravel()), 4),
            "action": pa.FixedSizeListArray.from_arrays(pa.array(one.actions.ravel()), 7),
            "timestamp": pa.array(np.arange(len(one), dtype=np.float32) / np.float32(FPS)),
            "frame_index": pa.array(np.arange(len(one))),
            "episode_index": pa.array(np.full(len(one), index)),
            "index": pa.array(np.arange(start, start + len(one))),
            "task_index": pa.array(np.array(one.tasks)),
        }
        if not self.videos:
            images = {key: [encode_image(frame) for frame in frames] for key, frames in one.images.items()}
            for key, files in images.items():
                cells = [{"bytes": data, "path": f"frame_{i:06d}.png"} for i, data in enumerate(files)]
                columns[key] = pa.array(cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
        self.table(index).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), self.table(index))

    def _write_meta(self, total: int) -> None:
        count, cameras = len(self.recordings), self.recordings[0].images
        kind = "video" if self.videos else "image"
        names = ["height", "width", "channels"]
        features = {k: {"dtype": kind, "shape": list(v.shape[1:]), "names": names} for k, v in cameras.items()}
        features["observation.state"] = {"dtype": "float32", "shape": [4], "names": {"motors": list("xyzo")}}
        features["action"] = {"dtype": "float32", "shape": [7], "names": None}
        features["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
        features |= {name: {"dtype": "int64", "shape": [1], "names": None} for name in COUNTERS}
        data = "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet"
        video = "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4"
        info = {
            "codebase_version": self.version,
            "robot_type": "koch",
            "total_episodes": count,
            "total_frames": total,
            "total_tasks": len(TASKS),
            "total_videos": count * len(cameras) if self.videos else 0,
            "total_chunks": -(-count // self.chunks_size),
            "chunks_size": self.chunks_size,
            "fps": FPS,
            "splits": {"train": f"0:{count}"},
            "data_path": data,
            "video_path": video if self.videos else None,
            "features": features,
        }
        meta = self.path / "meta"
        (meta / "info.json").write_text(json.dumps(info, indent=4))
        lines = [{"task_index": number, "task": task} for number, task in enumerate(TASKS)]
        (meta / "tasks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        episodes = [
            {"episode_index": index, "tasks": [TASKS[task] for task in dict.fromkeys(one.tasks)], "length": len(one)}
            for index, one in enumerate(self.recordings)
        ]
        (meta / "episodes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in episodes))
        stats = [_stats(one.actions) for one in self.recordings]
        if self.version == "v2.0":
            (meta / "stats.json").write_text(json.dumps(_stats(np.concatenate([r.actions for r in self.recordings]))))
        else:
            lines = [{"episode_index": index, "stats": one} for index, one in enumerate(stats)]
            (meta / "episodes_stats.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _stats(actions: np.ndarray) -> dict:
    found = {name: getattr(actions, name)(0).tolist() for name in ("min", "max", "mean", "std")}
    return {"action": found | {"count": [len(actions)]}}


def write_mp4(path: Path, frames: np.ndarray, codec: str = "libx264") -> None:
    """With B-frames and long groups of pictures, as recordings have them and our own writer does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(FPS))
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
