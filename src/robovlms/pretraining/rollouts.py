"""Frames along the way of scripted experts: hands in contact, blocks in the hand, fixtures half moved. No actions."""

from collections.abc import Iterator

import numpy as np

from robovlms.pretraining.disguise import Disguise
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.stage import Stage, Truth
from robovlms.pretraining.wording import choose
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.chains import MAX_STEPS, random_initial_state
from robovlms.worlds.tabletop.expert import expert
from robovlms.worlds.tabletop.tasks import TASKS, feasible

_STRIDE = 3
"""Control steps between two frames: neighbours look alike."""
_TASKS_PER_RESET = 5
_WANDER = 0.25
"""Standard deviation of the noise on executed position actions, so that hands come by other ways too."""


def rolled_out(scene: str, rng: np.random.Generator, number: int, share: float = 0.0) -> Iterator[Frame]:
    """Frames of a scene while experts carry out feasible tasks one after another."""
    world = Tabletop(scene)
    stage = Stage(scene, world.simulation)
    disguise = Disguise(world.simulation) if share else None
    made = 0
    try:
        while made < number:
            if disguise:
                disguise.take_off()
                if rng.random() < share:
                    disguise.put_on(rng)
            for frame in _chain(world, stage, rng):
                yield frame
                made += 1
                if made == number:
                    return
    finally:
        stage.close()
        world.close()


def rolled_out_disguised(scene: str, rng: np.random.Generator, number: int) -> Iterator[Frame]:
    """The same, half of the resets in another look."""
    return rolled_out(scene, rng, number, share=0.5)


def _chain(world: Tabletop, stage: Stage, rng: np.random.Generator) -> Iterator[Frame]:
    initial = random_initial_state(rng, choose(rng, TASKS))
    world.reset(initial, seed=int(rng.integers(2**31)), render=False)
    for _ in range(_TASKS_PER_RESET):
        possible = [task for task in TASKS if feasible(task, world.state())]
        if not possible:
            return
        yield from _task(world, stage, choose(rng, possible), rng)
        if not world.succeeded():
            return


def _task(world: Tabletop, stage: Stage, task: str, rng: np.random.Generator) -> Iterator[Frame]:
    world.begin_task(task)
    for action, step in zip(expert(world, task), range(MAX_STEPS), strict=False):
        if step % _STRIDE == 0:
            yield stage.frame(Truth.of(world.state()))
        executed = action.copy()
        executed[:3] = np.clip(executed[:3] + rng.normal(0, _WANDER, 3), -1, 1)
        if world.step(executed, render=False).success:
            return
