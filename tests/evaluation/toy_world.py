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
SENTENCES = {
    "left": ("go left", "move to the left"),
    "right": ("go right",),
    "crash": ("crash",),
    "slow": ("slow",),
    "hang": ("hang",),
}


@dataclass(frozen=True)
class Moment:
    x: float
    noise: int
    before: float
    task: str = ""


class ToyWorld:
    """``crash_file``: the task 'crash' kills the process as long as the file holds a positive count, and lowers it."""

    def __init__(self, image_size=8, crash_file=None, error=None):
        self.observation_spec = ObservationSpec(
            cameras=(Camera(name="only", height=image_size, width=image_size),),
            state=(StateComponent(name="x", dims=1),),
            rate_hz=10,
        )
        self.action_spec = ACTION_SPEC
        self.tasks = tuple(SENTENCES)
        self.num_renders = 0
        self._size, self._crash_file = image_size, crash_file
        self._moment = Moment(0.0, 0, 0.0)
        if error is not None:
            raise error

    def reset(self, initial_state, seed, render=True):
        self._moment = Moment(initial_state["x"], seed, 0.0)
        return self._observe(render)

    def begin_task(self, task):
        self._moment = replace(self._moment, before=self._moment.x, task=task)

    def step(self, action, render=True):
        if self._moment.task == "crash":
            self._crash()
        if self._moment.task == "slow":
            time.sleep(0.02)
        if self._moment.task == "hang":
            time.sleep(3600)
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
        return SENTENCES[task]

    def close(self):
        pass

    def _observe(self, render):
        x = self._moment.x
        self.num_renders += render
        image = (np.arange(self._size**2 * 3).reshape(self._size, self._size, 3) * (3 + x)).astype(np.int64) % 256
        return Observation({"only": image.astype(np.uint8)} if render else {}, np.array([x], np.float32))

    def _crash(self):
        path = Path(self._crash_file)
        count = int(path.read_text())
        if count:
            path.write_text(str(count - 1))
            os.kill(os.getpid(), signal.SIGKILL)
