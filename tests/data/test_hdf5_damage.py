"""HDF5 files whose arrays are of another kind, or elsewhere: named, and left out where ``skip_bad`` says so."""

import json

import h5py
import numpy as np
import pytest
from hdf5_files import write_act, write_demos

from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UserError
from robovlms.data.sources import HDF5Config
from robovlms.data.store.build import build_store, open_sources


@pytest.fixture
def path(tmp_path):
    return write_demos(tmp_path / "a_demo.hdf5")


def put(path, name, values, demo="data/demo_1"):
    with h5py.File(path, "r+") as file:
        del file[f"{demo}/{name}"]
        if values is not None:
            file[f"{demo}/{name}"] = values


def config(path, **settings):
    return validate(HDF5Config, {"path": path, **settings})


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("actions", np.array([["a"] * 7] * 7, "S1"), "expected numbers"),
        ("actions", np.zeros((7, 7), [("a", "f4")]), "expected numbers"),
        ("actions", np.zeros((7, 7), complex), "got complex128 in '/data/demo_1/actions', expected numbers"),
        ("obs/ee_ori", 3.0, "'obs/ee_ori' has 0 rows, but there are 7 actions"),
        ("obs/agentview_rgb", 3, "'obs/agentview_rgb' has 0 rows"),
        ("obs/agentview_rgb", np.zeros((7, 16, 24, 3)), r"got float64 images of \(16, 24, 3\), expected uint8"),
        ("obs/agentview_rgb", np.zeros((7, 16, 24, 4), np.uint8), r"got uint8 images of \(16, 24, 4\), expected"),
    ],
)
def test_arrays_of_another_kind(path, name, values, message):
    put(path, name, values)
    with pytest.raises(CorruptData, match=rf"a_demo.hdf5, data/demo_1.*{message}"):
        config(path).open().read(1)


@pytest.mark.parametrize("name", ["obs/agentview_rgb", "obs/ee_ori"])
def test_an_episode_without_an_array_is_left_out(path, name):
    put(path, name, None)
    store = build_store(open_sources([config(path, skip_bad=True)]))
    assert len(store.episodes) == 1
    assert f"data/demo_1: '{name}'" in store.skipped[0].reason


@pytest.mark.parametrize("stated", ["many", [7, 7]])
def test_a_count_that_is_none(path, stated):
    with h5py.File(path, "r+") as file:
        file["data/demo_1"].attrs["num_samples"] = stated
    with pytest.raises(CorruptData, match="data/demo_1: got 7 actions, but num_samples is"):
        config(path).open()


@pytest.mark.parametrize("words", [5, [1, 2]])
def test_an_instruction_that_is_no_text(path, words):
    with h5py.File(path, "r+") as file:
        file["data"].attrs["problem_info"] = json.dumps({"language_instruction": words})
    with pytest.raises(CorruptData, match=r"a_demo.hdf5.*'problem_info': got .* expected a text"):
        config(path).open()


def test_what_is_in_another_file_is_refused(path, tmp_path):
    other = write_demos(tmp_path / "other" / "secret_demo.hdf5")
    layout = h5py.VirtualLayout((7, 7), "f8")
    layout[:] = h5py.VirtualSource(other, "data/demo_1/actions", (7, 7))
    with h5py.File(path, "r+") as file:
        del file["data/demo_1/actions"]
        file["data/demo_1"].create_virtual_dataset("actions", layout)
    with pytest.raises(CorruptData, match=r"'actions' leads out of the file, to .*secret_demo.hdf5"):
        config(path).open()
    with h5py.File(path, "r+") as file:
        del file["data/demo_1"]
        file["data/demo_1"] = h5py.ExternalLink(other, "/data/demo_1")
    with pytest.raises(CorruptData, match=r"'data/demo_1' leads out of the file"):
        config(path).open()


def test_a_list_of_episodes_where_a_file_is_one(tmp_path):
    write_act(tmp_path / "act.hdf5")
    with pytest.raises(UserError, match="got mask 'train', but in this layout a file is one episode"):
        config(tmp_path, layout={"kind": "act"}, convention="aloha", instruction="x", mask="train").open()


def test_names_that_are_not_utf8(path):
    with h5py.File(path, "r+") as file:
        file.create_group(b"data/demo_\xff")
    with pytest.raises(CorruptData, match=r"a_demo.hdf5, a name in 'data': the text is not UTF-8"):
        config(path).open()
    with h5py.File(path, "r+") as file:
        del file[b"data/demo_\xff"]
        file.create_group(b"data/demo_1/obs/\xff")
        file[b"data/demo_1/\xfe"] = [1]
        del file["data/demo_1/actions"]
        file[b"data/demo_0/obs/\xff"] = np.zeros((5, 2))
    with pytest.raises(CorruptData, match=r"array in .*a_demo.hdf5, data/demo_1: 'actions'"):
        config(path).open()
    with h5py.File(path, "r+") as file:
        file["data/demo_1/actions"] = np.zeros((7, 7))
    with pytest.raises(CorruptData, match=r"a name in '/data/demo_0/obs': the text is not UTF-8"):
        config(path).open()
