"""A world that gets into trouble on command, for tests of worlds in other processes."""

import os
import sys
import time

import numpy as np

from robovlms.core.errors import UserError
from robovlms.core.types import Observation, Step


class OddWorld:
    """Tasks are troubles; ``step`` has the trouble of the task begun last."""

    tasks = ("crash", "hang", "raise", "refuse", "print", "lie")

    def __init__(self, lacks=None):
        if lacks:
            __import__(lacks)
        self._task = ""

    def reset(self, initial_state, seed, render=True):
        return Observation(images={}, state=np.array([seed, initial_state["x"]]))

    def begin_task(self, task):
        self._task = task

    def step(self, action, render=True):
        if self._task == "crash":
            print("nan in qacc", file=sys.stderr, flush=True)
            os._exit(7)
        if self._task == "hang":
            print("waiting for the display", flush=True)
            time.sleep(3600)
        if self._task == "raise":
            raise ZeroDivisionError("mass is zero")
        if self._task == "refuse":
            raise UserError("Action: got 8 numbers, expected 7.")
        if self._task == "print":
            print("x" * 1_000_000)
        return Step(Observation(images={}, state=action), success=False, info=self._info())

    def _info(self):
        return {"thread": sys.exit} if self._task == "lie" else {"count": 3}


def facts(n):
    return {"squares": np.arange(n) ** 2}
