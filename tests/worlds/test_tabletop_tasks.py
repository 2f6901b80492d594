"""Predicates, feasibility and the symbolic effects, on states built by hand."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from robovlms.core.errors import UnknownName
from robovlms.worlds.tabletop import tasks as tabletop_tasks
from robovlms.worlds.tabletop.geometry import COMPARTMENT, DOOR_TRAVEL, DRAWER_TRAVEL
from robovlms.worlds.tabletop.meanings import task_table
from robovlms.worlds.tabletop.state import BLOCKS, Block, SceneState
from robovlms.worlds.tabletop.symbolic import Symbols, outcome
from robovlms.worlds.tabletop.tasks import TASK_SETS, TASKS, check, feasible, task_set

CALVIN_TASKS = """
rotate_red_block_right rotate_red_block_left rotate_blue_block_right rotate_blue_block_left rotate_pink_block_right
rotate_pink_block_left push_red_block_right push_red_block_left push_blue_block_right push_blue_block_left
push_pink_block_right push_pink_block_left move_slider_left move_slider_right open_drawer close_drawer
lift_red_block_table lift_red_block_slider lift_red_block_drawer lift_blue_block_table lift_blue_block_slider
lift_blue_block_drawer lift_pink_block_table lift_pink_block_slider lift_pink_block_drawer place_in_slider
place_in_drawer stack_block unstack_block turn_on_lightbulb turn_off_lightbulb turn_on_led turn_off_led
push_into_drawer
"""

CABINET_X = 0.03
PLACES = ("table", "slider_left", "slider_right", "drawer", "gripper", "top", "bottom")


def block_at(place: str, index: int, base: str | None) -> Block:
    """A block resting upright at a symbolic place."""
    x, y, z = {
        "table": (-0.1 + 0.1 * index, 0.0, 0.02),
        "slider_left": (CABINET_X - COMPARTMENT, 0.2, 0.03),
        "slider_right": (CABINET_X + COMPARTMENT, 0.2, 0.03),
        "drawer": (0.0, -0.3, -0.07),
        "gripper": (0.0, 0.0, 0.2),
        "top": (-0.1 + 0.1 * BLOCKS.index(base or "red"), 0.0, 0.06),
        "bottom": (-0.1 + 0.1 * index, 0.0, 0.02),
    }[place]
    surface = {"slider_left": "slider", "slider_right": "slider", "top": "block", "bottom": "table"}.get(place, place)
    on = base if place == "top" else None
    return Block(np.array([x, y, z]), np.zeros(3), surface, on, touched=place == "gripper")


def scene(symbols: Symbols) -> SceneState:
    """A live state that a symbolic one describes; fixtures stand at the ends of their travel."""
    base = next((BLOCKS[index] for index in symbols.at("bottom")), None)
    held = next((BLOCKS[index] for index in symbols.at("gripper")), None)
    return SceneState(
        tcp=np.array([0.0, 0.0, 0.2]),
        blocks={
            name: block_at(place, i, base) for i, (name, place) in enumerate(zip(BLOCKS, symbols.blocks, strict=True))
        },
        cabinet_x=CABINET_X,
        slider=DOOR_TRAVEL if symbols.slider == "left" else 0.0,
        drawer=DRAWER_TRAVEL if symbols.drawer == "open" else 0.0,
        switch=0.6 if symbols.lightbulb else -0.6,
        bulb=symbols.lightbulb,
        led=symbols.led,
        held=held,
    )


def with_block(state: SceneState, name: str, held: str | None = None, **changes) -> SceneState:
    blocks = {**state.blocks, name: replace(state.blocks[name], **changes)}
    return replace(state, blocks=blocks, held=held)


def shifted(state: SceneState, name: str, x: float = 0.0, z: float = 0.0) -> np.ndarray:
    return state.blocks[name].position + np.array([x, 0.0, z])


def legal(places: tuple[str, ...]) -> bool:
    stack = {places.count("top"), places.count("bottom")}
    return stack in ({0}, {1}) and all(places.count(p) < 2 for p in PLACES[1:])


ALL_SYMBOLS = [
    Symbols(slider, drawer, lit, lit, places)
    for slider, drawer, lit in product(("left", "right"), ("open", "closed"), (False, True))
    for places in product(PLACES, repeat=3)
    if legal(places)
]
START = Symbols("right", "closed", False, False, ("table", "table", "table"))
AT_REST = scene(START)
TURNS = ("rotate", "push_red", "push_blue", "push_pink")


def act(task: str, state: SceneState, end: Symbols) -> SceneState:
    """What a successful task leaves: the end's state, and the displacement where symbols do not tell."""
    after = scene(end)
    if not task.startswith(TURNS):
        return after
    verb, name, _, side = task.split("_")
    sign = 1 if side == "right" else -1
    if verb == "push":
        return with_block(after, name, position=shifted(state, name, x=0.11 * sign), touched=True)
    return with_block(after, name, euler=np.array([0, 0, -sign * np.radians(70)]), touched=True)


