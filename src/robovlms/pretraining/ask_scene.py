"""Questions answered in words: fixtures, blocks, relations, counts, captions. Pure functions of one frame."""

from collections.abc import Callable

import numpy as np

from robovlms.pretraining.frames import Frame
from robovlms.pretraining.wording import BLOCK_SET, Ask, block_name, choose, say, yes_no
from robovlms.worlds.tabletop.geometry import DOOR_TRAVEL, DRAWER_TRAVEL, SWITCH_RANGE
from robovlms.worlds.tabletop.state import BLOCKS

_CLEAR_M = 0.04
"""Comparisons closer than this are not asked: no fair answer exists."""
_PLACES = {
    "table": "on the table",
    "slider": "in the cabinet",
    "drawer": "in the drawer",
    "gripper": "in the gripper",
    "air": "in the air",
}
_AMOUNTS = ("closed", "a little", "half", "mostly", "fully")


def fixture_states(frame: Frame) -> dict[str, str]:
    """The four fixtures in words; a fixture counts by the half of its travel it is in."""
    return {
        "drawer": "open" if frame.record["drawer"] > DRAWER_TRAVEL / 2 else "closed",
        "door": "left" if frame.record["slider"] > DOOR_TRAVEL / 2 else "right",
        "light bulb": "on" if frame.record["bulb"] else "off",
        "led": "on" if frame.record["led"] else "off",
    }


def fixture_choice(frame: Frame, rng: np.random.Generator) -> Ask:
    """Is the drawer open or closed?"""
    name, state = choose(rng, list(fixture_states(frame).items()))
    options = {"open": "open or closed", "closed": "open or closed", "on": "on or off", "off": "on or off"}
    wanted = options.get(state, "on the left or on the right")
    return say(rng, (f"is the {name} {wanted}?", f"what is the state of the {name}?", f"{name}:"), state)


def fixture_yes_no(frame: Frame, rng: np.random.Generator) -> Ask:
    """Is the drawer open?"""
    name, state = choose(rng, list(fixture_states(frame).items()))
    pair = next(pair for pair in (("open", "closed"), ("left", "right"), ("on", "off")) if state in pair)
    asked = choose(rng, pair)
    return say(rng, (f"is the {name} {asked}?", f"yes or no: the {name} is {asked}."), yes_no(asked == state))


def fixture_amount(frame: Frame, rng: np.random.Generator) -> Ask:
    """How far is the drawer open? Five steps of its travel; also the door and the switch."""
    travel = {
        "how far is the drawer open?": frame.record["drawer"] / DRAWER_TRAVEL,
        "how far is the door to the left?": frame.record["slider"] / DOOR_TRAVEL,
        "how far is the switch up?": (frame.record["switch"] / SWITCH_RANGE + 1) / 2,
    }
    prompt, amount = choose(rng, list(travel.items()))
    return prompt, _AMOUNTS[int(np.clip(np.rint(float(amount) * 4), 0, 4))]


def held(frame: Frame, rng: np.random.Generator) -> Ask:
    """What does the gripper hold?"""
    prompts = ("what does the gripper hold?", "which block is in the gripper?", "held:")
    return say(rng, prompts, block_name(frame.held) if frame.held else "nothing")


def where_is(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """On what or in what is a block?"""
    block = choose(rng, BLOCKS)
    if not frame.shown(block):
        return None
    below = frame.below(block)
    place = f"on the {block_name(below)}" if below else _PLACES[frame.surface(block)]
    return say(rng, (f"where is the {block_name(block)}?", f"what is under the {block_name(block)}?"), place)


def stacked(frame: Frame, rng: np.random.Generator) -> Ask:
    """Are two blocks stacked?"""
    return say(rng, ("are two blocks stacked?", "is there a stack?"), yes_no(any(map(frame.below, BLOCKS))))


def side_of(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """Left or right, nearer or farther, as the static camera sees it (world x and y)."""
    first, second = rng.permutation(BLOCK_SET)[:2]
    gap = frame.position(first) - frame.position(second)
    axis = int(rng.integers(2))
    if abs(gap[axis]) < _CLEAR_M or not (frame.shown(first) and frame.shown(second)):
        return None
    words = (("left", "right"), ("near", "far"))[axis]
    one, other = block_name(first), block_name(second)
    prompts = (
        f"is the {one} {words[0]} or {words[1]} of the {other}?",
        f"{one} from the {other}: {words[0]} or {words[1]}?",
    )
    return say(rng, prompts, words[int(gap[axis] > 0)])


def count(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """How many blocks are on the table, in the drawer, in the cabinet, or in the wrist image?"""
    choices: dict[str, Callable[[str], bool]] = {
        "how many blocks are on the table?": lambda block: frame.surface(block) == "table",
        "how many blocks are in the drawer?": lambda block: frame.surface(block) == "drawer" and frame.shown(block),
        "how many blocks can the wrist camera see?": lambda block: frame.sees("wrist", block),
        "how many blocks can you see?": frame.shown,
    }
    prompt, wanted = choose(rng, list(choices.items()))
    return prompt, ("zero", "one", "two", "three")[sum(map(wanted, BLOCKS))]


def nearest(frame: Frame, rng: np.random.Generator) -> Ask | None:
    """The colour of the block nearest the gripper."""
    distance = {block: float(np.linalg.norm(frame.offset(block))) for block in BLOCKS if frame.shown(block)}
    ordered = sorted(distance, key=distance.__getitem__)
    if len(ordered) < 2 or distance[ordered[1]] - distance[ordered[0]] < _CLEAR_M / 2:
        return None
    return say(rng, ("what colour is the block nearest the gripper?", "nearest block:"), ordered[0])


def caption_fixtures(frame: Frame, rng: np.random.Generator) -> Ask:
    """All fixtures in one sentence."""
    answer = ", ".join(f"{name} {state}" for name, state in fixture_states(frame).items())
    return say(rng, ("describe the fixtures.", "caption the fixtures:"), answer)


def caption_blocks(frame: Frame, rng: np.random.Generator) -> Ask:
    """All blocks that show, in one sentence."""
    parts = [f"{block} on {below}" for block in BLOCKS if (below := frame.below(block))]
    parts += [
        f"{block} {_PLACES[frame.surface(block)]}" for block in BLOCKS if not frame.below(block) and frame.shown(block)
    ]
    return say(rng, ("describe the blocks.", "caption the blocks:"), ", ".join(parts) or "nothing")
