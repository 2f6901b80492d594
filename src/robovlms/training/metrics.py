"""The log of a run: one JSON object a line, flushed as it is written."""

import json
from collections.abc import Mapping
from pathlib import Path

from robovlms.core.files import clear_disk_errors, publish


class MetricsLog:
    """Appends to ``metrics.jsonl``; a resumed run first drops lines later than its checkpoint.

    Only one of several processes may write: in the others it is not ``enabled``, and leaves the file alone.
    """

    def __init__(self, path: Path, resume_step: int | None = None, enabled: bool = True):
        self.path = path
        if not enabled:
            return
        kept = "" if resume_step is None else _lines_until(path, resume_step)
        partial = path.with_name(f".{path.name}.partial")
        with clear_disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(kept)
        publish(partial, path)

    def write(self, values: Mapping[str, float | int]) -> None:
        """Append one line."""
        rounded = {key: round(value, 6) if isinstance(value, float) else value for key, value in values.items()}
        with clear_disk_errors(self.path), self.path.open("a") as file:
            file.write(json.dumps(rounded) + "\n")


def _lines_until(path: Path, step: int) -> str:
    if not path.is_file():
        return ""
    kept = []
    for line in path.read_text().splitlines():
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
        except (ValueError, KeyError, TypeError):
            continue  # a kill in the middle of a write leaves one broken line
    return "".join(kept)
