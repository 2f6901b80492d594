"""The tasks a user asks for, of any world whose tasks have named sets."""

from collections.abc import Mapping, Sequence

from robovlms.core.errors import UnknownName


def chosen(tasks: Sequence[str], sets: Mapping[str, Sequence[str]], names: str | Sequence[str]) -> tuple[str, ...]:
    """Tasks by the name of a set or by their own names, in the order of ``tasks`` and each once.

    Raises:
        UnknownName: Neither a set nor a task is called that.
    """
    asked = sets.get(names, (names,)) if isinstance(names, str) else names
    for name in asked:
        if name not in tasks:
            raise UnknownName("task", name, (*tasks, *sets))
    return tuple(task for task in tasks if task in asked)
