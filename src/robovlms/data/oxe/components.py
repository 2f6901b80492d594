"""The usual parts of an arm's actions and state, so that a row of a table is short.

A unit is ``1``, and a range open, where no source states it. Actions have the three parts that octo and openvla give
every arm (position 3, rotation 3, gripper 1); a part that a robot never moves is constant.
"""

from typing import Any

from robovlms.actions.spec import ActionComponent, StateComponent
from robovlms.data.oxe.numbers import Numbers, constant, take

Action = tuple[ActionComponent, Numbers]
State = tuple[StateComponent, Numbers]
METRES: dict[str, Any] = {"unit": "m"}
RADIANS: dict[str, Any] = {"unit": "rad"}
SPEED: dict[str, Any] = {"unit": "m/s"}
TURN_RATE: dict[str, Any] = {"unit": "rad/s"}
BASE: dict[str, Any] = {"frame": "base"}
RPY: dict[str, Any] = {"rotation": "euler_xyz"}
UNIT_RANGE: dict[str, Any] = {"low": -1.0, "high": 1.0}


def position(numbers: Numbers, kind: str = "delta_position", **facts: Any) -> Action:
    """Where the tool goes; ``facts`` are fields of ``ActionComponent``."""
    return _action("position", 3, kind, numbers, facts)


def rotation(numbers: Numbers, kind: str = "delta_rotation", **facts: Any) -> Action:
    """How the tool turns."""
    return _action("rotation", 3, kind, numbers, facts)


def no_rotation(like: Numbers) -> Action:
    """An arm that is never told to turn."""
    return rotation(constant(like, 3))


def gripper(numbers: Numbers, closed: float = 0.0, opened: float = 1.0) -> Action:
    """A command to be open or closed."""
    facts = {"low": 0.0, "high": 1.0, "gripper_closed": closed, "gripper_open": opened}
    return _action("gripper", 1, "gripper", numbers, facts)


def opening(numbers: Numbers, **facts: Any) -> Action:
    """A gripper's command with values between open and closed, or whose meaning no source states."""
    return _action("gripper", 1, "other", numbers, facts)


def joint_changes(numbers: Numbers, dims: int = 7) -> Action:
    """What is added to the joint angles."""
    return _action("joints", dims, "delta_joint", numbers, {"frame": "joint"} | RADIANS)


def world_vector(position_facts: dict[str, Any], rotation_facts: dict[str, Any]) -> tuple[Action, Action]:
    """Position and rotation as the first data sets of Open X-Embodiment name them."""
    return (
        position(take("action/world_vector"), **position_facts),
        rotation(take("action/rotation_delta"), **rotation_facts),
    )


def delta_pose(
    position_facts: dict[str, Any] | None = None, rotation_facts: dict[str, Any] | None = None
) -> tuple[Action, Action]:
    """Position and rotation as the first six numbers of ``action``."""
    return (
        position(take("action", 0, 3), **(position_facts or {})),
        rotation(take("action", 3, 6), **(rotation_facts or {})),
    )


def state(name: str, dims: int, numbers: Numbers, **facts: Any) -> State:
    """A state component; ``facts`` are fields of ``StateComponent``."""
    return StateComponent(name=name, dims=dims, **facts), numbers


def joints(numbers: Numbers, dims: int = 7) -> State:
    """Joint angles."""
    return state("joints", dims, numbers, frame="joint", unit="rad")


def fingers(numbers: Numbers, **facts: Any) -> State:
    """What a data set records of its gripper."""
    return state("gripper", 1, numbers, **facts)


def _action(name: str, dims: int, kind: str, numbers: Numbers, facts: dict[str, Any]) -> Action:
    values = {"name": name, "dims": dims, "kind": kind, "low": None, "high": None} | facts
    return ActionComponent.model_validate(values), numbers
