"""Training a policy and measuring it on held-out demonstrations."""

import shutil
from pathlib import Path

from rich.console import Console

from robovlms.cli.skipped import tell_skipped
from robovlms.data.store.build import open_sources
from robovlms.data.store.build_encoded import find_or_build
from robovlms.evaluation.open_loop import write_open_loop
from robovlms.policies.vla import VLA
from robovlms.training.experiment import Experiment
from robovlms.training.run import CACHE, run


def train_and_measure(experiment: Experiment, out: Path, resume: bool, cache: Path | None = None) -> Path:
    """Train in the run folder ``out``, then write its held-out open-loop error; returns the checkpoint.

    Frames that are kept in a ``cache`` of their own stay there; else they go when the run is over.
    """
    checkpoint = run(experiment, out, resume, cache)
    vla = VLA.from_pretrained(checkpoint).for_acting()
    store = find_or_build(open_sources(experiment.data), vla.image_spec, cache or out / CACHE)
    write_open_loop(vla, store, out)
    tell_skipped(store.skipped, Console(stderr=True, highlight=False))
    shutil.rmtree(out / CACHE, ignore_errors=True)
    return checkpoint
