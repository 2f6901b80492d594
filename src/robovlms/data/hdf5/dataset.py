"""Reads HDF5 files in the layouts of LIBERO, robomimic and ACT (see ``hdf5_layout``), one episode at a time.

Files are opened for each episode and closed again, so that a data set can be sent to worker processes. The reader is
strict: a damaged file is named with the episode and the row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py  # noqa: TID253 - the settings import this module when they open a data set
import numpy as np

from robovlms.actions.spec import ActionSpec
from robovlms.core.config import digest_of
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.core.types import Episode
from robovlms.data.hdf5.conventions import CONVENTIONS, require_controller
from robovlms.data.hdf5.file import array_of, episode_names, files_of, group_of, json_of, numbers_of, opened, reading
from robovlms.data.hdf5.language import instruction_of
from robovlms.data.hdf5.layout import HDF5Layout
from robovlms.data.hdf5.observations import images_of, observation_spec, state_of


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an episode is: a group of a file, with this many rows and this sentence."""

    file: Path
    group: str
    rows: int
    instruction: str

    @property
    def where(self) -> str:
        """File and episode, for messages."""
        return f"{self.file}, {self.group}" if self.group != "/" else str(self.file)


class HDF5Dataset:
    """The episodes of a file or a folder. Opening reads no array, and decodes at most one image a camera."""

    def __init__(
        self,
        path: Path | str,
        layout: HDF5Layout,
        convention: str | None = None,
        action_spec: ActionSpec | None = None,
        instruction: str | None = None,
        mask: str | None = None,
    ):
        """Open a data set.

        Args:
            path: A file, or a folder that holds some.
            layout: Where the files keep what.
            convention: What the actions mean, by a name in ``CONVENTIONS``; that of the layout when None.
            action_spec: What they mean, where no convention fits.
            instruction: The sentence of all episodes, where the files say none or another is wanted.
            mask: A list below ``mask/`` that says which episodes to read; all when None.

        Raises:
            CorruptData: A file is cut short, an episode has no rows, or arrays are missing or differ in length.
            SpecMismatch: A file says that its actions are for another controller.
            UnknownName: There is no such convention, list or array.
            UserError: It is not said what the actions mean, or what the instruction is.
        """
        self.path, self.layout = Path(path), layout
        self._convention = convention or layout.convention
        self.action_spec = action_spec or self._known_actions()
        self._checked = action_spec is None
        self._files = files_of(self.path)
        self._entries = [entry for file in self._files for entry in self._entries_of(file, instruction, mask)]
        first = self._entries[0]
        with opened(first.file) as file, reading(first.where):
            self.observation_spec = observation_spec(file[first.group], layout, self.action_spec.rate_hz, first.where)

    def __len__(self) -> int:
        return len(self._entries)

    def lengths(self) -> list[int]:
        """Number of frames of each episode."""
        return [entry.rows - self._lost for entry in self._entries]

    def source_of(self, index: int) -> str:
        """The recorded episode: file and group."""
        entry = self._entries[index]
        name = entry.file.name if entry.file == self.path else str(entry.file.relative_to(self.path))
        return name if entry.group == "/" else f"{name} {entry.group}"

    def fingerprint(self) -> str:
        """Changes when the data set changes: a digest of names, sizes and times of the files."""
        stats = [(file.name, file.stat()) for file in self._files]
        return digest_of("\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats))

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """One episode, with the images of ``cameras`` (all when None).

        Raises:
            CorruptData: An array is missing or damaged; the message names file, episode and row.
        """
        entry, layout, spec = self._entries[index], self.layout, self.observation_spec.select(cameras)
        with opened(entry.file) as file, reading(entry.where):
            group = group_of(file, entry.group, str(entry.file))
            actions = numbers_of(array_of(group, layout.actions, entry.where), entry.where)
            state = state_of(group, layout, spec.state, entry.rows, entry.where)
            images = images_of(group, layout, spec.cameras, entry.rows, entry.where)
        seen = slice(0, entry.rows - self._lost)
        return Episode(
            images={name: frames[seen] for name, frames in images.items()},
            state=state[seen],
            actions=actions[self._lost :],
            instruction=entry.instruction,
            task=entry.file.stem.removesuffix("_demo") if layout.language_in_name else "",
            info={"source": self.source_of(index)},
        )

    @property
    def _lost(self) -> int:
        """How many rows have no partner."""
        return 1 if self.layout.observed == "after" else 0

    def _known_actions(self) -> ActionSpec:
        name = self._convention
        if name is None:
            known = ", ".join(CONVENTIONS)
            raise UserError(
                f"{self.path}: files do not say what actions mean. Set convention ({known}) or action_spec."
            )
        if name not in CONVENTIONS:
            raise UnknownName("HDF5 convention", name, CONVENTIONS)
        return CONVENTIONS[name]

    def _entries_of(self, path: Path, instruction: str | None, mask: str | None) -> Iterator[Entry]:
        with opened(path) as file, reading(str(path)):
            names = episode_names(file, self.layout.episodes, mask, str(path))
            top = file[self.layout.episodes or "/"]
            if self._checked:
                arguments = json_of(top, "env_args", str(path))
                require_controller(str(self._convention), self.action_spec, arguments, str(path))
            for name in names:
                where = str(path) if name == "/" else f"{path}, {name}"
                with reading(where):
                    group = group_of(file, name, str(path))
                    rows = self._rows(group, where)
                    sentence = instruction or instruction_of(top, group, path, self.layout, where)
                yield Entry(path, name, rows, sentence)

    def _rows(self, group: h5py.Group, where: str) -> int:
        actions = array_of(group, self.layout.actions, where)
        if actions.ndim != 2 or actions.shape[1] != self.action_spec.dims:
            raise CorruptData(
                f"{where}: got actions of shape {actions.shape}, expected (steps, {self.action_spec.dims}): "
                f"{self.action_spec.layout}. Set another convention, or action_spec."
            )
        stated = group.attrs.get("num_samples", len(actions))
        if np.ndim(stated) or stated != len(actions):
            raise CorruptData(f"{where}: got {len(actions)} actions, but num_samples is {stated}. Copy the file again.")
        if len(actions) <= self._lost:
            raise CorruptData(f"{where}: got {len(actions)} rows, expected at least {1 + self._lost}.")
        return len(actions)
