import errno
import json

import numpy as np
import pytest

from robovlms.actions.check import require_valid
from robovlms.actions.spec import ImageSpec
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, SpecMismatch, UnknownName, UserError
from robovlms.data.images import fit_image
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.sources import LeRobotConfig, RLDSConfig
from robovlms.data.store.build import build_store, open_sources


@pytest.fixture
def path(tmp_path, action_spec, observation_spec, make_episode):
    with LeRobotWriter(tmp_path / "set", action_spec, observation_spec, 10) as writer:
        for seed in range(8):
            writer.add(make_episode(seed, length=3 + seed))
    return tmp_path / "set"


def build(*configs, **options):
    return build_store(open_sources(configs), **options)


def test_every_frame_is_where_the_table_says(path, make_episode):
    store = build(LeRobotConfig(path=path))
    assert len(store) == sum(3 + seed for seed in range(8))
    for seed in range(8):
        episode, rows = make_episode(seed, length=3 + seed), store.frames_of([seed])
        np.testing.assert_array_equal(store.actions[rows], episode.actions)
        np.testing.assert_array_equal(store.state[rows], episode.state)
        np.testing.assert_array_equal(store.images["wrist"][rows], episode.images["wrist"])
        assert store.instructions[store.episodes.instruction_ids[seed]] == episode.instruction
        assert store.tasks[store.episodes.task_ids[seed]] == episode.task
        assert store.sources[store.episodes.source_ids[seed]] == f"set: chain {seed // 2}"
    assert store.datasets == ("set",)


def test_actions_that_are_not_what_their_spec_says_are_refused(path, action_spec):
    narrow = action_spec.components[1].model_copy(update={"high": 0.1})
    components = (action_spec.components[0], narrow, action_spec.components[2])
    stated = action_spec.model_copy(update={"components": components})
    with pytest.raises(CorruptData, match=r"set, episode 0, frame \d: action component 'rotation' is .*at most 0\.1"):
        build(LeRobotConfig(path=path, action_spec=stated))
    short = action_spec.model_copy(update={"components": action_spec.components[:2]})
    with pytest.raises(UserError, match=r"action_spec describes 6 numbers, but actions in .* have 7"):
        build(LeRobotConfig(path=path, action_spec=short))
    with pytest.raises(CorruptData, match="set: got actions of 7 dimensions, expected 6"):
        require_valid(short, np.zeros((2, 7), np.float32), "set")


def test_cameras_and_state_are_ordered_subsets(path, make_episode):
    config = LeRobotConfig(path=path, cameras=("wrist",), state=("opening",))
    store = build(config)
    assert store.observation_spec.camera_names == tuple(store.images) == ("wrist",)
    np.testing.assert_array_equal(store.state[:3], make_episode(0, length=3).state[:, 3:])
    swapped = build(LeRobotConfig(path=path, cameras=("wrist", "static"), state=("opening", "tcp")))
    assert tuple(swapped.images) == ("wrist", "static")
    np.testing.assert_array_equal(swapped.state[:3], make_episode(0, length=3).state[:, [3, 0, 1, 2]])
    assert build(LeRobotConfig(path=path, state=())).state.shape == (len(store), 0)
    with pytest.raises(UnknownName, match="Did you mean 'wrist'"):
        build(LeRobotConfig(path=path, cameras=("wrst",)))
    with pytest.raises(UnknownName, match="state component"):
        build(LeRobotConfig(path=path, state=("speed",)))


def test_images_are_resized_once_as_the_policy_does_it(path, make_episode):
    image = ImageSpec(size=12, fit="pad")
    store = build(LeRobotConfig(path=path), image=image)
    assert store.images["static"].shape == (len(store), 12, 12, 3)
    assert {(c.height, c.width) for c in store.observation_spec.cameras} == {(12, 12)}
    np.testing.assert_array_equal(store.images["static"][1], fit_image(make_episode(0, 3).images["static"][1], image))