def test_names_are_calvins():
    assert " ".join(TASKS) == " ".join(CALVIN_TASKS.split())


@pytest.mark.parametrize("task", TASKS)
def test_effects_agree_with_predicates_and_nothing_else_succeeds(task):
    """Wherever a task can begin, its effect satisfies its predicate, standing still does not, and no task that asks
    for another change is satisfied."""
    begun = 0
    for now in ALL_SYMBOLS:
        end = outcome(task, now)
        if end is None:
            continue
        before = scene(now)
        after = act(task, before, end)
        assert check(task, before, after)
        assert not check(task, before, before)
        assert Symbols.of_scene(after) == end
        assert [other for other in TASKS if check(other, before, after)] == [task]
        begun += 1
    assert begun >= 8


def test_symbols_of_a_live_state_are_those_it_was_built_from():
    assert all(Symbols.of_scene(scene(symbols)) == symbols for symbols in ALL_SYMBOLS)


@pytest.mark.parametrize(("degrees", "right", "left"), [(-61, True, False), (-59, False, False), (61, False, True)])
def test_rotation_counts_from_sixty_degrees_and_right_is_clockwise_from_above(degrees, right, left):
    after = with_block(AT_REST, "red", euler=np.array([0, 0, np.radians(degrees)]))
    assert check("rotate_red_block_right", AT_REST, after) is right
    assert check("rotate_red_block_left", AT_REST, after) is left
    assert not check("rotate_blue_block_right", AT_REST, after)


def test_rotation_across_half_a_turn_takes_the_short_way():
    before = with_block(AT_REST, "red", euler=np.array([0, 0, np.radians(150)]))
    after = with_block(AT_REST, "red", euler=np.array([0, 0, np.radians(-140)]))
    assert check("rotate_red_block_left", before, after)
    assert not check("rotate_red_block_right", before, after)


@pytest.mark.parametrize(
    "changes",
    [
        {"euler": np.radians([40, 0, 70])},
        {"euler": np.radians([0, 0, 70]), "position": np.array([0.05, 0.0, 0.02])},
        {"euler": np.radians([0, 0, 70]), "surface": "gripper"},
    ],
    ids=["toppled", "shoved away", "in the hand"],
)
def test_not_a_rotation(changes):
    assert not check("rotate_red_block_left", AT_REST, with_block(AT_REST, "red", **changes))


@pytest.mark.parametrize(
    ("shift", "surface", "right"),
    [(0.11, "table", True), (0.09, "table", False), (0.11, "gripper", False), (0.11, "drawer", False)],
)
def test_push_needs_ten_centimetres_on_the_same_surface(shift, surface, right):
    after = with_block(AT_REST, "red", position=shifted(AT_REST, "red", x=shift), surface=surface)
    assert check("push_red_block_right", AT_REST, after) is right
    assert not check("push_red_block_left", AT_REST, after)


@pytest.mark.parametrize(("joint", "task"), [("slider", "move_slider_left"), ("drawer", "open_drawer")])
@pytest.mark.parametrize(("travel", "succeeds"), [(0.121, True), (0.119, False), (-0.121, False)])
def test_fixtures_count_by_travel_not_by_place(joint, task, travel, succeeds):
    before = replace(AT_REST, **{joint: 0.03})
    assert check(task, before, replace(AT_REST, **{joint: 0.03 + travel})) is succeeds


@pytest.mark.parametrize(("place", "rise"), [("table", 0.05), ("slider", 0.03), ("drawer", 0.05)])
def test_lift_needs_its_height_the_grip_and_the_right_place(place, rise):
    task = f"lift_blue_block_{place}"
    before = with_block(AT_REST, "blue", surface=place)

    def after(height, held="blue", surface="gripper"):
        raised = shifted(before, "blue", z=height)
        return with_block(before, "blue", held, position=raised, surface=surface, touched=True)

    assert check(task, before, after(rise + 0.005))
    assert not check(task, before, after(rise - 0.005))
    assert not check(task, before, after(rise + 0.005, held=None, surface="air"))
    assert not check(task, with_block(AT_REST, "blue", surface="block", on="red"), after(rise + 0.005))
    touched = with_block(before, "blue", touched=True)
    assert check(task, touched, after(rise + 0.005)), "a lift may follow a push, with the fingers on the block"


