"""The tabletop benchmark: CALVIN's protocol on the embedded world, chains of five in scenes A to D."""

import json
from collections.abc import Sequence
from typing import Any

from robovlms.core.config import digest_of, validate
from robovlms.core.errors import UserError
from robovlms.core.protocols import SIMPLE
from robovlms.evaluation.benchmarks import Options
from robovlms.evaluation.episode import Job, WorldFactory
from robovlms.evaluation.evaluate import Benchmark
from robovlms.evaluation.protocol import Protocol
from robovlms.worlds.tabletop.chains import CHAIN_LENGTH, MAX_STEPS, NUM_CHAINS, Chain, chains
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, WORLD_VERSION, observation_spec
from robovlms.worlds.tabletop.scenes import scene_spec
from robovlms.worlds.tabletop.settings import setting_of
from robovlms.worlds.tabletop.tasks import TASKS, task_set

NAME = "tabletop"


def open_tabletop(options: Options) -> Benchmark:
    """What ``robovlms evaluate --benchmark tabletop`` plays: scene D, and the tasks trained on, unless told.

    Raises:
        UserError: It has no such scene, setting or task, or another interpreter was named.
    """
    if (python := options.world_python) is not None:
        raise UserError(f"Got --world-python {python}: the tabletop runs in this interpreter. Leave it out.")
    told: dict[str, Any] = {
        "scene": options.scene,
        "setting": options.setting,
        "num_chains": options.episodes,
        "image_size": options.image_size,
    }
    protocol = tabletop_protocol(
        tasks=options.trained_among(TASKS) if options.tasks is None else options.tasks,
        executor=options.executor,
        batch=options.batch,
        seed=options.seed,
        **{name: value for name, value in told.items() if value is not None},
    )
    return tabletop_benchmark(protocol)


def tabletop_protocol(
    *,
    scene: str = "D",
    tasks: str | Sequence[str] | None = None,
    num_chains: int = NUM_CHAINS,
    executor: str = "first",
    image_size: int = 64,
    setting: str = SIMPLE,
    instruction_split: str | None = None,
    batch: int = 16,
    seed: int = 0,
) -> Protocol:
    """The protocol of the first ``num_chains`` chains over ``tasks`` (names or the name of a set; default all 34).

    Every ``setting`` has the same chains. It says which sentences name the tasks, unless ``instruction_split`` does.

    Raises:
        UserError: An unknown scene, setting, task, split or executor, or a number out of range.
    """
    names = TASKS if tasks is None else task_set(tasks)
    settings = {
        "benchmark": NAME,
        "world_version": WORLD_VERSION,
        "scene": scene_spec(scene).name,
        "tasks": names,
        "num_chains": num_chains,
        "chain_length": CHAIN_LENGTH,
        "chain_digest": _digest(chains(num_chains, names)),
        "max_steps": MAX_STEPS,
        "instruction_split": instruction_split or setting_of(setting).instruction_split,
        "setting": setting,
        "image_size": image_size,
        "batch": batch,
        "executor": executor,
        "seed": seed,
    }
    return validate(Protocol, settings)


def tabletop_benchmark(protocol: Protocol) -> Benchmark:
    """The chains a protocol names, and their worlds.

    Raises:
        UserError: This version of the world or of its chains is not the protocol's.
    """
    found = chains(protocol.num_chains, protocol.tasks)
    for name, wanted, now in (
        ("chains", protocol.chain_digest, _digest(found)),
        ("version", protocol.world_version, WORLD_VERSION),
    ):
        if wanted != now:
            raise UserError(
                f"The protocol's tabletop has {name} {wanted}, this one has {name} {now}. "
                "Build the protocol again; its results do not compare with the old ones."
            )
    jobs = tuple(Job(chain.id, chain.initial_state, chain.seed, chain.tasks) for chain in found)
    settings = {"scene": protocol.scene, "image_size": protocol.image_size, "setting": protocol.setting}
    worlds = WorldFactory("robovlms.worlds.tabletop:Tabletop", settings)
    return Benchmark(protocol, jobs, worlds, ACTION_SPEC, observation_spec(protocol.image_size))


def _digest(found: Sequence[Chain]) -> str:
    return digest_of(json.dumps([chain.to_dict() for chain in found], sort_keys=True))
