"""The tasks in a sentence each, thresholds included, and the table that ``docs/tabletop.md`` shows.

``python -m robovlms.worlds.tabletop.meanings`` prints the table.
"""

import sys

from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.predicates import (
    DRAWER_M,
    LIFT_M,
    PUSH_M,
    ROTATE_DEG,
    ROTATE_MAX_SHIFT_M,
    ROTATE_MAX_TILT_DEG,
    SLIDER_M,
)
from robovlms.worlds.tabletop.sequences import category
from robovlms.worlds.tabletop.state import BLOCKS
from robovlms.worlds.tabletop.tasks import TASK_SETS, TASKS

_MEANINGS = {
    "rotate": f"the block turned more than {ROTATE_DEG:g} deg (right: clockwise from above), tilted less than "
    f"{ROTATE_MAX_TILT_DEG:g} deg, moved at most {ROTATE_MAX_SHIFT_M:g} m and rests on something",
    "push": f"the block moved more than {PUSH_M:g} m sideways and rests on what it rested on",
    "move": f"the door moved more than {SLIDER_M:g} m",
    "open": f"the drawer opened by more than {DRAWER_M:g} m",
    "close": f"the drawer closed by more than {DRAWER_M:g} m",
    "place": "the block that was held rests there and the robot does not touch it",
    "turn": "the light changed",
    "stack": "a block that was on no other block rests on one, and the robot does not touch it",
    "unstack": "a block that was on another rests on the table, released",
    "push_into_drawer": "a block from the table, not held before, lies in the drawer and the robot does not touch it",
}


def meaning(task: str) -> str:
    """When the task counts as done, comparing the state at its beginning with the state now."""
    verb, *_, place = task.split("_")
    if verb == "lift":
        return f"the block lay there, is in the gripper alone and has risen more than {LIFT_M[place]:g} m"
    return _MEANINGS.get(task, _MEANINGS[verb])


def task_table() -> str:
    """A Markdown table of the tasks; the three colours share a row."""
    rows = ["| task | category | done when | validation sentence | sets |", "| --- | --- | --- | --- | --- |"]
    for task in TASKS:
        if any(f"_{name}_" in task for name in BLOCKS[1:]):
            continue
        sentence = instructions(task, "validation")[0]
        sets = ", ".join(name for name, members in TASK_SETS.items() if task in members and name != "all")
        cells = (f"`{task}`".replace("_red_", "_{color}_"), category(task), meaning(task), sentence, sets or "-")
        rows.append(f"| {' | '.join(cells)} |".replace("the red block", "the {color} block"))
    return "\n".join(rows)


if __name__ == "__main__":
    sys.stdout.write(task_table() + "\n")