@pytest.mark.parametrize("place", ["slider", "drawer"])
def test_placing_needs_the_held_block_there_and_released(place):
    task = f"place_in_{place}"
    before = with_block(AT_REST, "pink", "pink", surface="gripper", touched=True)
    assert check(task, before, with_block(before, "pink", surface=place, touched=False))
    assert not check(task, before, with_block(before, "pink", surface=place, touched=True))
    assert not check(task, before, with_block(before, "pink", surface="table", touched=False))
    assert not check(task, before, with_block(before, "red", surface=place, touched=False))
    assert not check(task, AT_REST, with_block(AT_REST, "pink", surface=place))


def test_push_into_drawer_is_from_the_table_and_let_go():
    inside = with_block(AT_REST, "red", surface="drawer")
    assert check("push_into_drawer", AT_REST, inside)
    assert not check("push_into_drawer", AT_REST, with_block(inside, "red", touched=True))
    carried = with_block(AT_REST, "red", "red", surface="gripper", touched=True)
    assert not check("push_into_drawer", carried, inside)


def test_stacking_counts_when_released_and_unstacking_when_back_on_the_table():
    stack = with_block(AT_REST, "red", surface="block", on="pink")
    assert check("stack_block", AT_REST, stack)
    assert not check("stack_block", AT_REST, with_block(stack, "red", "red", touched=True))
    assert check("unstack_block", stack, AT_REST)
    in_hand = with_block(stack, "red", "red", surface="gripper", on=None, touched=True)
    assert not check("unstack_block", stack, in_hand)
    assert not check("unstack_block", AT_REST, AT_REST)


@pytest.mark.parametrize(("light", "name"), [("bulb", "lightbulb"), ("led", "led")])
def test_lights_must_change(light, name):
    lit = replace(AT_REST, **{light: True})
    assert check(f"turn_on_{name}", AT_REST, lit)
    assert not check(f"turn_on_{name}", lit, lit)
    assert check(f"turn_off_{name}", lit, AT_REST)
    assert not check(f"turn_off_{name}", AT_REST, AT_REST)


def test_every_task_can_begin_somewhere_and_a_block_in_hand_gates_it():
    states = [(symbols, scene(symbols)) for symbols in ALL_SYMBOLS if symbols.slider == "left"]
    for task in set(TASKS) - {"move_slider_left"}:
        starts = [symbols for symbols, state in states if feasible(task, state)]
        assert starts, task
        in_hand = task in ("place_in_slider", "place_in_drawer", "stack_block")
        assert all(bool(symbols.at("gripper")) is in_hand for symbols in starts)


def test_feasible_needs_room_to_push_and_to_slide():
    assert feasible("push_red_block_right", AT_REST)
    edge = with_block(AT_REST, "red", position=np.array([0.25, 0.0, 0.02]))
    assert not feasible("push_red_block_right", edge)
    assert feasible("push_red_block_left", edge)
    assert not feasible("move_slider_left", replace(AT_REST, slider=0.06))
    assert not feasible("move_slider_right", replace(AT_REST, slider=0.1))
    assert feasible("close_drawer", replace(AT_REST, drawer=0.13))


def test_a_covered_compartment_and_a_shut_drawer_hide_their_block():
    stowed = replace(START, blocks=("slider_right", "slider_left", "drawer"))
    assert not feasible("lift_red_block_slider", scene(stowed))
    assert feasible("lift_blue_block_slider", scene(stowed))
    assert not feasible("lift_pink_block_drawer", scene(stowed))
    assert feasible("lift_pink_block_drawer", scene(replace(stowed, drawer="open")))


def test_a_falling_block_suits_no_task():
    falling = with_block(AT_REST, "red", surface="air")
    assert not [task for task in TASKS if "red" in task and feasible(task, falling)]


def test_task_sets_follow_their_rules():
    assert TASK_SETS["all"] == TASKS
    assert len(TASK_SETS["fixtures_drawer"]) == 9
    assert len(TASK_SETS["twelve"]) == 12
    added = set(TASK_SETS["twelve"]) - set(TASK_SETS["fixtures_drawer"])
    assert added == {f"lift_{name}_block_table" for name in BLOCKS}
    assert task_set("twelve") == TASK_SETS["twelve"]
    assert task_set(["open_drawer", "push_red_block_left", "open_drawer"]) == ("push_red_block_left", "open_drawer")
    assert task_set("open_drawer") == ("open_drawer",)


def test_unknown_names_offer_the_nearest():
    with pytest.raises(UnknownName, match="open_drawer"):
        check("open_drawr", AT_REST, AT_REST)
    with pytest.raises(UnknownName, match="twelve"):
        task_set("twelv")
    with pytest.raises(UnknownName):
        tabletop_tasks.feasible("fly", AT_REST)


def test_the_document_shows_the_table_of_the_code():
    document = Path(__file__).parents[2] / "docs" / "tabletop.md"
    assert task_table() in document.read_text(encoding="utf-8")
