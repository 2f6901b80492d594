"""The tabletop benchmark: CALVIN's protocol on the embedded world, chains of five in scenes A to D."""

import json
from collections.abc import Sequence
from pathlib import Path

from robovlms.core.config import digest_of, validate
from robovlms.core.errors import UserError
from robovlms.core.protocols import Policy
from robovlms.evaluation.episode import Job, WorldFactory
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint, Results
from robovlms.worlds.tabletop.chains import CHAIN_LENGTH, MAX_STEPS, NUM_CHAINS, Chain, chains
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, observation_spec
from robovlms.worlds.tabletop.scenes import scene_spec
from robovlms.worlds.tabletop.tasks import TASKS, task_set

NAME = "tabletop"


def tabletop_protocol(
    *,
    scene: str = "D",
    tasks: str | Sequence[str] | None = None,
    num_chains: int = NUM_CHAINS,
    executor: str = "first",
    image_size: int = 64,
    instruction_split: str = "validation",
    batch: int = 16,
    seed: int = 0,
) -> Protocol:
    """The protocol of the first ``num_chains`` chains over ``tasks`` (names or the name of a set; default all 34).

    Raises:
        UserError: An unknown scene, task, split or executor, or a number out of range.
    """
    names = TASKS if tasks is None else task_set(tasks)
    settings = {
        "benchmark": NAME,
        "scene": scene_spec(scene).name,
        "tasks": names,
        "num_chains": num_chains,
        "chain_length": CHAIN_LENGTH,
        "chain_digest": _digest(chains(num_chains, names)),
        "max_steps": MAX_STEPS,
        "instruction_split": instruction_split,
        "image_size": image_size,
        "batch": batch,
        "executor": executor,
        "seed": seed,
    }
    return validate(Protocol, settings)


def tabletop_jobs(protocol: Protocol) -> list[Job]:
    """The chains a protocol names; raises ``UserError`` when this version of the generator makes other ones."""
    found = chains(protocol.num_chains, protocol.tasks)
    if _digest(found) != protocol.chain_digest:
        raise UserError(
            f"The protocol names chains {protocol.chain_digest}, but these tasks now give {_digest(found)}. "
            "Build the protocol again; its results do not compare with the old ones."
        )
    return [Job(chain.id, chain.initial_state, chain.seed, chain.tasks) for chain in found]


def tabletop_worlds(protocol: Protocol) -> WorldFactory:
    """Builds the worlds of a protocol."""
    return WorldFactory(
        "robovlms.worlds.tabletop:Tabletop", {"scene": protocol.scene, "image_size": protocol.image_size}
    )


def evaluate(
    policy: Policy,
    protocol: Protocol,
    *,
    checkpoint: Checkpoint,
    out: Path,
    workers: int = 1,
    video: int = 0,
    resume: bool = False,
) -> Results:
    """Score a policy on the tabletop; see ``evaluate.run`` for the arguments.

    A policy's conventions are compared with the world's before anything is written (``bind``, where it has one).

    Raises:
        SpecMismatch: The policy means something else by its actions or observations.
        UserError: Bad input, or ``out`` holds something else.
        WorkFailed: No episode could be played.
    """
    bind = getattr(policy, "bind", None)
    if bind is not None:
        bind(ACTION_SPEC, observation_spec(protocol.image_size))
    jobs, factory = tabletop_jobs(protocol), tabletop_worlds(protocol)
    return run(
        policy, protocol, jobs, factory, checkpoint=checkpoint, out=out, workers=workers, video=video, resume=resume
    )


def _digest(found: Sequence[Chain]) -> str:
    return digest_of(json.dumps([chain.to_dict() for chain in found], sort_keys=True))
