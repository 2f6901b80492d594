"""The folder of an evaluation: what runs in it, and every episode as soon as it ends, so that a run can go on.

``run.json`` names protocol and checkpoint before the first episode; ``episodes.jsonl`` gains one synced line an
episode; ``results.json`` appears at the end.
"""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from robovlms.core.config import parse
from robovlms.core.errors import CorruptData, UserError
from robovlms.core.files import clear_disk_errors, disk_error, read_json, write_json
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint, EpisodeResult

RUN, EPISODES, RESULTS = "run.json", "episodes.jsonl", "results.json"
AGAIN = "Evaluate again into another folder."


class EpisodeStore:
    """Appends episodes to a folder; a context manager.

    Args:
        folder: Made if need be; must be empty unless ``resume``.
        protocol: What is measured.
        checkpoint: The policy.
        resume: Go on with what the folder holds. An empty or missing folder just starts.

    Raises:
        UserError: The folder holds something else, or another evaluation than the one to resume.
        CorruptData: A finished line of its files is damaged.
    """

    def __init__(self, folder: Path, protocol: Protocol, checkpoint: Checkpoint, resume: bool = False):
        self._path = folder / EPISODES
        self.episodes: list[EpisodeResult] = []
        if resume and (folder / RUN).is_file():
            _require_same(folder / RUN, protocol, checkpoint)
            self.episodes = _read(self._path)
        else:
            _require_empty(folder, resume)
            write_json(folder / RUN, _identity(protocol, checkpoint))
        with clear_disk_errors(self._path):
            self._file = self._path.open("a", encoding="utf-8")

    def append(self, episode: EpisodeResult) -> None:
        """Keep an episode; it survives whatever happens next. Raises ``UserError`` when it cannot be written."""
        try:
            self._file.write(json.dumps(episode.model_dump(mode="json"), ensure_ascii=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UserError(f"{disk_error(error, self._path)} Finished episodes are kept: --resume goes on.") from None
        self.episodes.append(episode)

    def __enter__(self) -> "EpisodeStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _identity(protocol: Protocol, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "protocol": protocol.model_dump(mode="json"),
        "protocol_digest": protocol.digest(),
        "checkpoint": checkpoint.path,
        "checkpoint_digest": checkpoint.digest,
    }


def _require_empty(folder: Path, resume: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UserError(f"Output {folder} is a file, expected a folder.")
    held = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if not held:
        return
    if resume:
        raise UserError(f"Nothing to resume in {folder}: it holds {', '.join(held[:5])}, but no {RUN}.")
    hint = "Add --resume to go on with it, or choose" if RUN in held else "Choose"
    raise UserError(f"Output folder {folder} already holds {', '.join(held[:5])}. {hint} another --out.")


def _require_same(path: Path, protocol: Protocol, checkpoint: Checkpoint) -> None:
    held, wanted = read_json(path, remedy=AGAIN), _identity(protocol, checkpoint)
    wrong = []
    if held.get("checkpoint_digest") != checkpoint.digest:
        was = f"{held.get('checkpoint')} ({held.get('checkpoint_digest')})"
        wrong.append(f"checkpoint: the folder has {was}, now {checkpoint.path} ({checkpoint.digest})")
    before = held.get("protocol")
    before = before if isinstance(before, dict) else {}
    for name, value in wanted["protocol"].items():
        if before.get(name) != value:
            wrong.append(f"{name}: the folder has {before.get(name)!r:.80}, now {value!r:.80}")
    if wrong:
        lines = "".join(f"\n  - {line}" for line in wrong)
        raise UserError(
            f"{path.parent} holds another evaluation:{lines}\nResume with the same settings, or another --out."
        )


def _read(path: Path) -> list[EpisodeResult]:
    """Finished episodes; the rest of a line that a killed run left is cut off, so that the next begins a line."""
    if not path.is_file():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    lines = whole.decode("utf-8", errors="replace").splitlines()
    where = [f"{path}, line {number}" for number in range(1, len(lines) + 1)]
    return [parse(EpisodeResult, _json(line, place), place) for line, place in zip(lines, where, strict=True)]


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CorruptData(f"{where} is not valid JSON: {error}. {AGAIN}") from None
