"""Frames kept as image files: the recorded ones to the byte, decoded as a store of pixels has them."""

import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from robovlms.actions.normalize import Normalizer
from robovlms.actions.spec import ImageSpec
from robovlms.core.errors import CorruptData
from robovlms.data.images import decode_image, encode_image
from robovlms.data.lerobot.dataset import LeRobotDataset
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.loader import Loader
from robovlms.data.rlds.writer import RLDSWriter
from robovlms.data.sources import LeRobotConfig, RLDSConfig
from robovlms.data.stats import action_statistics
from robovlms.data.store.build import build_store, open_sources
from robovlms.data.store.build_encoded import bytes_encoded, encoded_folder, find_or_build, keep_encoded
from robovlms.data.store.cache import load_store
from robovlms.data.store.encoded import files_of
from robovlms.data.window import WindowConfig

CAMERAS = ("static", "wrist")
IMAGE = ImageSpec(size=12, fit="pad")
KILLED = """
import os, signal, sys
from pathlib import Path
from robovlms.data.store import place as store_place
from robovlms.data.sources import LeRobotConfig
from robovlms.data.store.build import open_sources
from robovlms.data.store.build_encoded import keep_encoded

store_place.EPISODES_A_NOTE = 2
def at(done, total):
    if done == 5:
        os.kill(os.getpid(), signal.SIGKILL)
keep_encoded(open_sources([LeRobotConfig(path=sys.argv[1], skip_bad=True)]), Path(sys.argv[2]), at)
"""


@pytest.fixture
def write(tmp_path, action_spec, observation_spec, make_episode):
    def write(writer, **options):
        with writer(tmp_path / "set", action_spec, observation_spec, **options) as made:
            for seed in range(7):
                made.add(make_episode(seed, length=3 + seed))
        return tmp_path / "set"

    return write


def opened(path, config=LeRobotConfig, **settings):
    return open_sources([config(path=path, **{"cameras": CAMERAS, "holdout": 0.25} | settings)])


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
@pytest.mark.parametrize(("config", "writer"), [(LeRobotConfig, LeRobotWriter), (RLDSConfig, RLDSWriter)])
def test_recorded_files_are_kept_and_give_the_same_pixels(write, tmp_path, config, writer, image_format):
    sources = opened(write(writer, image_format=image_format), config)
    keep_encoded(sources, tmp_path / "cache")
    source, kept = sources.sources[0], load_store(encoded_folder(sources, tmp_path / "cache"))
    recorded = b"".join(file for index in range(7) for file in source.image_files(index, ["wrist"])["wrist"])
    (folder,) = (tmp_path / "cache").iterdir()
    assert np.load(folder / "images.wrist.npy").tobytes() == recorded
    pixels = build_store(sources, IMAGE)
    store = find_or_build(sources, IMAGE, tmp_path / "cache")
    rows = np.array([11, 0, 3, 11])
    for camera in CAMERAS:
        assert store.images[camera].shape == pixels.images[camera].shape
        np.testing.assert_array_equal(store.pixels(camera, rows), pixels.images[camera][rows])
        np.testing.assert_array_equal(store.images[camera][5:9], pixels.images[camera][5:9])
    np.testing.assert_array_equal(store.actions, pixels.actions)
    assert store.observation_spec == pixels.observation_spec
    assert kept.images["static"].shape[1:3] == (16, 24)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_windows_are_the_same(write, tmp_path):
    sources = opened(write(LeRobotWriter))
    keep_encoded(sources, tmp_path / "cache")
    batches = []
    for store in (find_or_build(sources, IMAGE, tmp_path / "cache"), build_store(sources, IMAGE)):
        normalizers = {name: Normalizer(store.action_spec, s) for name, s in action_statistics(store).items()}
        window = WindowConfig(history=3, chunk=2)
        loader = Loader(store, store.training_episodes, window, 8, normalizers)
        batches.append(loader.batch(1))
    encoded, plain = batches
    assert all(torch.equal(encoded.images[camera], plain.images[camera]) for camera in CAMERAS)
    assert torch.equal(encoded.actions, plain.actions)


def test_video_becomes_jpeg(write, tmp_path):
    sources = opened(write(LeRobotWriter, image_format="mp4"))
    keep_encoded(sources, tmp_path / "cache")
    store, episode = find_or_build(sources, ImageSpec(size=8), tmp_path / "cache"), sources.sources[0].read(0)
    frame = episode.images["wrist"][2]
    np.testing.assert_array_equal(store.images["wrist"][2:3][0], decode_image(encode_image(frame, "jpeg"), "here"))


