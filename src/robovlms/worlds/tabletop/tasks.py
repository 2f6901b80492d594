"""The 34 tasks, under CALVIN's own names."""

from robovlms.worlds.tabletop.state import BLOCKS

TASKS: tuple[str, ...] = (
    *(f"rotate_{block}_block_{side}" for block in BLOCKS for side in ("right", "left")),
    *(f"push_{block}_block_{side}" for block in BLOCKS for side in ("right", "left")),
    "move_slider_left",
    "move_slider_right",
    "open_drawer",
    "close_drawer",
    *(f"lift_{block}_block_{place}" for block in BLOCKS for place in ("table", "slider", "drawer")),
    "place_in_slider",
    "place_in_drawer",
    "stack_block",
    "unstack_block",
    "turn_on_lightbulb",
    "turn_off_lightbulb",
    "turn_on_led",
    "turn_off_led",
    "push_into_drawer",
)
"""Every task, in the order of CALVIN's task file."""
