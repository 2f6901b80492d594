"""Fills a frame store, one episode at a time. Episodes that are left out have no rows: arrays are cut off for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from robovlms.actions.check import require_valid
from robovlms.actions.spec import ImageSpec, ObservationSpec
from robovlms.core.errors import CorruptData
from robovlms.data.damage import Damage, Skipped
from robovlms.data.store.columns import Column, Files, Pixels
from robovlms.data.store.encoded import files_of
from robovlms.data.store.episode_rows import EpisodeRows, Row
from robovlms.data.store.frames import ENDS, IMAGES, FrameStore
from robovlms.data.store.place import Place, Unfinished

if TYPE_CHECKING:
    from robovlms.data.store.build import OpenedSources

OnEpisode = Callable[[int, int], None]
"""(episodes done, episodes in all)."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """The arrays of a store, with room for all episodes, or fewer rows where a killed process had begun to cut them."""

    cameras: Mapping[str, Column]
    state: Float32[np.ndarray, "_ _"]
    actions: Float32[np.ndarray, "_ a"]
    observation_spec: ObservationSpec

    @classmethod
    def of(cls, opened: "OpenedSources", image: ImageSpec | None, place: Place) -> "Arrays":
        """New ones, or those that a killed process left, for frames of the size of ``image``."""
        observation, total = sized(opened.observation_spec, image), _num_frames(opened)
        shapes = {camera.name: (total, camera.height, camera.width, 3) for camera in observation.cameras}
        arrays = {name: place.array(IMAGES + name, shape, np.uint8) for name, shape in shapes.items()}
        columns = {name: Pixels(IMAGES + name, array, image) for name, array in arrays.items()}
        return cls(columns, *_numbers(opened, place), observation)

    @classmethod
    def encoded(cls, opened: "OpenedSources", place: Unfinished) -> "Arrays":
        """Those for frames that stay image files."""
        names, total = opened.observation_spec.camera_names, _num_frames(opened)
        ends = {name: place.array(ENDS + name, (total,), np.int64) for name in names}
        columns = {name: Files(ENDS + name, ends[name], place.growing(IMAGES + name)) for name in names}
        return cls(columns, *_numbers(opened, place), opened.observation_spec)

    @property
    def pixels(self) -> dict[str, UInt8[np.ndarray, "_ _ _ 3"]]:
        """Camera name to frames; without image files, which are there when their folder is."""
        return {name: column.array for name, column in self.cameras.items() if isinstance(column, Pixels)}

    def cut(self, rows: int, place: Place) -> "Arrays":
        """Their first rows."""
        for column in self.cameras.values():
            column.cut(rows, place)
        state, actions = place.cut("state", self.state, rows), place.cut("actions", self.actions, rows)
        return Arrays(self.cameras, state, actions, self.observation_spec)


def fill(opened: "OpenedSources", arrays: Arrays, place: Place, on_episode: OnEpisode | None) -> FrameStore:
    """Decode all episodes that are not in ``place`` yet (see ``store.build.build_store``)."""
    rows, skipped = EpisodeRows(), list[Skipped]()
    done, num_episodes = place.begun(), sum(map(len, opened.sources))
    for column in arrays.cameras.values():
        column.go_on(sum(row.frames for row in done))
    for entry, (config, source) in enumerate(opened):
        damage = Damage.of(config)
        for index in range(len(source)):
            known = len(rows) < len(done)
            row = done[len(rows)] if known else _row(opened, entry, index, arrays, rows.end)
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
        images=arrays.pixels,
        state=arrays.state,
        actions=arrays.actions,
        episodes=rows.table({config.name: config.holdout for config in opened.configs}),
        action_spec=opened.action_spec,
        observation_spec=arrays.observation_spec,
        embodiments=opened.embodiments,
        skipped=tuple(skipped),
        **{name: tuple(ids) for name, ids in rows.names.items()},
    )


def _row(opened: "OpenedSources", entry: int, index: int, arrays: Arrays, start: int) -> Row:
    """Write an episode from row ``start`` on; nothing of one that is damaged."""
    config, source = opened.configs[entry], opened.sources[entry]
    own, where = opened.embodiments.get(config.name, opened), f"{config.path}, episode {index}"
    try:
        episode = source.read(index, own.observation_spec.camera_names)
        require_valid(own.action_spec, episode.actions, where)
        origin = f"{config.path.name}: {source.source_of(index)}"
        files = {} if arrays.pixels else files_of(source, index, episode)
    except CorruptData as error:
        if not config.skip_bad:
            raise
        return Row(0, "", "", "", config.name, entry, str(error))
    at = slice(start, start + len(episode))
    for column, name in zip_longest(arrays.cameras.values(), own.observation_spec.camera_names):
        column.put(at, episode.images.get(name), files.get(name, ()), where)
    columns = source.observation_spec.columns(own.observation_spec.state_names)
    arrays.state[at], arrays.actions[at] = np.nan, 0
    arrays.state[at, : len(columns)] = episode.state[:, columns]
    arrays.actions[at, : episode.actions.shape[1]] = episode.actions
    return Row(len(episode), episode.instruction, episode.task, origin, config.name, entry)


def _num_frames(opened: "OpenedSources") -> int:
    return sum(sum(source.lengths()) for source in opened.sources)


def _numbers(opened: "OpenedSources", place: Place) -> tuple[np.ndarray, np.ndarray]:
    """State and actions."""
    total, dims = _num_frames(opened), opened.observation_spec.state_dims
    actions = place.array("actions", (total, opened.action_spec.dims), np.float32)
    return place.array("state", (total, dims), np.float32), actions


def sized(spec: ObservationSpec, image: ImageSpec | None) -> ObservationSpec:
    """The spec with cameras of the size that images are brought to."""
    size = {"height": image.size, "width": image.size} if image else {}
    return spec.model_copy(update={"cameras": tuple(camera.model_copy(update=size) for camera in spec.cameras)})