def test_pixels_come_first_where_both_are(write, tmp_path):
    sources = opened(write(LeRobotWriter))
    keep_encoded(sources, tmp_path / "cache")
    build_store(sources, IMAGE, tmp_path / "cache")
    assert isinstance(find_or_build(sources, IMAGE, tmp_path / "cache").images["wrist"], np.memmap)


def test_the_size_is_about_right_before_anything_is_written(write, tmp_path):
    sources = opened(write(LeRobotWriter))
    estimate = bytes_encoded(sources)
    keep_encoded(sources, tmp_path / "cache")
    written = sum(file.stat().st_size for file in (tmp_path / "cache").glob("*/*.npy"))
    assert estimate == pytest.approx(written, rel=0.1)


def test_a_killed_process_is_gone_on_from(write, tmp_path, monkeypatch):
    path, cache = write(LeRobotWriter), tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(cache)], check=False)
    assert done.returncode == -signal.SIGKILL
    sources = open_sources([LeRobotConfig(path=path, skip_bad=True)])
    seen, read = [], LeRobotDataset.read
    monkeypatch.setattr(LeRobotDataset, "read", lambda self, index, *a: (seen.append(index), read(self, index, *a))[1])
    keep_encoded(sources, cache)
    assert seen == [4, 5, 6]
    whole, plain = find_or_build(sources, IMAGE, cache), build_store(sources, IMAGE)
    for camera in CAMERAS:
        np.testing.assert_array_equal(whole.images[camera][:], plain.images[camera])


def test_damage_is_found_while_it_is_made_and_what_is_left_out_has_no_file(write, tmp_path, monkeypatch):
    path = write(LeRobotWriter)
    read = LeRobotDataset.read

    def broken(self, index, cameras=None):
        if index == 2:
            raise CorruptData("episode 2 is broken")
        return read(self, index, cameras)

    monkeypatch.setattr(LeRobotDataset, "read", broken)
    with pytest.raises(CorruptData, match="episode 2 is broken"):
        keep_encoded(opened(path), tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*"))
    sources = opened(path, skip_bad=True)
    keep_encoded(sources, tmp_path / "cache")
    store, plain = find_or_build(sources, IMAGE, tmp_path / "cache"), build_store(sources, IMAGE)
    assert [(one.episode, one.reason) for one in store.skipped] == [(2, "episode 2 is broken")]
    np.testing.assert_array_equal(store.images["wrist"][:], plain.images["wrist"])


def test_a_flipped_byte_is_noticed(write, tmp_path):
    sources = opened(write(LeRobotWriter))
    keep_encoded(sources, tmp_path / "cache")
    (file,) = (tmp_path / "cache").glob("*/images.static.npy")
    content = bytearray(file.read_bytes())
    content[700] ^= 1
    file.write_bytes(content)
    with pytest.raises(CorruptData, match=r"images\.static\.npy is missing or damaged. Delete"):
        find_or_build(sources, IMAGE, tmp_path / "cache")


def test_a_camera_that_an_embodiment_does_not_have_is_black(tmp_path, action_spec, observation_spec, make_episode):
    one = observation_spec.model_copy(update={"cameras": observation_spec.cameras[:1]})
    for name, spec in (("two", observation_spec), ("one", one)):
        with LeRobotWriter(tmp_path / name, action_spec, spec) as made:
            episode = make_episode(1)
            made.add(replace(episode, images={name: episode.images[name] for name in spec.camera_names}))
    configs = [LeRobotConfig(path=tmp_path / name, embodiment=name) for name in ("two", "one")]
    sources = open_sources(configs)
    keep_encoded(sources, tmp_path / "cache")
    store = find_or_build(sources, IMAGE, tmp_path / "cache")
    assert store.images["wrist"][:6].any()
    assert not store.images["wrist"][6:].any()
    assert store.images["static"][6:].any()


def test_colours_that_are_stored_swapped_are_encoded_anew(write):
    sources = opened(write(RLDSWriter), RLDSConfig, bgr_cameras=("wrist",))
    source = sources.sources[0]
    assert source.image_files(0, CAMERAS).keys() == {"static"}
    files = files_of(source, 0, episode := source.read(0))
    frame = episode.images["wrist"][0]
    np.testing.assert_array_equal(
        decode_image(files["wrist"][0], "here"), decode_image(encode_image(frame, "jpeg"), "")
    )
