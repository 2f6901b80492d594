"""A world a test can see through: a point on a line, pushed by actions; tasks ask it to go left or right."""

import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.core.types import Observation, Step

ACTION_SPEC = ActionSpec(components=(ActionComponent(name="push", dims=2, kind="other"),), rate_hz=10)
SENTENCES = {"left": ("go left", "move to the left"), "right": ("go right",), "slow": ("slow",)}
FAULTS = ("crash", "raise", "hang", "nan", "undecided")


@dataclass(frozen=True)
class Moment:
    x: float
    noise: int
    before: float
    task: str = ""


class ToyWorld:
    """The tasks of ``FAULTS`` break down; with a ``fault_file`` while it holds a positive count, which they lower."""

    def __init__(self, image_size=8, fault_file=None, error=None):
        self.observation_spec = ObservationSpec(
            cameras=(Camera(name="only", height=image_size, width=image_size),),
            state=(StateComponent(name="x", dims=1),),
            rate_hz=10,
        )
        self.action_spec = ACTION_SPEC
        self.tasks = (*SENTENCES, *FAULTS)
        self.num_renders = 0
        self._size, self._fault_file = image_size, fault_file
        self._moment = Moment(0.0, 0, 0.0)
        if error is not None:
            raise error

    def reset(self, initial_state, seed, render=True):
        self._moment = Moment(initial_state["x"], seed, 0.0)
        return self._observe(render)

    def begin_task(self, task):
        self._moment = replace(self._moment, before=self._moment.x, task=task)

    def step(self, action, render=True):
        if self._moment.task in FAULTS and self._breaks():
            return self._fault(self._moment.task)
        if self._moment.task == "slow":
            time.sleep(0.02)
        m = self._moment
        push = float(np.tanh(action[0])) * (1 + 0.1 * (m.noise % 7))
        self._moment = Moment(m.x + push, (m.noise * 1103515245 + 12345) % 2**31, m.before, m.task)
        moved = self._moment.x - m.before
        success = moved < -3 if self._moment.task == "left" else moved > 3
        return Step(self._observe(render), success)

    def snapshot(self):
        return self._moment

    def restore(self, snapshot, render=True):
        self._moment = snapshot
        return self._observe(render)

    def instructions(self, task, split):
        return SENTENCES.get(task, (task,))

    def close(self):
        pass

    def _observe(self, render):
        x = self._moment.x
        self.num_renders += render
        image = (np.arange(self._size**2 * 3).reshape(self._size, self._size, 3) * (3 + x)).astype(np.int64) % 256
        return Observation({"only": image.astype(np.uint8)} if render else {}, np.array([x], np.float32))

    def _breaks(self):
        if self._fault_file is None:
            return True
        path = Path(self._fault_file)
        count = int(path.read_text())
        path.write_text(str(max(count - 1, 0)))
        return count > 0

    def _fault(self, kind):
        if kind == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "hang":
            time.sleep(3600)
        if kind == "raise":
            raise RuntimeError("the simulator is unstable")
        step = Step(self._observe(render=False), False)
        if kind == "nan":
            return replace(step, observation=replace(step.observation, state=np.full(1, np.nan, np.float32)))
        object.__setattr__(step, "success", float("nan"))  # what no type checker sees in a simulator of one's own
        return step
