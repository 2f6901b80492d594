"""Plays chains and keeps the attempts that fail, with a sheet of pictures to label them from."""

from collections.abc import Iterator

import numpy as np
from failure_parts.actors import Actor, open_actor
from failure_parts.sheet import Seen
from failure_parts.traces import Attempt

from robovlms.evaluation.episode import Job, Player, Rules
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.chains import MAX_STEPS, chains

EVERY = 10
"""Control steps between two pictures."""


def failures(name: str, label: str, scene: str, first: int, num: int) -> Iterator[Seen]:
    """The last attempt of each chain that fails, for chains ``first`` to ``first + num``."""
    world = Tabletop(scene)
    actor, digest = open_actor(name, world)
    for chain in chains(first + num)[first:]:
        job = Job(chain.id, chain.initial_state, chain.seed, chain.tasks)
        if (seen := _play(world, actor, job)) is not None:
            position, instruction, trace, pictures = seen
            attempt = Attempt(
                f"{label}/{chain.id}", label, digest, scene, chain.id, chain.seed, position, chain.tasks[position],
                instruction, world.aim(), trace,
            )  # fmt: skip
            yield Seen(attempt, pictures)
    world.close()


def _play(world: Tabletop, actor: Actor, job: Job):
    player = Player(world, Rules(MAX_STEPS, "validation"))
    turn, position = player.begin(job), -1
    while turn.result is None:
        if turn.instruction is not None:
            position, instruction = position + 1, turn.instruction
            actor.begin(job.tasks[position], instruction, job.seed)
            trace, pictures = [world.moment()], [world.render("static", 130)]
        if actor.needs_observation() and not turn.rendered:
            turn = player.look()
        turn = player.act([actor.act(turn.observation)], render=actor.needs_observation())
        trace.append(world.moment())
        if (len(trace) - 1) % EVERY == 0:
            pictures.append(world.render("static", 130))
    actor.stop()
    return None if turn.result.tasks[-1].success else (position, instruction, tuple(trace), np.stack(pictures))
