"""Open-loop error on held-out demonstrations: how far the next action is from what the demonstrator did.

A weak measure (it says nothing of closed-loop success), but the only one for recorded real data. It means something
only beside two policies that look at nothing: the mean training action, and the last action again.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from robovlms.core.config import Config
from robovlms.core.files import write_json
from robovlms.data.loader import Loader
from robovlms.data.store.frames import FrameStore
from robovlms.data.window import WindowConfig
from robovlms.policies.vla import VLA
from robovlms.statistics.intervals import bootstrap_mean

FILE = "open_loop.json"


class Entry(Config):
    """Mean absolute error of the next action over held-out episodes, in normalised units, with its 95 % interval."""

    name: str
    value: float
    ci95: tuple[float, float]
    n: int


def open_loop(vla: VLA, store: FrameStore) -> list[Entry]:
    """Errors of the model and of the two blind policies on the held-out episodes; empty when none are held out.

    Every frame counts but each episode weighs the same; intervals come from resampling episodes. The gripper counts
    as one more dimension, in {0, 1}.
    """
    if not len(store.heldout_episodes):
        return []
    normalizers = {name: vla.normalizer(name) for name in vla.statistics}
    table = store.episodes
    errors: dict[str, list[float]] = {"model": [], "mean": [], "repeat_last": []}
    means = {name: _training_mean(store, number, normalizers[name]) for number, name in enumerate(store.datasets)}
    for episode in store.heldout_episodes:
        name = store.datasets[table.dataset_ids[episode]]
        present = normalizers[name].present
        labels = normalizers[name].normalize(store.actions_of(name, store.frames_of([int(episode)])))
        mean = np.broadcast_to(means[name], labels.shape)
        guesses = {
            "model": _predict(vla, store, int(episode), normalizers),
            "mean": mean,
            "repeat_last": np.concatenate([mean[:1], labels[:-1]]),
        }
        for key, guess in guesses.items():
            errors[key].append(float(np.abs(guess - labels)[:, present].mean()))
    return [_entry(key, np.array(values)) for key, values in errors.items()]


def write_open_loop(vla: VLA, store: FrameStore, run: Path) -> list[Entry]:
    """Measure and keep as ``open_loop.json`` in a run folder, where a report finds it."""
    entries = open_loop(vla, store)
    if entries:
        write_json(run / FILE, {"metrics": [entry.model_dump(mode="json") for entry in entries]})
    return entries


@torch.inference_mode()
def _predict(vla: VLA, store: FrameStore, episode: int, normalizers: Mapping) -> Float[np.ndarray, "t a"]:
    """The first action of the chunk planned at every frame of an episode; a head that samples does so by its number."""
    settings = vla.manifest.model.architecture
    window = WindowConfig(history=settings.history, stride=settings.stride, chunk=settings.chunk)
    length = int(store.episodes.lengths[episode])
    batch = Loader(store, [episode], window, length, normalizers, shuffle=False).batch(0)
    network = vla.network.eval()
    noise = network.head.draw([np.random.default_rng(episode)] * length)
    noise = None if noise is None else noise.to(vla.device)
    return network.plan(batch.to(vla.device), noise=noise).actions[:, 0].cpu().numpy()


def _training_mean(store: FrameStore, dataset: int, normalizer) -> Float[np.ndarray, " a"]:
    episodes = store.training_episodes
    mine = episodes[store.episodes.dataset_ids[episodes] == dataset]
    return normalizer.normalize(store.actions_of(store.datasets[dataset], store.frames_of(mine))).mean(axis=0)


def _entry(name: str, errors: Float[np.ndarray, " e"]) -> Entry:
    estimate = bootstrap_mean(errors)
    return Entry(name=name, value=estimate.value, ci95=(estimate.low, estimate.high), n=estimate.n)
