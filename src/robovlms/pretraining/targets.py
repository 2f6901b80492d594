"""What an instruction is about: the one place in the scene that its words concern."""

from robovlms.pretraining.frames import Frame
from robovlms.worlds.tabletop.state import BLOCKS

_FIXED = {
    "move_slider_left": "slider",
    "move_slider_right": "slider",
    "open_drawer": "drawer",
    "close_drawer": "drawer",
    "place_in_slider": "shelf",
    "place_in_drawer": "tray",
    "turn_on_lightbulb": "switch",
    "turn_off_lightbulb": "switch",
    "turn_on_led": "button",
    "turn_off_led": "button",
}


def target_of(task: str, frame: Frame) -> str | None:
    """Name of the point a task is about, or None where the scene leaves it open.

    A task that names a block is about that block wherever it is. Stacking is about the block beneath: the nearest
    block on the table that is not held. Unstacking is about the upper block, pushing into the drawer about the one
    block on the table.
    """
    if task in _FIXED:
        return _FIXED[task]
    named = [block for block in BLOCKS if f"_{block}_" in task]
    if named:
        return named[0]
    on_table = [block for block in BLOCKS if frame.surface(block) == "table" and block != frame.held]
    if task == "unstack_block":
        return next((block for block in BLOCKS if frame.below(block)), None)
    if task == "push_into_drawer":
        return on_table[0] if len(on_table) == 1 else None
    return min(on_table, key=lambda block: float((frame.offset(block)[:2] ** 2).sum()), default=None)
