"""CALVIN's benchmark in the user's clones: the 1,000 official chains of five tasks, 360 steps for each, in scene D.

The published splits say what a policy was trained on, not what is played: ABCD->D and ABC->D are both scene D.
"""

import sys

from robovlms.actions.calvin import RELATIVE_ACTIONS
from robovlms.core.config import digest_of, validate
from robovlms.core.errors import UnknownName, UserError
from robovlms.evaluation.benchmarks import Options, elsewhere
from robovlms.evaluation.episode import Job, WorldFactory
from robovlms.evaluation.evaluate import Benchmark
from robovlms.evaluation.protocol import Protocol
from robovlms.worlds.calvin.chains import CHAIN_LENGTH, MAX_STEPS, NUM_CHAINS, chains
from robovlms.worlds.calvin.clones import TASKS as TASK_RULES
from robovlms.worlds.calvin.clones import Clones, find_clones
from robovlms.worlds.calvin.env import OBSERVATIONS
from robovlms.worlds.calvin.sentences import read_sentences
from robovlms.worlds.calvin.simulator import SCENES, require_packages
from robovlms.worlds.calvin.starts import start_of
from robovlms.worlds.calvin.symbolic import TASKS
from robovlms.worlds.remote.process import remedy
from robovlms.worlds.remote.world import ask

NAME = "calvin"
IMAGE_SIZE = OBSERVATIONS.cameras[0].height
BATCH = 4
"""Each episode at play has a simulator of its own, of 300 to 600 MB, and two batches take turns."""

RENDERERS = {scene + ending: (scene, name) for scene in SCENES for ending, name in (("", "egl"), (":tiny", "tiny"))}
"""What ``scene`` may be: a letter, as the benchmark renders it, or with pybullet's renderer in software."""


def open_calvin(options: Options) -> Benchmark:
    """What ``robovlms evaluate --benchmark calvin`` plays: all chains in scene D, unless told.

    Raises:
        MissingExtra: pybullet or another package is not installed.
        UserError: A clone is missing or too old, or something was asked for that the protocol fixes.
    """
    if options.tasks not in (None, "all"):
        raise UserError(f"CALVIN's chains are of all {len(TASKS)} tasks: got --tasks {options.tasks}. Leave it out.")
    if options.image_size not in (None, IMAGE_SIZE):
        raise UserError(
            f"CALVIN's cameras have 200 and 84 pixels: got --image-size {options.image_size}. Leave it out."
        )
    find_clones()
    if options.world_python is None:
        require_packages()
    else:
        ask(options.world_python, f"{require_packages.__module__}:{require_packages.__name__}", {}, remedy(NAME))
    protocol = calvin_protocol(
        scene=options.scene or "D",
        num_chains=options.episodes or NUM_CHAINS,
        executor=options.executor,
        batch=options.batch if "batch" in options.model_fields_set else BATCH,
        seed=options.seed,
    )
    benchmark = calvin_benchmark(protocol)
    return benchmark if options.world_python else elsewhere(benchmark, sys.executable, remedy(NAME))


def calvin_protocol(
    *, scene: str = "D", num_chains: int = NUM_CHAINS, executor: str = "first", batch: int = BATCH, seed: int = 0
) -> Protocol:
    """The protocol of the first ``num_chains`` official chains.

    Raises:
        UserError: An unknown scene or executor, a number out of range, or no clone.
    """
    if scene not in RENDERERS:
        raise UnknownName("CALVIN scene", scene, RENDERERS)
    if not 1 <= num_chains <= NUM_CHAINS:
        raise UserError(f"Number of chains: got {num_chains}, expected 1 to {NUM_CHAINS}, which are the official ones.")
    settings = {
        "benchmark": NAME,
        "scene": scene,
        "tasks": TASKS,
        "num_chains": num_chains,
        "chain_length": CHAIN_LENGTH,
        "chain_digest": digest_of(repr((chains()[:num_chains], *_words(find_clones())))),
        "max_steps": MAX_STEPS,
        "instruction_split": "validation",
        "image_size": IMAGE_SIZE,
        "batch": batch,
        "executor": executor,
        "seed": seed,
    }
    return validate(Protocol, settings)


def _words(clones: Clones) -> tuple[object, str]:
    """What the clones say of instructions and of success: another clone that differs is another protocol."""
    return read_sentences(clones.calvin)["validation"], (clones.calvin_env / TASK_RULES).read_text()


def calvin_benchmark(protocol: Protocol) -> Benchmark:
    """The chains of a protocol, and worlds of which a process can hold one: they belong ``elsewhere``."""
    scene, renderer = RENDERERS[protocol.scene]
    jobs = tuple(
        Job(f"calvin-{number:04d}", start_of(chain.state), number, chain.tasks)
        for number, chain in enumerate(chains()[: protocol.num_chains])
    )
    settings = {"scene": scene, "calvin_env": str(find_clones().calvin_env), "renderer": renderer}
    worlds = WorldFactory("robovlms.worlds.calvin:CALVIN", settings, shared=False)
    return Benchmark(protocol, jobs, worlds, RELATIVE_ACTIONS, OBSERVATIONS)
