"""The tables as one, for the documentation: ``python -m robovlms.data.oxe.table`` prints it."""

from robovlms.actions.spec import ActionComponent, StateComponent
from robovlms.data.oxe.convention import Convention
from robovlms.data.oxe.tables import ALIASES, CONVENTIONS

HEADER = ("data set", "cameras", "actions", "state", "Hz", "note")


def markdown() -> str:
    """A row for each data set, with a line break at its end."""
    rows = [HEADER, ("---",) * len(HEADER), *(_row(name, c) for name, c in CONVENTIONS.items())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _row(name: str, convention: Convention) -> tuple[str, ...]:
    names = [name, *(alias for alias, known in ALIASES.items() if known == name)]
    cameras = (f"{'wrist ' * (c.view == 'wrist')}`{c.feature}`{' (bgr)' * c.bgr}" for c in convention.cameras)
    return (
        ", ".join(f"`{known}`" for known in names),
        ", ".join(cameras),
        ", ".join(_action(component) for component, _ in convention.actions),
        ", ".join(_state(component) for component in convention.state_components) or "none",
        "?" if convention.rate_hz is None else f"{convention.rate_hz:g}",
        convention.note,
    )


def _action(component: ActionComponent) -> str:
    if component.kind == "gripper":
        return "gripper"
    unsaid = f"{component.name} (as recorded)"
    return unsaid if component.kind == "other" else component.kind.replace("_", " ")


def _state(component: StateComponent) -> str:
    return f"{component.name} {component.dims}"


if __name__ == "__main__":
    print(markdown(), end="")  # noqa: T201 - the purpose of running it
