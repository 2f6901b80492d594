"""Reads CALVIN folders, one annotated span an episode: as published, or as ``calvin_writer`` writes them.

Frames between the annotated spans are never read, nor are depth maps and tactile images.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from robovlms.actions.calvin import ABSOLUTE_ACTIONS, RATE_HZ, RELATIVE_ACTIONS, ROBOT_STATE, SCENE_STATE
from robovlms.actions.spec import Camera, ObservationSpec
from robovlms.core.config import digest_of
from robovlms.core.errors import UserError
from robovlms.core.types import Episode
from robovlms.data.calvin.annotations import ANNOTATIONS, Span, read_spans
from robovlms.data.calvin.frames import Frames, Shape

Actions = Literal["rel_actions", "actions"]
Select = Callable[[list[Span]], list[Span]]
"""Chooses among the annotated spans of a folder."""

ACTION_SPECS = {"rel_actions": RELATIVE_ACTIONS, "actions": ABSOLUTE_ACTIONS}
_ROBOT, _SCENE = ("robot_obs", (15,)), ("scene_obs", (24,))


class CALVINDataset:
    """The annotated spans of one folder. Opening reads the annotations and looks at one frame."""

    def __init__(
        self,
        folder: Path | str,
        actions: Actions = "rel_actions",
        annotations: str = "lang_annotations",
        select: Select | None = None,
    ):
        """Open a data set.

        Args:
            folder: Holds the frames, such as ``task_ABC_D/training``.
            actions: Relative actions, or absolute ones.
            annotations: Folder in it with the sentences.
            select: Which of the spans to use; all when None.

        Raises:
            CorruptData: A file is missing or damaged; names it and the row.
            UserError: No span is left.
        """
        self.path, self._actions = Path(folder), actions
        self._annotations = self.path / annotations / ANNOTATIONS
        spans = read_spans(self._annotations, self.path)
        self.spans = tuple(select(spans) if select else spans)
        if not self.spans:
            raise UserError(f"{self._annotations}: no annotated span is left. Choose other scenes or more spans.")
        self.action_spec = ACTION_SPECS[actions]
        self._frames = Frames.of(self.path)
        self._images, self._state = self._look_at(self.spans[0])
        self.observation_spec = self._observation_spec()

    def __len__(self) -> int:
        return len(self.spans)

    def lengths(self) -> list[int]:
        """Number of frames of each episode."""
        return [len(span) for span in self.spans]

    def source_of(self, index: int) -> str:
        """The recorded segment a span lies in: spans overlap, and those of one segment belong together."""
        return self.spans[index].source

    def fingerprint(self) -> str:
        """Changes when the data set does: a digest of the spans, and of sizes and times of their frames' files."""
        numbers = sorted({number for span in self.spans for number in range(span.start, span.stop)})
        return digest_of(str(self.spans).encode() + self._frames.stamps(numbers).tobytes())

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """One episode, with the images of ``cameras`` (all when None).

        Raises:
            CorruptData: A frame is missing or damaged; the message names its file and the row of the annotation.
        """
        span, names = self.spans[index], self.observation_spec.select(cameras).camera_names
        shapes = {name: self._images[name] for name in names} | self._state | {self._actions: (self.action_spec.dims,)}
        found = self._frames.read(range(span.start, span.stop), shapes, self._where(span))
        return Episode(
            images={name: found[name] for name in names},
            state=np.concatenate([found[name] for name in self._state], axis=1).astype(np.float32),
            actions=found[self._actions].astype(np.float32),
            instruction=span.instruction,
            task=span.task,
            info={"source": span.source, "scene": span.scene, "start": span.start, "stop": span.stop},
        )

    def _look_at(self, span: Span) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """Shapes of the images, and of the arrays with the state, which the scene's is part of where it is recorded."""
        found = self._frames.look(span.start, self._where(span))
        images = {n: a.shape for n, a in found.items() if a.dtype == np.uint8 and a.ndim == 3 and a.shape[2] == 3}
        scene = found.get("scene_obs")
        recorded = scene is not None and scene.dtype.kind == "f" and np.isfinite(scene).all()
        return images, dict([_ROBOT, _SCENE] if recorded else [_ROBOT])

    def _observation_spec(self) -> ObservationSpec:
        cameras = tuple(Camera(name=name, height=size[0], width=size[1]) for name, size in self._images.items())
        state = ROBOT_STATE + (SCENE_STATE if "scene_obs" in self._state else ())
        return ObservationSpec(cameras=cameras, state=state, rate_hz=RATE_HZ)

    def _where(self, span: Span) -> str:
        return f"{self._annotations}, row {span.row}"
