"""One annotation of BDRBench-20: a sub-task's sentence, numbers and places in the videos of its recording.

Source: the data set's card (huggingface.co/datasets/robovlms/bytedance_robot_benchmark_20) for ``texts``, ``videos``
(the static camera's first) and the folders; the other names are settings, since no annotation was at hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from robovlms.core.config import Config
from robovlms.core.errors import CorruptData
from robovlms.core.files import inside, is_utf8, read_json


class BDRBenchKeys(Config):
    """Names in an annotation, and in each of its ``videos``: a path below the data set, the first and last frame."""

    texts: str = "texts"
    videos: str = "videos"
    actions: str = "action"
    state: str = "state"
    path: str = "video_path"
    start: str = "start"
    end: str = "end"


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames of one camera: those of ``path`` from number ``start`` on."""

    path: Path
    start: int


@dataclass(frozen=True, slots=True)
class Annotation:
    """What one file says; ``clips`` by camera, which is the name of the video's file."""

    instruction: str
    clips: Mapping[str, Clip]
    actions: Float32[np.ndarray, "t a"]
    state: Float32[np.ndarray, "t s"]


def read_annotation(file: Path, folder: Path, keys: BDRBenchKeys) -> Annotation:
    """Read and check one annotation of the data set ``folder``; no video is opened.

    Raises:
        CorruptData: It is damaged or contradicts itself, or a path leads out of the data set or to nothing.
    """
    found = read_json(file)
    actions = _rows(_field(found, keys.actions, list, file), f"{file}, '{keys.actions}'")
    state = np.zeros((len(actions), 0), np.float32)
    if keys.state in found:
        state = _rows(_field(found, keys.state, list, file), f"{file}, '{keys.state}'")
    if len(state) != len(actions):
        raise CorruptData(f"{file}: got {len(state)} states and {len(actions)} actions, expected as many.")
    videos = _field(found, keys.videos, list, file)
    clips = [_clip(video, f"{file}, video {i}", folder, keys, len(actions)) for i, video in enumerate(videos)]
    named = {clip.path.stem: clip for clip in clips}
    if not clips or len(named) != len(clips):
        raise CorruptData(f"{file}: got videos {[clip.path.name for clip in clips]}, expected one for each camera.")
    return Annotation(_sentence(_field(found, keys.texts, list, file), file), named, actions, state)


def _field(found: Mapping[str, Any], name: str, kind: type, where: Path | str) -> Any:
    if name not in found:
        raise CorruptData(f"{where} has no '{name}'; it has {sorted(found)}. Set keys where it has another name.")
    value = found[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise CorruptData(f"{where}, '{name}': got {value!r:.80}, expected {kind.__name__}.")
    return value


def _sentence(texts: Sequence[Any], file: Path) -> str:
    if len(texts) != 1 or not isinstance(texts[0], str) or not texts[0].strip():
        raise CorruptData(f"{file}: got texts {texts!r:.80}, expected a list of one sentence.")
    if not is_utf8(texts[0]):
        raise CorruptData(f"{file}: the sentence {texts[0]!r:.80} is not UTF-8. Correct it, or leave the file out.")
    return texts[0]


def _rows(values: Sequence[Any], where: str) -> Float32[np.ndarray, "t _"]:
    try:
        rows = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise CorruptData(f"{where}: got rows of different lengths or no numbers, expected a table.") from None
    if rows.ndim != 2 or not rows.size:
        raise CorruptData(f"{where}: got an array of shape {rows.shape}, expected a row of numbers for each frame.")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise CorruptData(f"{where}, row {bad[0]}: got {rows[bad[0]].tolist()}, expected finite numbers.")
    return rows.astype(np.float32)


def _clip(video: Any, where: str, folder: Path, keys: BDRBenchKeys, length: int) -> Clip:
    """Where a camera's frames are. A range has as many frames as there are actions, its end counted or not."""
    if not isinstance(video, Mapping):
        raise CorruptData(f"{where}: got {video!r:.80}, expected an object.")
    path = inside(folder, _field(video, keys.path, str, where), where)
    if not path.is_file():
        raise CorruptData(f"{where}: {path} is missing. Copy the data set again.")
    start, end = _field(video, keys.start, int, where), _field(video, keys.end, int, where)
    if start < 0 or end - start not in (length, length - 1):
        raise CorruptData(f"{where}: got frames {start} to {end} and {length} actions, expected as many frames.")
    return Clip(path, start)
