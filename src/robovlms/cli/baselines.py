"""``baseline:cnn`` and its like by name: policies without a VLM, trained now under the quickstart's data and budget."""

from collections.abc import Sequence
from pathlib import Path

from robovlms.cli.pipeline import BASELINES, RECIPES, Pipeline
from robovlms.core.errors import UnknownName, UserError
from robovlms.policies.scripted import SCRIPTS

MINUTES = 12


def trained(name: str, out: Path, tasks: str | Sequence[str] | None, resume: bool) -> Path:
    """The training run beside ``out`` (``OUT-policy``), trained now unless it is there already.

    Raises:
        UserError: an unknown name, or tasks that are not a named set, for which there is no recipe.
    """
    if name not in BASELINES:
        raise UnknownName("baseline", name, [*BASELINES, *SCRIPTS])
    chosen = "fixtures_drawer" if tasks is None else tasks
    if not isinstance(chosen, str) or chosen not in RECIPES:
        names = ", ".join(RECIPES)
        raise UserError(
            f"baseline:{name} is trained for a named task set: got --tasks {chosen}, expected one of {names}."
        )
    folder = out.with_name(f"{out.name}-policy")
    goes_on = resume or (folder / "quickstart.json").is_file()
    return Pipeline(folder, MINUTES, seed=0, chains=1, tasks=chosen, model=name, resume=goes_on).prepare()
