"""Rollout clips: one frame a control step, and the last of each task once more, green or red, with how it ended."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from robovlms.core.errors import UserError
from robovlms.core.files import clear_disk_errors
from robovlms.core.protocols import World
from robovlms.core.types import Observation
from robovlms.evaluation.overlay import VIEW, Image, Overlay

VERDICT_SECONDS = {True: 0.5, False: 1.5}
"""How long the end of a task stands still, by its success; a failure ends the clip."""


@runtime_checkable
class DrawsAnySize(Protocol):
    """A world that can draw its cameras at any size, beside the observations."""

    def render(self, camera: str, size: int) -> Image:
        """The image of a camera, ``size`` pixels square."""
        ...


class VideoRecorder:
    """Writes one mp4 (H.264 where the libraries have it, else MPEG-4); the file appears when it is finished.

    A disk that is full, or a folder that cannot be written, is a ``UserError``.
    A world that draws at any size is drawn at ``VIEW`` pixels; of another, the images of its observations are enlarged.
    """

    def __init__(self, path: Path, world: World):
        self._path, self._world = path, world
        self._temporary = path.with_name(f".{path.name}.tmp")
        self._rate_hz = world.observation_spec.rate_hz
        self._overlay = Overlay(world.action_spec)
        self._seen: Mapping[str, Image] = {}
        self._container = self._stream = None

    @property
    def needs_images(self) -> bool:
        """Whether each step's observation must be rendered."""
        return not isinstance(self._world, DrawsAnySize)

    def begin_task(self, observation: Observation, caption: str) -> None:
        """A task begins at this moment."""
        self._overlay.begin(caption)
        self._show(observation)

    def add(self, observation: Observation, action: Float[np.ndarray, " a"]) -> None:
        """Add one control step: what it led to, and the action. A world without cameras records nothing."""
        self._overlay.act(action)
        self._show(observation)

    def end_task(self, verdict: str, success: bool) -> None:
        """Let the last moment stand still with a verdict in a word or two."""
        if self._seen:
            frame = self._overlay.draw(self._seen, verdict, success)
            for _ in range(max(1, round(VERDICT_SECONDS[success] * self._rate_hz))):
                self._mux(frame)

    def _show(self, observation: Observation) -> None:
        self._seen = self._images(observation)
        if self._seen:
            frame = self._overlay.draw(self._seen)
            if self._container is None:
                self._open(frame)
            self._mux(frame)

    def _images(self, observation: Observation) -> Mapping[str, Image]:
        if isinstance(self._world, DrawsAnySize):
            names = self._world.observation_spec.camera_names
            return {name: self._world.render(name, VIEW) for name in names}
        return observation.images

    def finish(self) -> None:
        """Close the file and put it in its place."""
        if self._container is not None:
            self._mux(None)
            with self._writing():
                self._container.close()
                self._temporary.replace(self._path)
            self._container = None

    def drop(self) -> None:
        """Leave no file."""
        if self._container is not None:
            with suppress(OSError):  # it cannot write its end to a full disk
                self._container.close()
            self._temporary.unlink(missing_ok=True)
            self._container = None

    @contextmanager
    def _writing(self) -> Generator[None]:
        """A disk that is full is the user's to free, and no trouble of the world."""
        try:
            with clear_disk_errors(self._path):
                yield
        except UserError:
            self.drop()
            raise

    def _open(self, frame: Image) -> None:
        import av

        with self._writing():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # The index goes to the front, so that a browser plays the file before it has all of it.
            self._container = av.open(self._temporary, "w", format="mp4", options={"movflags": "faststart"})
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        self._stream = self._container.add_stream(codec, rate=max(1, round(self._rate_hz)))
        self._stream.height, self._stream.width = frame.shape[:2]
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"preset": "veryfast"} if codec == "libx264" else {}
        self._stream.thread_count = 1

    def _mux(self, frame: Image | None) -> None:
        """Encode a frame; None drains what the encoder still holds."""
        import av

        assert self._container is not None
        assert self._stream is not None
        picture = None if frame is None else av.VideoFrame.from_ndarray(frame, format="rgb24")
        with self._writing():
            self._container.mux(self._stream.encode(picture))
