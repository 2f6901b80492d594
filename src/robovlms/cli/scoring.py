"""Evaluating a policy by name: a checkpoint, a run, a hub id, or a baseline."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from robovlms.cli.tabletop_demos import available_cores
from robovlms.core.config import digest_of
from robovlms.core.protocols import Policy
from robovlms.evaluation.evaluate import WHOLE, run
from robovlms.evaluation.results import Checkpoint, Results
from robovlms.evaluation.shards import Shard
from robovlms.evaluation.tabletop import tabletop_benchmark, tabletop_protocol
from robovlms.evaluation.workers import REPLY_TIMEOUT_S
from robovlms.policies.checkpoint_files import digest, locate
from robovlms.policies.scripted import SCRIPTS, scripted_baseline
from robovlms.policies.vla import VLA
from robovlms.worlds.tabletop.conventions import ACTION_SPEC

BATCH = 16


def score(
    checkpoint: str,
    out: Path,
    tasks: str | Sequence[str] | None,
    executor: str | None,
    settings: Mapping[str, Any],
    *,
    workers: int = 0,
    video: int = 0,
    resume: bool = False,
    device: str = "auto",
    embodiment: str | None = None,
    shard: Shard = WHOLE,
    reply_timeout_s: float = REPLY_TIMEOUT_S,
) -> Results:
    """Evaluate on the tabletop and keep the policy's provenance beside the results."""
    kind, _, name = checkpoint.partition(":")
    if kind == "baseline" and name not in SCRIPTS:
        from robovlms.cli.baselines import trained

        checkpoint = str(trained(name, out, tasks, resume))
    torch.set_num_threads(1)  # worlds need the other cores, and one thread gives one answer
    policy, origin, provenance = _policy(checkpoint, executor, device, embodiment)
    trained = provenance.get("data", {}).get("tasks")
    chosen = executor or provenance.get("experiment", {}).get("executor", "first")
    protocol = tabletop_protocol(tasks=trained if tasks is None else tasks, executor=chosen, batch=BATCH, **settings)
    results = run(
        policy,
        tabletop_benchmark(protocol),
        checkpoint=origin,
        out=out,
        workers=workers or available_cores(),
        video=video,
        resume=resume,
        shard=shard,
        reply_timeout_s=reply_timeout_s,
    )
    _keep_provenance(checkpoint, out)
    return results


def _policy(
    name: str, executor: str | None, device: str, embodiment: str | None
) -> tuple[Policy, Checkpoint, dict[str, Any]]:
    if name.startswith("baseline:"):
        return scripted_baseline(name.removeprefix("baseline:"), ACTION_SPEC), Checkpoint(name, digest_of(name)), {}
    vla = VLA.from_pretrained(name).for_acting(device)
    chosen = executor or vla.provenance.get("experiment", {}).get("executor", "first")
    policy = vla.policy(chosen, embodiment, BATCH)
    known = digest(name) if embodiment is None else digest_of(f"{digest(name)} {embodiment}")
    return policy, Checkpoint(name, known), vla.provenance


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
