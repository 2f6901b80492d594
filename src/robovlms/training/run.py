"""From an experiment to a finished run folder: conventions, network, frames, statistics, then the loop.

```
RUN/
  experiment.json            the experiment, its digest, data, model size, library versions
  checkpoints/step_*         the newest two (see training.checkpoint)
  training/metrics.jsonl     one line a log or validation step
  cache/                     decoded frames, unless they are kept elsewhere; may be deleted when the run is over
  finished                   an empty file: the budget was used to the end
```
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from robovlms.architectures.model import image_spec
from robovlms.architectures.vlm import VLMArchitecture
from robovlms.core.errors import UserError
from robovlms.core.files import no_empty_folders, read_json, write_json
from robovlms.data.loader import Loader, normalized
from robovlms.data.stats import action_statistics, state_statistics
from robovlms.data.store.build import OpenedSources, open_sources
from robovlms.data.store.build_encoded import find_or_build
from robovlms.data.store.frames import FrameStore
from robovlms.data.window import WindowConfig, lay_out
from robovlms.policies.checkpoint_files import locate
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.training.cotrain import require_questions, with_questions
from robovlms.training.experiment import Experiment
from robovlms.training.loop import Task, fit
from robovlms.training.media import encode_frames, encoded_frames
from robovlms.training.processes import num_processes, share_cores, spawn
from robovlms.training.progress import encoding_line

EXPERIMENT = "experiment.json"
FINISHED = "finished"
CACHE = "cache"
MOST_CHUNKS = 20_000
"""Shown to a head that learns more of its data than parameters: enough for byte pairs."""
VERSIONS = ("robovlms", "torch", "transformers", "accelerate", "numpy")


def run(experiment: Experiment, out: Path, resume: bool = False, cache: Path | None = None) -> Path:
    """Train ``experiment`` in the run folder ``out``; returns the last checkpoint.

    ``cache`` is where decoded frames are kept, or are already; the run folder's own when None.

    Raises:
        UserError: ``out`` holds another run, the data is missing or damaged, the loss diverged, or the disk is full.
        KeyboardInterrupt: after saving.
    """
    opened = open_sources(experiment.data)
    experiment.normalization.require_known(*(source.action_spec for source in opened.sources))
    cache = cache or out / CACHE
    with no_empty_folders(cache, out):
        resuming = claim(out, experiment, resume)
        with released_on_error(out, keep=resume):
            vla, store = prepare(experiment, opened, cache)
            rehearse(experiment, vla, store)
    vla.provenance = describe(experiment, opened, store, vla)
    write_json(out / EXPERIMENT, vla.provenance)
    if experiment.encodes_first and encoded_frames(out / CACHE) is None:
        assert isinstance(vla.network, VLMArchitecture), "the experiment was validated"
        with encoding_line() as on_frames:  # this process alone: the training processes are not there yet
            encode_frames(vla.network, store, out / CACHE, on_frames)
    processes = num_processes(experiment.training.processes)
    if processes > 1:
        spawn(_train_share, (experiment, out, resuming, cache), processes)
    else:
        share_cores(1)
        fit(make_task(experiment, out, resuming, vla, store))
    (out / FINISHED).touch()
    return locate(out)


def claim(out: Path, experiment: Experiment, resume: bool) -> bool:
    """Take the folder for this experiment; returns whether there is a checkpoint to go on from.

    Raises:
        UserError: it holds another run, this one without ``resume``, or something else.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"Output {out} is a file, expected a folder.")
    known = out / EXPERIMENT
    if not known.is_file():
        held = sorted({path.name for path in out.iterdir()} - {CACHE}) if out.is_dir() else []
        if held:
            raise UserError(f"Output {out} already holds {', '.join(held[:5])}, and no run. Choose another --out.")
        write_json(known, {"digest": experiment.digest(), "experiment": experiment.model_dump(mode="json")})
        return False
    found = read_json(known, remedy="Choose another --out.").get("digest")
    if not resume:
        raise UserError(f"{out} already holds a run ({found}). Add --resume to go on with it, or choose another --out.")
    if found != experiment.digest():
        raise UserError(
            f"{out} holds another experiment: digest {found}, now {experiment.digest()}. "
            "Resume with the same recipe, data and settings, or choose another --out."
        )
    return any((out / "checkpoints").glob("step_*"))


@contextmanager
def released_on_error(out: Path, keep: bool) -> Generator[None]:
    """Give a folder back that was just claimed when bad input ends the run before it begins; frames stay cached."""
    try:
        yield
    except UserError:
        if not keep:
            (out / EXPERIMENT).unlink(missing_ok=True)
        raise


