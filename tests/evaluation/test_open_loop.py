"""Open-loop error: the blind guesses against numbers worked out by hand, and real robot data end to end."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from robovlms.actions.statistics import ActionStatistics
from robovlms.architectures.film_cnn import FilmCNNConfig
from robovlms.architectures.model import CNNConfig
from robovlms.cli.training import train_and_measure
from robovlms.data.sources import RLDSConfig
from robovlms.data.store.build import build_store, open_sources
from robovlms.evaluation.open_loop import open_loop
from robovlms.heads.mlp import MLPConfig
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.training.experiment import Experiment, TrainingConfig

SHARED = Path(os.environ.get("ROBOVLMS_SHARED", Path(__file__).parents[3] / "shared"))
BRIDGE = SHARED / "data" / "bridge_sample"
pytestmark = pytest.mark.skipif(not BRIDGE.is_dir(), reason="needs the shared bridge_sample (set ROBOVLMS_SHARED)")

MODEL = CNNConfig(
    architecture=FilmCNNConfig(chunk=2, channels=(8, 8, 8), width=16, text_width=8), head=MLPConfig(hidden=16)
)


def test_blind_guesses_are_what_they_say():
    store = build_store(open_sources((RLDSConfig(path=BRIDGE, embodiment="bridge", holdout=0.3),)))
    statistics = ActionStatistics.of(store.actions[store.frames_of(store.training_episodes)])
    manifest = VLAManifest(model=MODEL, action_spec=store.action_spec, observation_spec=store.observation_spec)
    vla = VLA.create(manifest, {"bridge": statistics})
    entries = {entry.name: entry for entry in open_loop(vla, store)}

    normalizer = vla.normalizer()
    mean = normalizer.normalize(store.actions[store.frames_of(store.training_episodes)]).mean(axis=0)
    by_hand = {"mean": [], "repeat_last": []}
    for episode in store.heldout_episodes:
        rows = store.frames_of([int(episode)])
        actions = normalizer.normalize(store.actions[rows])
        by_hand["mean"].append(np.abs(actions - mean).mean())
        last = np.vstack([mean[None], actions[:-1]])
        by_hand["repeat_last"].append(np.abs(actions - last).mean())
    for name, errors in by_hand.items():
        assert entries[name].value == pytest.approx(np.mean(errors), abs=1e-5)
        assert entries[name].ci95[0] < entries[name].value < entries[name].ci95[1]
    assert entries["model"].n == len(store.heldout_episodes)


def test_real_robot_data_trains_and_is_measured(tmp_path):
    experiment = Experiment(
        name="bridge",
        model=MODEL,
        data=(RLDSConfig(path=BRIDGE, holdout=0.3),),
        training=TrainingConfig(batch_size=16, steps=4, validate_every=2, log_every=1),
    )
    checkpoint = train_and_measure(experiment, tmp_path / "run", resume=False)
    metrics = json.loads((tmp_path / "run" / "open_loop.json").read_text())["metrics"]
    assert [metric["name"] for metric in metrics] == ["model", "mean", "repeat_last"]
    assert VLA.from_pretrained(checkpoint).manifest.observation_spec.camera_names == ("image_0",)
