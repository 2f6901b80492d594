"""The sentences mees/calvin has for each task."""

from pathlib import Path

import yaml

from robovlms.core.errors import CorruptData
from robovlms.worlds.calvin.clones import SENTENCES


def read_sentences(calvin: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Sentences by split and task.

    Raises:
        CorruptData: A file is not what mees/calvin has.
    """
    return {split: _read(calvin / name) for split, name in SENTENCES.items()}


def _read(path: Path) -> dict[str, tuple[str, ...]]:
    try:
        return {str(task): tuple(map(str, sentences)) for task, sentences in yaml.safe_load(path.read_text()).items()}
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError) as error:
        raise CorruptData(f"{path}: got {error}, expected a list of sentences for each task. Clone it again.") from None
