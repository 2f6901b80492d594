"""What a task is about, for naming its failures."""

from robovlms.core.trace import Aim
from robovlms.worlds.tabletop.state import BLOCKS, SceneState

_LIGHTS = {"lightbulb": "switch", "led": "button"}


def aim_of(task: str, before: SceneState) -> Aim:
    """What ``task`` is about when it begins in this state."""
    verb, what, *_ = task.split("_")
    if what in BLOCKS:
        return Aim(frozenset({what}), grasp=verb != "push", carry=verb == "lift")
    if verb == "turn":
        return Aim(frozenset({_LIGHTS[task.split("_")[-1]]}))
    if verb in ("move", "open", "close"):
        return Aim(frozenset({what}))
    return _with_blocks(task, before)


def _with_blocks(task: str, before: SceneState) -> Aim:
    """Tasks that say "the block": which one it is follows from the state."""
    on_table = frozenset(name for name, block in before.blocks.items() if block.surface == "table")
    held = frozenset({before.held} if before.held else ())
    if task == "push_into_drawer":
        return Aim(on_table)
    if task == "unstack_block":
        upper = frozenset(name for name, block in before.blocks.items() if block.surface == "block")
        return Aim(upper, grasp=True, carry=True)
    goals = on_table - held if task == "stack_block" else frozenset({task.removeprefix("place_in_")})
    return Aim(held, grasp=True, carry=True, goals=goals)
