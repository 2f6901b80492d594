"""Evaluating a policy by name: a checkpoint, a run, a hub id, or a baseline."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from robovlms.cli.tabletop_demos import available_cores
from robovlms.core.config import digest_of, validate
from robovlms.evaluation.benchmarks import Options, open_benchmark
from robovlms.evaluation.evaluate import WHOLE, run
from robovlms.evaluation.results import Checkpoint, Results
from robovlms.evaluation.shards import Shard
from robovlms.evaluation.stopping import Rival
from robovlms.evaluation.workers import REPLY_TIMEOUT_S
from robovlms.launchers.find import find_launcher
from robovlms.policies.checkpoint_files import digest, locate
from robovlms.policies.scripted import SCRIPTS, scripted_baseline
from robovlms.policies.vla import VLA


def score(
    checkpoint: str,
    out: Path,
    benchmark: str,
    asked: Mapping[str, Any],
    *,
    workers: int = 0,
    video: int = 0,
    resume: bool = False,
    device: str = "auto",
    embodiment: str | None = None,
    rival: Rival | None = None,
    launcher: str = "local",
    reply_timeout_s: float = REPLY_TIMEOUT_S,
    shard: Shard = WHOLE,
) -> Results:
    """Evaluate on a benchmark and keep the policy's provenance beside the results; ``asked`` are its ``Options``."""
    launch = find_launcher(launcher, reply_timeout_s)  # refuses here, before anything is trained or written
    kind, _, name = checkpoint.partition(":")
    if kind == "baseline" and name not in SCRIPTS:
        from robovlms.cli.baselines import require_trainable, trained

        require_trainable(name, benchmark)
        open_benchmark(benchmark, _options(asked, {}))  # refuses what cannot be played before anything is trained
        checkpoint = str(trained(name, out, benchmark, asked, resume))
    torch.set_num_threads(1)  # worlds need the other cores, and one thread gives one answer
    vla = None if checkpoint.startswith("baseline:") else VLA.from_pretrained(checkpoint).for_acting(device)
    options = _options(asked, {} if vla is None else vla.provenance)
    opened = open_benchmark(benchmark, options)
    if vla is None:
        policy, known = scripted_baseline(name, opened.action_spec), digest_of(checkpoint)
    else:
        policy = vla.policy(options.executor, embodiment, opened.protocol.batch)
        known = digest(checkpoint) if embodiment is None else digest_of(f"{digest(checkpoint)} {embodiment}")
    results = run(
        policy,
        opened,
        checkpoint=Checkpoint(checkpoint, known),
        out=out,
        workers=workers or available_cores(),
        video=video,
        resume=resume,
        shard=shard,
        rival=rival,
        launch=launch,
    )
    _keep_provenance(checkpoint, out)
    return results


def _options(asked: Mapping[str, Any], provenance: Mapping[str, Any]) -> Options:
    """What was asked for; the executor and the tasks of the policy's training where nothing was."""
    trained = {
        "executor": provenance.get("experiment", {}).get("executor"),
        "trained_on": provenance.get("data", {}).get("tasks"),
    }
    told = trained | {name: value for name, value in asked.items() if value is not None}
    return validate(Options, {name: value for name, value in told.items() if value is not None})


def _keep_provenance(checkpoint: str, out: Path) -> None:
    """Copy what says how the policy was made, so that the folder makes a whole report by itself."""
    if checkpoint.startswith("baseline:") or not Path(checkpoint).exists():
        return
    directory = locate(checkpoint)
    for source in (directory / "experiment.json", directory.parent.parent / "training" / "metrics.jsonl"):
        if source.is_file():
            target = out / ("training/metrics.jsonl" if source.suffix == ".jsonl" else source.name)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)
