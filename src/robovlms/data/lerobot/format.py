"""What the LeRobot v3.0 data sets we write are made of: paths, features, statistics (no parquet, only plain values).

Source: ``lerobot/datasets/utils.py`` and ``compute_stats.py`` of lerobot 0.4.4. Beside the standard files stands
``meta/specs.json``, which holds what the format cannot say: the ActionSpec, the ObservationSpec and the provenance.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64, Num

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.data.images import ImageFormat

VERSION = "v3.0"
VERSIONS = ("v2.0", "v2.1", VERSION)
FILES_PER_CHUNK = 1000
DATA_FILE_MB = 100
VIDEO_FILE_MB = 200
INFO = "meta/info.json"
STATS = "meta/stats.json"
TASKS = "meta/tasks.parquet"
SPECS = "meta/specs.json"
EPISODES = "meta/episodes"
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
IMAGES = "observation.images."
STATE = "observation.state"
ACTION = "action"
INFO_COLUMN = "info/"
COUNTERS = ("frame_index", "episode_index", "index", "task_index")
QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}

Stats = dict[str, Any]


def features(
    action_spec: ActionSpec, observation_spec: ObservationSpec, image_format: ImageFormat, fps: float
) -> dict[str, Any]:
    """The ``features`` entry of ``info.json``."""
    found: dict[str, Any] = {}
    for camera in observation_spec.cameras:
        shape = [camera.height, camera.width, 3]
        entry: dict[str, Any] = {"dtype": "image", "shape": shape, "names": ["height", "width", "channels"]}
        if image_format == "mp4":
            entry |= {"dtype": "video", "info": _video_info(camera.height, camera.width, fps)}
        found[IMAGES + camera.name] = entry
    if observation_spec.state_dims:
        found[STATE] = _vector([(c.name, c.dims) for c in observation_spec.state])
    found[ACTION] = _vector([(c.name, c.dims) for c in action_spec.components])
    found["timestamp"] = {"dtype": "float32", "shape": [1], "names": None}
    return found | {name: {"dtype": "int64", "shape": [1], "names": None} for name in COUNTERS}


def _vector(components: Sequence[tuple[str, int]]) -> dict[str, Any]:
    names = [name if dims == 1 else f"{name}_{i}" for name, dims in components for i in range(dims)]
    return {"dtype": "float32", "shape": [len(names)], "names": names}


def _video_info(height: int, width: int, fps: float) -> dict[str, Any]:
    return {
        "video.height": height,
        "video.width": width,
        "video.codec": "h264",
        "video.pix_fmt": "yuv420p",
        "video.is_depth_map": False,
        "video.fps": fps,
        "video.channels": 3,
        "has_audio": False,
    }


def hf_features(found: Mapping[str, Any]) -> dict[str, Any]:
    """The same features in the words of Hugging Face ``datasets``, for the schema metadata of the data files."""
    described: dict[str, Any] = {}
    for name, feature in found.items():
        if feature["dtype"] == "image":
            described[name] = {"_type": "Image"}
        elif feature["dtype"] != "video":
            value = {"dtype": feature["dtype"], "_type": "Value"}
            vector = name in (STATE, ACTION)
            described[name] = (
                {"feature": value, "length": feature["shape"][0], "_type": "Sequence"} if vector else value
            )
    return described


def info(found: Mapping[str, Any], fps: float, episodes: int, frames: int, tasks: int) -> dict[str, Any]:
    """The content of ``info.json``."""
    videos = any(feature["dtype"] == "video" for feature in found.values())
    return {
        "codebase_version": VERSION,
        "robot_type": None,
        "total_episodes": episodes,
        "total_frames": frames,
        "total_tasks": tasks,
        "chunks_size": FILES_PER_CHUNK,
        "data_files_size_in_mb": DATA_FILE_MB,
        "video_files_size_in_mb": VIDEO_FILE_MB,
        "fps": int(fps) if float(fps).is_integer() else fps,
        "splits": {"train": f"0:{episodes}"},
        "data_path": DATA_PATH,
        "video_path": VIDEO_PATH if videos else None,
        "features": dict(found),
    }


def vector_stats(values: Num[np.ndarray, "n d"]) -> Stats:
    """Statistics of each column, as nested lists."""
    wide = values.astype(np.float64)
    found = {"min": wide.min(0), "max": wide.max(0), "mean": wide.mean(0), "std": wide.std(0)}
    found |= dict(zip(QUANTILES, np.quantile(wide, list(QUANTILES.values()), axis=0), strict=True))
    return {name: column.tolist() for name, column in found.items()} | {"count": [len(values)]}


def image_stats(histogram: Int64[np.ndarray, "3 256"], num_frames: int) -> Stats:
    """Exact statistics of pixels in [0, 1] by channel, shape (3, 1, 1), from how often each level occurs."""
    levels = np.arange(256) / 255.0
    share = histogram / histogram.sum(1, keepdims=True)
    mean = share @ levels
    std = np.sqrt(np.maximum((share * (levels[None] - mean[:, None]) ** 2).sum(1), 0))
    cumulative = share.cumsum(1)
    found = {
        "min": levels[(histogram > 0).argmax(1)],
        "max": levels[255 - (histogram[:, ::-1] > 0).argmax(1)],
        "mean": mean,
        "std": std,
    }
    found |= {name: levels[(cumulative >= q - 1e-12).argmax(1)] for name, q in QUANTILES.items()}
    return {name: column.reshape(3, 1, 1).tolist() for name, column in found.items()} | {"count": [num_frames]}
