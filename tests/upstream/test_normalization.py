"""Actions of RLDS data are normalised twice; expected numbers are what the published functions gave for these."""

import dataclasses
import json

import numpy as np
import pytest
from published import config, write

from robovlms.core.errors import UserError
from robovlms.data.oxe import BRIDGE
from robovlms.policies.vla import VLA
from robovlms.upstream.importing import import_checkpoint, read_policy

LOW, HIGH = [-0.03, -0.04, -0.02, -0.08, -0.1, -0.2, 0.0], [0.02, 0.05, 0.04, 0.08, 0.09, 0.21, 1.0]
RAW = [[0.03, -0.04, 0.01, 0.05, -0.2, 0.19, 1.0], [-0.01, 0.02, 0.0, -0.06, 0.03, -0.1, 0.0]]
LEARNED = [
    [1.0, -1.0, 0.0, 0.961538, -1.0, 1.0, 1.0],
    [-0.307693, 0.51282, -0.512821, -1.0, 0.566802, -0.787993, 0.0],
]
SAID = [[-1, -0.5, 0, 0.5, 0.9, 1.0, 1.0], [0.2, -0.2, 0.3, -0.3, 0.4, -0.4, 0.0]]
ACTED = [
    [-0.02125, -0.009625, 0.01, 0.026, 0.050575, 0.13825, 1],
    [-0.00175, -0.00085, 0.01585, -0.0156, 0.0197, -0.0483, 0],
]
RLDS = {"type": "OpenVLADataset", "data_mix": "bridge"}


@pytest.fixture
def statistics(tmp_path):
    """As the published files have them: of the arm and of the state."""
    zeros = [0.0] * 7
    action = {"mean": zeros, "std": [1.0] * 7, "min": [-1.0] * 7, "max": [1.0] * 7, "q01": LOW, "q99": HIGH}
    path = tmp_path / "dataset_statistics_bridge.json"
    path.write_text(json.dumps({"action": action, "proprio": {}, "num_transitions": 10, "num_trajectories": 1}))
    return path


def test_both_normalisations_are_done_and_undone(tmp_path, statistics):
    source = write(tmp_path / "theirs", config(train_dataset=RLDS, use_hand_rgb=False), statistics=statistics)
    vla = VLA.from_pretrained(import_checkpoint(source, tmp_path / "ours"))
    normalizer = vla.normalizer("bridge")
    assert normalizer.normalize(np.array(RAW)) == pytest.approx(np.array(LEARNED), abs=1e-6)
    assert normalizer.denormalize(np.array(SAID)) == pytest.approx(np.array(ACTED), abs=1e-6)
    assert vla.manifest.action_spec == BRIDGE.action_spec


def test_without_a_fixed_range_the_quantiles_clip(tmp_path, statistics):
    source = write(tmp_path, config(train_dataset=RLDS, norm_action=False), statistics=statistics)
    learned = read_policy(source).normalizer().normalize(np.array(RAW))
    assert learned[0, :3].tolist() == pytest.approx([1.0, -1.0, 0.0], abs=1e-6)
    assert learned[1, 0] == pytest.approx(-0.2, abs=1e-6)


def test_the_loader_of_rlds_data_gives_no_hand_camera(tmp_path, statistics):
    """The published configurations say ``use_hand_rgb``, and it means nothing there."""
    source = write(tmp_path, config(train_dataset=RLDS, use_hand_rgb=True), statistics=statistics)
    assert read_policy(source).manifest.observation_spec.camera_names == ("image_0",)


@pytest.mark.parametrize(
    ("dataset", "conventions", "given", "message"),
    [
        (RLDS, None, False, "with --statistics"),
        ({"type": "DiskCalvinDataset"}, None, True, "Leave --statistics out"),
        ({"type": "DiskCalvinDataset"}, "bridge", False, "sees a hand camera"),
        (RLDS | {"data_mix": "oxe_magic_soup"}, None, True, "Say with --conventions"),
    ],
)
def test_statistics_and_conventions_must_belong_to_the_data(tmp_path, statistics, dataset, conventions, given, message):
    source = write(tmp_path, config(train_dataset=dataset), conventions=conventions)
    with pytest.raises(UserError, match=message):
        read_policy(dataclasses.replace(source, statistics=statistics if given else None))


@pytest.mark.parametrize("content", ["", "{}", '{"action": {}, "num_transitions": 1}', '{"action": 3}', None])
def test_files_that_hold_no_statistics_are_refused(tmp_path, statistics, content):
    statistics.unlink() if content is None else statistics.write_text(content)
    with pytest.raises(UserError, match=r"dataset_statistics"):
        read_policy(write(tmp_path, config(train_dataset=RLDS), statistics=statistics))
