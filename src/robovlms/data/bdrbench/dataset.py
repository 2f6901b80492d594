"""Reads BDRBench-20, the real-robot data of the RoboVLMs paper, in the layout of its card.

```
anns/{split}/{id}.json                        one sub-task: sentence, actions, state, where it is in the videos
media/{split}/{id}/rgb.mp4, hand_rgb.mp4      one recording, often of several sub-tasks
```
"""

from pathlib import Path

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.core.config import digest_of
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.core.types import Episode
from robovlms.data.bdrbench.annotation import Annotation, BDRBenchKeys, Clip, read_annotation
from robovlms.data.images import Frames, VideoFacts, VideoPart, decode_video, inspect_video


class BDRBenchDataset:
    """The annotated sub-tasks of one split. Opening reads every annotation and the head of two videos."""

    def __init__(
        self,
        path: Path | str,
        split: str = "train",
        action_spec: ActionSpec | None = None,
        keys: BDRBenchKeys | None = None,
    ):
        """Open a data set.

        Args:
            path: The folder that holds ``anns`` and ``media``.
            split: ``train`` or ``val``.
            action_spec: What the actions mean; numbers without a name when None.
            keys: Names in the annotations.

        Raises:
            UserError: There is no such folder or no annotation.
            UnknownName: There is no such split.
            CorruptData: An annotation is damaged or differs from the first in its cameras or dimensions.
        """
        self.path = Path(path)
        self._files = _annotation_files(self.path, split)
        self._annotations = [read_annotation(file, self.path, keys or BDRBenchKeys()) for file in self._files]
        first = self._annotations[0]
        for file, annotation in zip(self._files, self._annotations, strict=True):
            if (got := _shape(annotation)) != (expected := _shape(first)):
                raise CorruptData(f"{file}: got {got}, expected {expected} as in {self._files[0].name}.")
        facts = {name: inspect_video(clip.path) for name, clip in first.clips.items()}
        self._rate_hz = next(iter(facts.values())).rate_hz
        self.action_spec = action_spec or _unnamed(first.actions.shape[1], self._rate_hz)
        self.observation_spec = _observed(facts, first.state.shape[1])

    def __len__(self) -> int:
        return len(self._annotations)

    def lengths(self) -> list[int]:
        """Number of frames of each episode."""
        return [len(annotation.actions) for annotation in self._annotations]

    def source_of(self, index: int) -> str:
        """The recording: sub-tasks of one are never split over training and held-out data."""
        clip = next(iter(self._annotations[index].clips.values()))
        return str(clip.path.parent.relative_to(self.path))

    def fingerprint(self) -> str:
        """Changes when the data set changes: a digest of the annotations and of the sizes of the videos."""
        clips = {clip.path for annotation in self._annotations for clip in annotation.clips.values()}
        sizes = "".join(f"{path.relative_to(self.path)} {path.stat().st_size}\n" for path in sorted(clips))
        return digest_of(b"".join(file.read_bytes() for file in self._files) + sizes.encode())

    def read(self, index: int, cameras: tuple[str, ...] | None = None) -> Episode:
        """One episode, with the images of ``cameras`` (all when None).

        Raises:
            CorruptData: A video is damaged, too short, or of another size or rate than the first.
        """
        annotation = self._annotations[index]
        spec = self.observation_spec.select(cameras)
        return Episode(
            images={
                camera.name: self._frames(annotation.clips[camera.name], annotation, camera) for camera in spec.cameras
            },
            state=annotation.state,
            actions=annotation.actions,
            instruction=annotation.instruction,
            info={"source": self.source_of(index), "annotation": self._files[index].stem},
        )

    def _frames(self, clip: Clip, annotation: Annotation, camera: Camera) -> Frames:
        expected = VideoFacts(camera.height, camera.width, self._rate_hz)
        if (facts := inspect_video(clip.path)) != expected:
            raise CorruptData(f"{clip.path}: got {facts}, expected {expected} as in the first annotation.")
        return decode_video(VideoPart(clip.path), len(annotation.actions), facts.rate_hz, skip=clip.start)


def _annotation_files(path: Path, split: str) -> list[Path]:
    if not (path / "anns").is_dir():
        raise UserError(f"{path} holds no folder 'anns'. Name the folder of BDRBench-20 that has anns and media.")
    splits = [folder.name for folder in (path / "anns").iterdir() if folder.is_dir()]
    if split not in splits:
        raise UnknownName("split", split, splits)
    files = sorted((path / "anns" / split).glob("*.json"))
    if not files:
        raise UserError(f"{path / 'anns' / split} holds no annotation.")
    return files


def _shape(annotation: Annotation) -> str:
    cameras, (actions, state) = ", ".join(annotation.clips), (annotation.actions.shape[1], annotation.state.shape[1])
    return f"cameras {cameras}, {actions} action and {state} state dimensions"


def _unnamed(dims: int, rate_hz: float) -> ActionSpec:
    action = ActionComponent(name="action", dims=dims, kind="other", low=None, high=None)
    return ActionSpec(components=(action,), rate_hz=rate_hz)


def _observed(facts: dict[str, VideoFacts], state: int) -> ObservationSpec:
    cameras = tuple(Camera(name=name, height=one.height, width=one.width) for name, one in facts.items())
    components = (StateComponent(name="state", dims=state),) if state else ()
    return ObservationSpec(cameras=cameras, state=components, rate_hz=next(iter(facts.values())).rate_hz)
