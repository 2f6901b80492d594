"""JSON and JSON-lines files that come from outside: either their contents, or an error naming the file and line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robovlms.core.errors import CorruptData
from robovlms.core.files import read_json


def read_if_there(path: Path, kind: type = dict) -> Any:
    """Contents of a JSON file whose top must be a ``kind``; an empty one where the file does not exist.

    Raises:
        CorruptData: the file is not JSON or another thing stands at its top.
    """
    if not path.is_file():
        return kind()
    return read_json(path, kind, "Run the command that wrote it again, or remove the file.")


def read_json_lines(path: Path) -> tuple[Mapping[str, Any], ...]:
    """One object a line; nothing where the file does not exist.

    A last line without its end is left out: a run that is still being written, or was killed, ends like that.

    Raises:
        CorruptData: a line is not a JSON object; the message gives its number.
    """
    if not path.is_file():
        return ()
    text = path.read_text(encoding="utf-8", errors="replace")
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows = []
    for number, line in lines:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number == lines[-1][0] and not text.endswith("\n"):
                break
            raise CorruptData(f"{path}, line {number} is not valid JSON ({error.msg}). Remove that line.") from None
        if not isinstance(rows[-1], dict):
            raise CorruptData(f"{path}, line {number}: got {type(rows[-1]).__name__}, expected an object with 'step'.")
    return tuple(rows)
