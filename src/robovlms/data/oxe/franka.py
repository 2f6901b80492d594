"""Franka data sets of Open X-Embodiment and of LIBERO. For sources see ``rtx``; the further ones are named beside."""

from collections.abc import Mapping
from typing import Any

from robovlms.data.oxe.components import (
    METRES,
    RADIANS,
    RPY,
    SPEED,
    TURN_RATE,
    UNIT_RANGE,
    Action,
    delta_pose,
    fingers,
    gripper,
    joints,
    opening,
    position,
    rotation,
    state,
)
from robovlms.data.oxe.convention import Convention, static, wrist
from robovlms.data.oxe.numbers import apply, constant, take
from robovlms.data.oxe.oddities import clipped, euler_from_quaternion, inverted

PAIR = (static("image"), wrist("wrist_image"))
SWAPPED = (static("image", bgr=True), wrist("wrist_image", bgr=True))
FROM_CLOSING = gripper(apply(inverted, apply(clipped, take("action", -1))))
JOINTS_AND_GRIPPER = (joints(take("observation/state", 0, 7)), fingers(take("observation/state", 7, 8)))


def _quaternion_pose(kind_of_position: str, kind_of_rotation: str) -> tuple[Action, Action]:
    return (
        position(take("action", 0, 3), kind=kind_of_position),
        rotation(apply(euler_from_quaternion, take("action", 3, 7)), kind=kind_of_rotation, **RADIANS, **RPY),
    )


def _maniskill() -> tuple[Action, ...]:
    ranges = UNIT_RANGE | {"scale": 0.1}
    pose = delta_pose(METRES | ranges, RADIANS | ranges | {"rotation": "axis_angle"})
    return (*pose, opening(take("action", 6), **UNIT_RANGE))


def _libero() -> Convention:
    osc: dict[str, Any] = {"frame": "world", "reference": "measured"} | UNIT_RANGE
    pose = delta_pose(METRES | osc | {"scale": 0.05}, RADIANS | osc | {"scale": 0.5, "rotation": "axis_angle"})
    return Convention(
        cameras=PAIR,
        actions=(*pose, FROM_CLOSING),
        state=(
            state("position", 3, take("observation/state", 0, 3), unit="m", frame="world"),
            state("rotation", 3, take("observation/state", 3, 6), unit="rad", frame="world", rotation="axis_angle"),
            state("gripper", 2, take("observation/state", 6, 8), unit="m"),
        ),
        rate_hz=20.0,
        note="openvla's copy without still steps; turned by half a turn; units and rate of robosuite's OSC_POSE",
    )


FRANKA: Mapping[str, Convention] = {
    "stanford_hydra_dataset_converted_externally_to_rlds": Convention(
        cameras=SWAPPED,
        actions=(*delta_pose(), gripper(apply(inverted, take("action", -1)))),
        state=(
            state("position", 3, take("observation/state", 0, 3)),
            state("rotation", 3, take("observation/state", 7, 10)),
            fingers(take("observation/state", -3, -2)),
        ),
        rate_hz=10.0,
    ),
    "austin_buds_dataset_converted_externally_to_rlds": Convention(
        cameras=PAIR, actions=(*delta_pose(), FROM_CLOSING), state=JOINTS_AND_GRIPPER, rate_hz=20.0
    ),
    "austin_sailor_dataset_converted_externally_to_rlds": Convention(
        cameras=PAIR,
        actions=(*delta_pose(), FROM_CLOSING),
        state=(
            state("position", 3, take("observation/state", 0, 3)),
            state("quaternion", 4, take("observation/state", 3, 7)),
            fingers(take("observation/state", 7, 8)),
        ),
        rate_hz=20.0,
    ),
    "austin_sirius_dataset_converted_externally_to_rlds": Convention(
        cameras=PAIR,
        actions=(*delta_pose(), FROM_CLOSING),
        state=JOINTS_AND_GRIPPER,
        rate_hz=20.0,
        note="octo calls the state a pose, the catalogue says joints",
    ),
    "utaustin_mutex": Convention(
        cameras=SWAPPED, actions=(*delta_pose(), FROM_CLOSING), state=JOINTS_AND_GRIPPER, rate_hz=20.0
    ),
    "nyu_franka_play_dataset_converted_externally_to_rlds": Convention(
        cameras=(static("image"), static("image_additional_view")),
        actions=(
            position(take("action", -8, -5)),
            rotation(take("action", -5, -2), **RPY),
            opening(apply(clipped, take("action", -2, -1)), low=0.0, high=1.0),
        ),
        state=(
            state("position", 3, take("observation/state", -6, -3)),
            state("rotation", 3, take("observation/state", -3), rotation="euler_xyz"),
        ),
        rate_hz=3.0,
        note="a gripper position, cut to 0 to 1",
    ),
    "furniture_bench_dataset_converted_externally_to_rlds": Convention(
        cameras=PAIR,
        actions=(*_quaternion_pose("delta_position", "delta_rotation"), FROM_CLOSING),
        state=(
            state("position", 3, take("observation/state", 0, 3)),
            state("quaternion", 4, take("observation/state", 3, 7)),
            fingers(take("observation/state", -1)),
        ),
        rate_hz=10.0,
    ),
    "iamlab_cmu_pickup_insert_converted_externally_to_rlds": Convention(
        cameras=PAIR,
        actions=(*_quaternion_pose("position", "rotation"), gripper(take("action", 7, 8))),
        state=JOINTS_AND_GRIPPER,
        rate_hz=20.0,
        note="absolute poses (catalogue), though octo counts them as deltas",
    ),
    "maniskill_dataset_converted_externally_to_rlds": Convention(
        cameras=PAIR,
        actions=_maniskill(),
        state=(
            state("position", 3, take("observation/tcp_pose", 0, 3), frame="world"),
            state("quaternion", 4, take("observation/tcp_pose", 3, 7), frame="world", rotation="quaternion_wxyz"),
            fingers(take("observation/state", 7, 8), unit="m"),
        ),
        rate_hz=20.0,
        note="simulated; 10 cm and 0.1 rad a unit, the gripper from -1 (closed) to 1",
    ),
    "cmu_franka_exploration_dataset_converted_externally_to_rlds": Convention(
        cameras=(static("highres_image"),),
        actions=(*delta_pose({"kind": "other"}, {"kind": "other"}), opening(take("action", 6, 7))),
        rate_hz=10.0,
        note="poses (catalogue) or deltas (octo); no state",
    ),
    "kaist_nonprehensile_converted_externally_to_rlds": Convention(
        cameras=(static("image"),),
        actions=(*delta_pose({}, {"rotation": "axis_angle"}), gripper(constant(take("action"), 1))),
        state=(
            state("position", 3, take("observation/state", -7, -4)),
            state("quaternion", 4, take("observation/state", -4), rotation="quaternion_xyzw"),
        ),
        rate_hz=10.0,
        note="nothing is grasped; joint gains (14 further numbers) are left out",
    ),
    "stanford_robocook_converted_externally_to_rlds": Convention(
        cameras=tuple(static(f"image_{number}") for number in range(1, 5)),
        actions=(*delta_pose(SPEED, TURN_RATE), opening(take("action", 6))),
        state=(
            state("position", 3, take("observation/state", 0, 3)),
            state("rotation", 3, take("observation/state", 3, 6)),
            fingers(take("observation/state", -1)),
        ),
        rate_hz=5.0,
        note="velocities, the gripper's too",
    ),
    **dict.fromkeys([f"libero_{suite}_no_noops" for suite in ("spatial", "object", "goal", "10")], _libero()),
}
