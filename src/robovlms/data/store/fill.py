"""Fills a frame store, one episode at a time. Episodes that are left out have no rows: arrays are cut off for them."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from robovlms.actions.check import require_valid
from robovlms.actions.spec import ImageSpec, ObservationSpec
from robovlms.core.errors import CorruptData, UserError
from robovlms.core.types import Episode
from robovlms.data.damage import Damage, Skipped
from robovlms.data.images import Frames, fit_image
from robovlms.data.store.episode_rows import EpisodeRows, Row
from robovlms.data.store.frames import FrameStore
from robovlms.data.store.place import Place

if TYPE_CHECKING:
    from robovlms.data.store.build import OpenedSources

OnEpisode = Callable[[int, int], None]
"""(episodes done, episodes in all)."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """The arrays of a store, with room for all episodes, or fewer rows where a killed process had begun to cut them."""

    images: dict[str, UInt8[np.ndarray, "_ _ _ 3"]]
    state: Float32[np.ndarray, "_ _"]
    actions: Float32[np.ndarray, "_ a"]

    @classmethod
    def of(cls, opened: "OpenedSources", image: ImageSpec | None, place: Place) -> "Arrays":
        """New ones, or those that a killed process left."""
        observation, total = sized(opened.observation_spec, image), sum(sum(s.lengths()) for s in opened.sources)
        shapes = {camera.name: (total, camera.height, camera.width, 3) for camera in observation.cameras}
        return cls(
            {name: place.array(f"images.{name}", shape, np.uint8) for name, shape in shapes.items()},
            place.array("state", (total, observation.state_dims), np.float32),
            place.array("actions", (total, opened.action_spec.dims), np.float32),
        )

    def cut(self, rows: int, place: Place) -> "Arrays":
        """Their first rows."""
        images = {name: place.cut(f"images.{name}", frames, rows) for name, frames in self.images.items()}
        return Arrays(images, place.cut("state", self.state, rows), place.cut("actions", self.actions, rows))


def fill(opened: "OpenedSources", image: ImageSpec | None, place: Place, on_episode: OnEpisode | None) -> FrameStore:
    """Decode all episodes that are not in ``place`` yet (see ``store.build.build_store``)."""
    arrays, rows, skipped = Arrays.of(opened, image, place), EpisodeRows(), list[Skipped]()
    done, num_episodes = place.begun(), sum(map(len, opened.sources))
    for entry, (config, source) in enumerate(opened):
        damage = Damage.of(config)
        for index in range(len(source)):
            known = len(rows) < len(done)
            row = done[len(rows)] if known else _row(opened, entry, index, arrays, rows.end, image)
            rows.add(row)
            if row.damage:
                damage.note(index, row.damage)
            if not known:
                place.note(row)
                if on_episode:
                    on_episode(len(rows), num_episodes)
        damage.require_some(len(source))
        skipped += damage.skipped
    arrays = arrays.cut(rows.end, place)
    return FrameStore(
        images=arrays.images,
        state=arrays.state,
        actions=arrays.actions,
        episodes=rows.table({config.name: config.holdout for config in opened.configs}),
        action_spec=opened.action_spec,
        observation_spec=sized(opened.observation_spec, image),
        embodiments=opened.embodiments,
        skipped=tuple(skipped),
        **{name: tuple(ids) for name, ids in rows.names.items()},
    )


def _row(opened: "OpenedSources", entry: int, index: int, arrays: Arrays, start: int, image: ImageSpec | None) -> Row:
    """Write an episode from row ``start`` on; nothing of one that is damaged."""
    config, source = opened.configs[entry], opened.sources[entry]
    own, where = opened.embodiments.get(config.name, opened), f"{config.path}, episode {index}"
    try:
        episode = source.read(index, own.observation_spec.camera_names)
        require_valid(own.action_spec, episode.actions, where)
        origin = f"{config.path.name}: {source.source_of(index)}"
    except CorruptData as error:
        if not config.skip_bad:
            raise
        return Row(0, "", "", "", config.name, entry, str(error))
    columns = source.observation_spec.columns(own.observation_spec.state_names)
    _write(episode, own.observation_spec.camera_names, columns, arrays, start, image, where)
    return Row(len(episode), episode.instruction, episode.task, origin, config.name, entry)


def _write(
    episode: Episode,
    cameras: tuple[str, ...],
    columns: list[int],
    arrays: Arrays,
    start: int,
    image: ImageSpec | None,
    where: str,
) -> None:
    at = slice(start, start + len(episode))
    for frames, name in zip_longest(arrays.images.values(), cameras):
        frames[at] = _fitted(episode.images[name], frames.shape[1:], image, where) if name else 0
    arrays.state[at], arrays.actions[at] = np.nan, 0
    arrays.state[at, : len(columns)] = episode.state[:, columns]
    arrays.actions[at, : episode.actions.shape[1]] = episode.actions


def sized(spec: ObservationSpec, image: ImageSpec | None) -> ObservationSpec:
    """The spec with cameras of the size that images are brought to."""
    size = {"height": image.size, "width": image.size} if image else {}
    return spec.model_copy(update={"cameras": tuple(camera.model_copy(update=size) for camera in spec.cameras)})


def _fitted(frames: Frames, shape: tuple[int, ...], image: ImageSpec | None, where: str) -> Frames:
    if frames.shape[1:] == shape:
        return frames
    if image is None:
        raise UserError(
            f"{where}: got images of shape {frames.shape[1:]}, expected {shape}. Give one image size for all."
        )
    return np.stack([fit_image(frame, image) for frame in frames])
