"""Rollout videos as data addresses, so that one file carries them."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robovlms.reports.outcomes import Outcome
from robovlms.reports.runs import Clip, Run

BUDGET_BYTES = 48_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a clip and what became of it: ``solved``, ``failed`` or ``unknown``."""

    text: str
    state: str


@dataclass(frozen=True, slots=True)
class EmbeddedClip:
    """One video with its caption; ``source`` and ``poster`` (its first frame, may be empty) are data addresses."""

    run: int
    title: str
    description: str
    score: str
    steps: tuple[Step, ...]
    source: str
    poster: str


def embed_clips(runs: Sequence[Run], budget: int = BUDGET_BYTES) -> tuple[list[EmbeddedClip], list[str]]:
    """The clips of all runs, the runs taking turns, and the names of those that do not fit into ``budget`` bytes."""
    rounds = max((len(run.clips) for run in runs), default=0)
    turns = [(i, run.clips[turn]) for turn in range(rounds) for i, run in enumerate(runs) if turn < len(run.clips)]
    kept, left_out = [], []
    for index, clip in turns:
        size = clip.path.stat().st_size
        if size > budget:
            left_out.append(f"{runs[index].label}/{clip.path.name}")
            continue
        budget -= size
        kept.append(_embed(index, clip, runs[index].outcome))
    return sorted(kept, key=lambda one: one.run), left_out


def _embed(index: int, clip: Clip, outcome: Outcome | None) -> EmbeddedClip:
    title = f"Chain {clip.chain}" if clip.chain.isdigit() else clip.chain or clip.path.stem
    length = outcome.length if outcome else len(clip.instructions)
    score = "" if clip.solved is None else f"{clip.solved} of {length}"
    return EmbeddedClip(
        index,
        title,
        f"Rollout video, {title}{score and f', {score} solved'}: {'; '.join(clip.instructions) or 'no instructions'}",
        score,
        tuple(Step(text, _state(position, clip.solved)) for position, text in enumerate(clip.instructions)),
        _address("video/mp4", clip.path.read_bytes()),
        _poster(clip.path),
    )


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _poster(path: Path) -> str:
    """The first frame, for paper and for the moment before a browser has decoded; empty if it cannot be read."""
    import av

    try:
        with av.open(str(path)) as container:
            picture = next(container.decode(video=0)).to_image()
    except (av.error.FFmpegError, StopIteration, IndexError):
        return ""
    content = io.BytesIO()
    picture.save(content, format="jpeg", quality=80)
    return _address("image/jpeg", content.getvalue())


def _state(position: int, solved: int | None) -> str:
    if solved is None:
        return "unknown"
    return "solved" if position < solved else "failed"
