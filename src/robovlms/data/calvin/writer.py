"""Writes episodes as a CALVIN folder: ``with CALVINWriter(path, ...) as writer: writer.add(episode)``.

Frames go into ``training`` or ``validation`` below ``path``, because loaders of CALVIN insist on one of the names.
Everything is written beside ``path`` and renamed on ``close``: the folder is complete or absent.

Non-obvious behaviours: an episode becomes a segment of its own, with one more frame than it has, because loaders read
the frame at the end of a span and learn nothing from it. Each scene has frame numbers of its own, because
``scene_info.npy`` gives a scene one range. What was cut from one recording is kept as ``source`` in the annotations,
which other loaders pass over. Sentences have no embeddings; mees/calvin's ``relabel_with_new_lang_model.py`` adds
them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from typing_extensions import override

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import UserError
from robovlms.core.files import clear_disk_errors
from robovlms.core.types import Episode
from robovlms.data.calvin.annotations import ANNOTATIONS, SCENES, SEGMENTS
from robovlms.data.calvin.encode import frame_arrays, require_convention
from robovlms.data.writer import DatasetWriter

DIGITS = 7
FRAMES_PER_SCENE = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of an episode until the annotations are written; ``last`` is the frame after it."""

    first: int
    last: int
    instruction: str
    task: str
    scene: str
    source: str


class CALVINWriter(DatasetWriter):
    """Appends episodes of CALVIN's convention to a new folder."""

    def __init__(
        self,
        path: Path | str,
        action_spec: ActionSpec,
        observation_spec: ObservationSpec,
        split: Literal["training", "validation"] = "training",
    ):
        """Start a folder.

        Args:
            path: The folder to create; it must not exist, or be empty.
            action_spec: CALVIN's relative or absolute actions. The other kind is worked out from the state.
            observation_spec: Cameras named ``rgb_...``, CALVIN's two among them; the robot's state, maybe the scene's.
            split: Name of the folder in it that gets the frames.

        Raises:
            SpecMismatch: The actions or the state are not CALVIN's.
            UnknownName: A camera or a component of the state is missing.
            UserError: A camera has another name, or the folder holds something.
        """
        self.action_spec, self.observation_spec = action_spec, observation_spec
        require_convention(action_spec, observation_spec)
        self._entries: list[Entry] = []
        self._used: dict[str, int] = {}
        super().__init__(path)
        self._folder = self._partial / split
        self._folder.mkdir()

    @override
    def add(self, episode: Episode) -> None:
        """Append one episode. Of its ``info``, ``scene`` and ``source`` are kept.

        Raises:
            CorruptData: An action is not what the spec says.
            UserError: The episode is empty or does not fit the specs, no frame numbers are left, or the disk is full.
        """
        where = f"Episode {len(self._entries)}"
        arrays = frame_arrays(episode, self.action_spec, self.observation_spec, where)
        scene, source = str(episode.info.get("scene", "")), str(episode.info.get("source", where))
        first = self._take(scene, len(episode) + 1, where)
        with clear_disk_errors(self.path):
            for offset in range(len(episode) + 1):
                frame = {name: rows[offset] for name, rows in arrays.items()}
                np.savez_compressed(self._folder / f"episode_{first + offset:0{DIGITS}d}.npz", **frame)
        self._entries.append(Entry(first, first + len(episode), episode.instruction, episode.task, scene, source))

    @property
    @override
    def num_episodes(self) -> int:
        return len(self._entries)

    @override
    def finish(self) -> None:
        segments = np.array([(entry.first, entry.last) for entry in self._entries])
        with clear_disk_errors(self.path):
            (self._folder / "lang_annotations").mkdir()
            np.save(self._folder / "lang_annotations" / ANNOTATIONS, np.array(self._annotations()))
            np.save(self._folder / SEGMENTS, segments)
            np.save(self._folder / "ep_lens.npy", segments[:, 1] - segments[:, 0] + 1)
            if scenes := self._scenes():
                np.save(self._folder / SCENES, np.array(scenes))

    def _take(self, scene: str, count: int, where: str) -> int:
        """The first of ``count`` new frame numbers of a scene."""
        used = self._used.setdefault(scene, 0)
        first = list(self._used).index(scene) * FRAMES_PER_SCENE + used
        if used + count > FRAMES_PER_SCENE or first + count > 10**DIGITS:
            most = f"{FRAMES_PER_SCENE} frames a scene and {10**DIGITS // FRAMES_PER_SCENE} scenes"
            raise UserError(f"{where}: there are more than {most}. Write several folders.")
        self._used[scene] = used + count
        return first

    def _annotations(self) -> dict[str, dict[str, Any]]:
        entries = self._entries
        language = {"ann": [e.instruction for e in entries], "task": [e.task for e in entries], "emb": []}
        spans = [(entry.first, entry.last) for entry in entries]
        return {"language": language, "info": {"episodes": [], "indx": spans, "source": [e.source for e in entries]}}

    def _scenes(self) -> dict[str, list[int]]:
        """First and last frame by scene; episodes that do not say theirs are in none."""
        starts = {scene: number * FRAMES_PER_SCENE for number, scene in enumerate(self._used)}
        return {f"calvin_scene_{s}": [starts[s], starts[s] + used - 1] for s, used in self._used.items() if s}
