"""What an episode of an HDF5 file was asked to do."""

import re
from pathlib import Path

import h5py  # noqa: TID253 - only code that reads such a data set imports this module

from robovlms.core.errors import CorruptData, UserError
from robovlms.data.hdf5.file import json_of
from robovlms.data.hdf5.layout import HDF5Layout


def instruction_of(top: h5py.Group, episode: h5py.Group, path: Path, layout: HDF5Layout, where: str) -> str:
    """The sentence of an episode: what the episode says, else what the file says, else the file's name.

    RoboCasa writes ``lang`` into each episode's ``ep_meta``, LIBERO ``language_instruction`` into ``problem_info``.

    Raises:
        UserError: Nothing says it.
        CorruptData: What is said is no text.
    """
    for node, attribute, key in ((episode, "ep_meta", "lang"), (top, "problem_info", "language_instruction")):
        found = json_of(node, attribute, where)
        if isinstance(found, dict) and (words := found.get(key)):
            letters = words if isinstance(words, list) else [words]  # LIBERO stores some sentences as lists of letters
            if not all(isinstance(letter, str) for letter in letters):
                raise CorruptData(f"{where}, '{attribute}': got {words!r:.80} as '{key}', expected a text. Correct it.")
            return "".join(letters).strip('" ')
    if layout.language_in_name:
        return instruction_in_name(path)
    raise UserError(f"{where}: the file says no instruction. Set instruction to the sentence of its episodes.")


def instruction_in_name(path: Path) -> str:
    """The sentence in the name of a LIBERO file, without the scene that comes first in LIBERO-90 and LIBERO-10."""
    name = path.stem.removesuffix("_demo")
    return re.sub(r"^[A-Z_]+SCENE\d+_", "", name).replace("_", " ").strip()
