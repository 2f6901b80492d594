"""``baseline:cnn`` and its like by name: policies without a VLM, trained now on demonstrations collected for it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from robovlms.cli.pipeline import MARK, RECIPES, Pipeline, claim
from robovlms.cli.tabletop_demos import collect_shown
from robovlms.cli.training import train_and_measure
from robovlms.core.errors import UnknownName, UserError
from robovlms.demos.metaworld import MetaWorldPlan, require_metaworld
from robovlms.policies.scripted import SCRIPTS
from robovlms.recipes.baselines import BASELINES, without_vlm
from robovlms.recipes.metaworld import metaworld_mt10
from robovlms.training.run import FINISHED
from robovlms.worlds.metaworld.tasks import task_set

MINUTES = 12
"""On the tabletop, for everything: the quickstart's budget. On Meta-World the recipe's is for training alone."""
DEMOS_A_TASK = 50
"""On Meta-World."""


def require_trainable(name: str, benchmark: str) -> None:
    """Raise ``UserError`` unless there is such a baseline and demonstrations can be collected for the benchmark."""
    if name not in BASELINES:
        raise UnknownName("baseline", name, [*BASELINES, *SCRIPTS])
    if benchmark not in TRAINED_ON:
        raise UserError(
            f"baseline:{name} is trained on demonstrations that are collected for it: got --benchmark {benchmark}, "
            f"expected {' or '.join(TRAINED_ON)}. On data you have: robovlms train --config FILE --model {name}"
        )


def trained(name: str, out: Path, benchmark: str, asked: Mapping[str, Any], resume: bool) -> Path:
    """The training run beside ``out`` (``OUT-policy``), trained now unless it is there already.

    ``asked`` are the ``Options`` of the evaluation: tasks, and on Meta-World suite, image size and interpreter.

    Raises:
        UserError: Tasks there is no recipe for, a simulator that is not installed, or a folder of another training.
    """
    folder = out.with_name(f"{out.name}-policy")
    return TRAINED_ON[benchmark](name, folder, asked, resume or (folder / MARK).is_file())


def _tabletop(name: str, folder: Path, asked: Mapping[str, Any], resume: bool) -> Path:
    tasks = asked.get("tasks") or "fixtures_drawer"
    if not isinstance(tasks, str) or tasks not in RECIPES:
        names = ", ".join(RECIPES)
        raise UserError(
            f"baseline:{name} is trained for a named task set: got --tasks {tasks}, expected one of {names}."
        )
    return Pipeline(folder, MINUTES, seed=0, chains=1, tasks=tasks, model=name, resume=resume).prepare()


def _metaworld(name: str, folder: Path, asked: Mapping[str, Any], resume: bool) -> Path:
    tasks, size = task_set(asked.get("tasks") or asked.get("scene") or "mt10"), asked.get("image_size") or 64
    demos, run, python = folder / "demos", folder / "train", asked.get("world_python")
    require_metaworld(python)
    claim(folder, {"tasks": list(tasks), "model": name, "image_size": size}, resume)
    if not demos.is_dir():
        plan = MetaWorldPlan(tasks, DEMOS_A_TASK * len(tasks), image_size=size, world_python=python)
        collect_shown(plan, demos, 0)
    if not (run / FINISHED).is_file():
        train_and_measure(without_vlm(metaworld_mt10([demos]), name), run, resume=run.is_dir())
    return run


TRAINED_ON: Mapping[str, Callable[[str, Path, Mapping[str, Any], bool], Path]] = {
    "metaworld": _metaworld,
    "tabletop": _tabletop,
}
"""How a baseline is trained for a benchmark: its name, the folder, what was asked for, whether to go on."""