def prepare(experiment: Experiment, opened: OpenedSources, cache: Path) -> tuple[VLA, FrameStore]:
    """A new policy for this data, and the data's frames, kept in ``cache``, at the size the policy wants."""
    torch.manual_seed(experiment.training.seed)
    network = experiment.model.build(opened.action_spec, opened.observation_spec)
    pixels = image_spec(network, opened.observation_spec)
    store = find_or_build(opened, pixels, cache)
    windows(experiment).require_fit(store.episodes.lengths[store.training_episodes])
    network.require_readable(store.instructions)
    require_questions(experiment, network)
    state = state_statistics(store)
    if state is not None and network.state is not None:
        network.state.standardise(torch.tensor(state.mean), torch.tensor(state.std))
    manifest = VLAManifest(
        model=experiment.model,
        action_spec=store.action_spec,
        observation_spec=store.observation_spec,
        normalization=experiment.normalization,
        embodiments=store.embodiments,
    )
    vla = VLA(manifest, network, action_statistics(store))
    fit_head(vla, store)
    return vla, store


@torch.no_grad()
def rehearse(experiment: Experiment, vla: VLA, store: FrameStore) -> None:
    """Think about one window as it will be when acting, to learn of a prompt that no VLM has room for before training.

    Raises:
        UserError: The VLM has fewer positions than the prompt has tokens.
    """
    normalizers = {name: vla.normalizer(name) for name in vla.statistics}
    vla.network.eval()
    vla.loss(Loader(store, store.training_episodes, windows(experiment), 1, normalizers).batch(0))


def fit_head(vla: VLA, store: FrameStore) -> None:
    """Show the head the chunks it will learn, or an even choice of them, normalised."""
    config, rows = WindowConfig(chunk=vla.network.head.chunk), store.frames_of(store.training_episodes)
    ends = rows[:: -(-len(rows) // MOST_CHUNKS)]
    episodes = np.searchsorted(store.episodes.starts, ends, side="right") - 1
    shown = lay_out(config, ends, store.episodes.starts[episodes], store.episodes.ends[episodes])
    normalizers = {name: vla.normalizer(name) for name in vla.statistics}
    chunks = normalized(store, normalizers)[shown.actions[:, 0]]
    vla.network.head.fit(torch.from_numpy(chunks), torch.from_numpy(shown.action_mask[:, 0]))


def windows(experiment: Experiment) -> WindowConfig:
    """The windows a policy learns from; they tile an episode."""
    settings = experiment.model.architecture
    return WindowConfig(history=settings.history, stride=settings.stride, chunk=settings.chunk, step=settings.history)


def make_task(experiment: Experiment, out: Path, resuming: bool, vla: VLA, store: FrameStore) -> Task:
    """What the loop of one process works on."""
    config, window = experiment.training, windows(experiment)
    normalizers = {name: vla.normalizer(name) for name in vla.statistics}
    media = encoded_frames(out / CACHE) if experiment.encodes_first else None
    rows = store.training_episodes
    loader = Loader(
        store,
        rows,
        window,
        config.batch_size,
        normalizers,
        config.seed,
        config.augment,
        media=media,
        weights=experiment.weights,
    )
    held_out = []
    if len(store.heldout_episodes) and config.validation_batches:
        fixed = Loader(store, store.heldout_episodes, window, config.batch_size, normalizers, media=media)
        held_out = [fixed.batch(i) for i in range(min(config.validation_batches, fixed.batches_per_epoch))]
    resume = locate(out) if resuming else None
    if resume:
        vla = VLA.from_pretrained(resume)
    return Task(
        vla, with_questions(experiment, loader, vla).stream, tuple(held_out), config, out, resume, experiment.asks
    )


def describe(experiment: Experiment, opened: OpenedSources, store: FrameStore, vla: VLA) -> dict[str, Any]:
    """What a report or a successor must know to repeat the run."""
    parameters = list(vla.network.parameters())
    data = [
        {"path": str(config.path), "embodiment": config.name, "episodes": len(source), "digest": source.fingerprint()}
        for config, source in opened
    ]
    asked = experiment.vl_data.open() if experiment.vl_data is not None and experiment.asks else None
    return {
        "digest": experiment.digest(),
        "name": experiment.name,
        "seed": experiment.training.seed,
        "model": {
            "kind": experiment.model.kind,
            "parameters": sum(p.numel() for p in parameters),
            "trainable": sum(p.numel() for p in parameters if p.requires_grad),
        },
        "data": {
            "sources": data,
            "questions": {"number": len(asked), "digest": asked.fingerprint()} if asked else None,
            "frames": len(store),
            "encoded": store.encoded,
            "skipped": [asdict(one) for one in store.skipped],
            "tasks": list(store.tasks),
            "held_out": len(store.heldout_episodes),
        },
        "versions": {name: version(name) for name in VERSIONS},
        "experiment": experiment.model_dump(mode="json"),
    }


def _train_share(experiment: Experiment, out: Path, resuming: bool, cache: Path) -> None:
    """One of several processes: the frames come from the cache that the first one made."""
    vla, store = prepare(experiment, open_sources(experiment.data), cache)
    vla.provenance = read_json(out / EXPERIMENT)
    fit(make_task(experiment, out, resuming, vla, store))