def test_sources_are_never_split(path):
    store = build(LeRobotConfig(path=path, holdout=0.3))
    table = store.episodes
    held = set(table.source_ids[table.held_out].tolist())
    assert len(held) == 2  # ceil(0.3 * 4 chains)
    assert held.isdisjoint(table.source_ids[~table.held_out].tolist())
    assert len(store.training_episodes) + len(store.heldout_episodes) == 8
    assert not build(LeRobotConfig(path=path, holdout=0)).episodes.held_out.any()


def test_two_data_sets(path, tmp_path, action_spec, observation_spec, make_episode):
    with LeRobotWriter(tmp_path / "more", action_spec, observation_spec, 10) as writer:
        writer.add(make_episode(9))
    store = build(LeRobotConfig(path=path), LeRobotConfig(path=tmp_path / "more", embodiment="other arm", holdout=0))
    assert store.datasets == ("set", "other arm")
    assert store.episodes.dataset_ids.tolist() == [0] * 8 + [1]
    shared = build(LeRobotConfig(path=path), LeRobotConfig(path=tmp_path / "more", embodiment="set"))
    assert shared.datasets == ("set",)
    faster = action_spec.model_copy(update={"rate_hz": 20.0})
    with LeRobotWriter(tmp_path / "faster", faster, observation_spec, 20) as writer:
        writer.add(make_episode(9))
    with pytest.raises(SpecMismatch, match="rate_hz: 10 against 20"):
        open_sources([LeRobotConfig(path=path), LeRobotConfig(path=tmp_path / "faster")])


def test_a_cache_gives_the_same_store(path, tmp_path):
    config = LeRobotConfig(path=path, state=())
    plain, seen = build(config), []
    first = build(config, cache=tmp_path / "cache", on_episode=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (8, 8)
    second = build(config, cache=tmp_path / "cache", on_episode=lambda *_: pytest.fail("decoded again"))
    for store in (first, second):
        assert store.episodes.lengths.tolist() == plain.episodes.lengths.tolist()
        assert (store.instructions, store.sources) == (plain.instructions, plain.sources)
        assert store.observation_spec == plain.observation_spec
        np.testing.assert_array_equal(store.images["static"], plain.images["static"])
        np.testing.assert_array_equal(store.actions, plain.actions)
    assert isinstance(second.images["static"], np.memmap)
    build(
        config.model_copy(update={"weight": 2.0}), cache=tmp_path / "cache", on_episode=lambda *_: pytest.fail("again")
    )
    build(config, image=ImageSpec(size=8), cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_a_damaged_cache_is_noticed(path, tmp_path):
    build(LeRobotConfig(path=path), cache=tmp_path)
    file = next(tmp_path.glob("*/images.static.npy"))
    content = bytearray(file.read_bytes())
    content[-7] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(CorruptData, match=r"images.static.npy is missing or damaged. Delete"):
        build(LeRobotConfig(path=path), cache=tmp_path)


@pytest.mark.parametrize("changed", [{}, {"bytes": 3}, {"episodes": {}}, {"checksums": {}}])
def test_a_cache_of_another_version_is_noticed(path, tmp_path, changed):
    build(LeRobotConfig(path=path), cache=tmp_path)
    file = next(tmp_path.glob("*/store.json"))
    file.write_text(json.dumps(json.loads(file.read_text()) | changed if changed else {}))
    with pytest.raises(CorruptData, match=r"store.json lacks something .* Delete .*: it is a cache"):
        build(LeRobotConfig(path=path), cache=tmp_path)


def test_a_full_disk_leaves_no_cache(path, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(UserError, match="The disk is full"):
        build(LeRobotConfig(path=path), cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_bridge_is_split_by_source_file(bridge):
    store = build(RLDSConfig(path=bridge, embodiment="widowx", holdout=0.25))
    assert (len(store), store.observation_spec.camera_names) == (250, ("image_0",))
    table = store.episodes
    assert len(set(table.source_ids[table.held_out].tolist())) == 1
    assert len(set(table.source_ids[~table.held_out].tolist())) == 3


def test_nothing_to_open():
    with pytest.raises(UserError, match="No data was given"):
        open_sources([])
    with pytest.raises(UnknownName, match="Did you mean 'cameras'"):
        validate(LeRobotConfig, {"path": "x", "camera": ["static"]})
