"""Reads run directories: what is there, what is missing and which command makes it. Judges and draws nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robovlms.core.errors import CorruptData, UserError
from robovlms.reports.files import read_if_there, read_json_lines
from robovlms.reports.outcomes import Outcome, read_outcome
from robovlms.statistics.intervals import Estimate


@dataclass(frozen=True, slots=True)
class Clip:
    """One rollout video. ``solved`` counts the tasks solved in a row; None where nobody wrote it down."""

    path: Path
    chain: str = ""
    instructions: tuple[str, ...] = ()
    solved: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A part of the report that cannot be made, and the command that makes its input."""

    section: str
    file: str
    command: str


@dataclass(frozen=True, slots=True)
class Run:
    """Everything one directory holds; absent parts are empty."""

    label: str
    directory: Path
    outcome: Outcome | None = None
    experiment: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, Any] = field(default_factory=dict)
    open_loop: tuple[tuple[str, Estimate], ...] = ()
    training: tuple[Mapping[str, Any], ...] = ()
    clips: tuple[Clip, ...] = ()
    gaps: tuple[Gap, ...] = ()


EVALUATE = "robovlms evaluate {checkpoint} --benchmark tabletop --chains 100 --video 4 --out EVALUATION"
TRAIN = "robovlms train RECIPE --out RUN"
GAPS = {
    "outcome": Gap("Evaluation", "results.json", EVALUATE),
    "clips": Gap("Rollout clips", "videos/*.mp4", EVALUATE),
    "training": Gap("Training curves", "training/metrics.jsonl", TRAIN),
    "experiment": Gap("Model and data provenance", "experiment.json", TRAIN),
}
PLAIN_FOLDERS = {"evaluation", "train"}
"""Folder names that say nothing of a run; its label is then the folder above."""


def read_runs(directories: Sequence[Path]) -> list[Run]:
    """Read several run directories; their labels are the shortest path endings that differ.

    Raises:
        UserError: no directory was given, one does not exist or holds nothing a report can show.
        CorruptData: a file is not what its name says; the message names the file and the line.
    """
    if not directories:
        raise UserError("A report needs at least one run directory, for example: robovlms report runs/quickstart")
    paths = [Path(directory) for directory in directories]
    return [read_run(path, label) for path, label in zip(paths, _labels(paths), strict=True)]


def read_run(directory: Path, label: str = "") -> Run:
    """Read one run directory; see ``read_runs`` for the errors."""
    if not directory.is_dir():
        raise UserError(f"Run directory {directory} does not exist; expected a folder that a robovlms command wrote.")
    parts: dict[str, Any] = {
        "outcome": read_outcome(results) if (results := directory / "results.json").is_file() else None,
        "experiment": read_if_there(directory / "experiment.json"),
        "training": read_json_lines(directory / "training" / "metrics.jsonl"),
        "clips": _clips(directory / "videos"),
    }
    open_loop = _open_loop(directory / "open_loop.json")
    if not any(parts.values()) and not open_loop:
        wanted = ", ".join(gap.file for gap in GAPS.values())
        raise UserError(f"{directory} holds no results: found none of {wanted}, open_loop.json. Is it a run directory?")
    gaps = () if open_loop and not parts["outcome"] else _gaps(directory, parts)
    timing = read_if_there(directory / "timing.json")
    name = label or _labels([directory])[0]
    return Run(name, directory, timing=timing, open_loop=open_loop, gaps=gaps, **parts)


def _gaps(directory: Path, parts: Mapping[str, Any]) -> tuple[Gap, ...]:
    checkpoint = parts["outcome"].checkpoint if parts["outcome"] else str(directory)
    trained = not checkpoint.startswith("baseline:")
    missing = [gap for name, gap in GAPS.items() if not parts[name] and (trained or gap.command is not TRAIN)]
    return tuple(Gap(gap.section, gap.file, gap.command.format(checkpoint=checkpoint)) for gap in missing)


def _labels(paths: Sequence[Path]) -> list[str]:
    parts = [path.resolve().parts for path in paths]
    if len(set(parts)) < len(parts):
        raise UserError(f"A run directory is named twice: {', '.join(map(str, paths))}. Name each run once.")
    telling = [part[:-1] if part[-1] in PLAIN_FOLDERS else part for part in parts]
    parts = telling if len(set(telling)) == len(parts) else parts
    depth = 1
    while len({part[-depth:] for part in parts}) < len(parts):
        depth += 1
    return ["/".join(part[-depth:]) for part in parts]


def _open_loop(path: Path) -> tuple[tuple[str, Estimate], ...]:
    metrics = read_if_there(path).get("metrics", [])
    try:
        return tuple(
            (str(item["name"]), Estimate(float(item["value"]), *map(float, item["ci95"]), int(item.get("n", 0))))
            for item in metrics
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        raise CorruptData(
            f"{path}: 'metrics' is {metrics!r:.200}, expected [{{'name': text, 'value': x, 'ci95': [low, high]}}, ...]."
        ) from None


def _clips(folder: Path) -> tuple[Clip, ...]:
    """The mp4 files of a folder: those ``index.json`` names, in its order, then the others."""
    index = folder / "index.json"
    entries = read_if_there(index, list)
    if not all(isinstance(entry, dict) and isinstance(entry.get("file"), str) for entry in entries):
        raise CorruptData(f"{index}: expected a list of objects with 'file', got {entries!r:.80}.")
    clips = [_clip(folder, entry) for entry in entries if (folder / Path(entry["file"]).name).is_file()]
    named = {clip.path for clip in clips}
    return (*clips, *(Clip(path, path.stem) for path in sorted(folder.glob("*.mp4")) if path not in named))


def _clip(folder: Path, entry: Mapping[str, Any]) -> Clip:
    solved = entry.get("solved")
    return Clip(
        path=folder / Path(entry["file"]).name,
        chain=str(entry.get("chain", "")),
        instructions=tuple(str(text) for text in entry.get("instructions") or ()),
        solved=sum(map(bool, solved)) if isinstance(solved, list) else solved,
    )
