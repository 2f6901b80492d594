"""The first data sets of Open X-Embodiment: those RT-1-X was trained on besides BridgeData, and two for pushing.

Sources, for all tables here: ``oxe_dataset_configs.py`` and ``oxe_standardization_transforms.py`` of octo (241fb35) and
their copies in openvla (c8f03f4); cameras, shapes and units from the catalogue of tensorflow_datasets
(``docs/catalog/NAME.md``); swapped colours from ``prepare_open_x.sh`` of kpertsch/rlds_dataset_mod; control rates from
``openx/configs.yaml`` of lerobot (7034203), which quotes the spreadsheet of Open X-Embodiment. Where octo empties the
instruction and openvla keeps it, it is kept.
"""

from collections.abc import Mapping

from robovlms.data.oxe.components import (
    BASE,
    METRES,
    RADIANS,
    RPY,
    SPEED,
    TURN_RATE,
    fingers,
    gripper,
    joints,
    no_rotation,
    opening,
    position,
    rotation,
    state,
    world_vector,
)
from robovlms.data.oxe.convention import Convention, static, wrist
from robovlms.data.oxe.numbers import apply, constant, join, take
from robovlms.data.oxe.oddities import absolute_gripper, clipped, inverted, padded_text

NATURAL = "observation/natural_language_instruction"
CLOSEDNESS = take("action/gripper_closedness_action")
FROM_CHANGES = gripper(apply(absolute_gripper, CLOSEDNESS))
FROM_CLOSEDNESS = gripper(apply(inverted, apply(clipped, CLOSEDNESS)))
PLANE = take("action")
TACO = "action/rel_actions_world"

RTX: Mapping[str, Convention] = {
    "fractal20220817_data": Convention(
        cameras=(static("image"),),
        actions=(*world_vector(METRES | BASE, RADIANS | RPY | BASE), FROM_CHANGES),
        state=(
            state("position", 3, take("observation/base_pose_tool_reached", 0, 3), unit="m", frame="base"),
            state("quaternion", 4, take("observation/base_pose_tool_reached", 3, 7), frame="base"),
            fingers(take("observation/gripper_closed")),
        ),
        rate_hz=3.0,
        language=NATURAL,
        note="RT-1; SimplerEnv drives the robot with metres and radians",
    ),
    "kuka": Convention(
        cameras=(static("image"),),
        actions=(*world_vector({}, {}), FROM_CHANGES),
        state=(
            state("position", 3, take("observation/clip_function_input/base_pose_tool_reached", 0, 3), frame="base"),
            state("quaternion", 4, take("observation/clip_function_input/base_pose_tool_reached", 3, 7), frame="base"),
            fingers(take("observation/gripper_closed")),
        ),
        rate_hz=10.0,
        language=NATURAL,
        note="QT-Opt; openvla trains on the successful episodes only",
    ),
    "taco_play": Convention(
        cameras=(static("rgb_static"), wrist("rgb_gripper")),
        actions=(
            position(take(TACO, 0, 3), **BASE),
            rotation(take(TACO, 3, 6), **BASE),
            gripper(apply(clipped, take(TACO, 6))),
        ),
        state=(
            state("position", 3, take("observation/robot_obs", 0, 3)),
            state("rotation", 3, take("observation/robot_obs", 3, 6)),
            fingers(take("observation/robot_obs", 6, 7)),
        ),
        rate_hz=15.0,
        language=NATURAL,
        note="1 opens (octo), though the catalogue says that it closes; octo's gripper state is a joint",
    ),
    "jaco_play": Convention(
        cameras=(static("image"), wrist("image_wrist")),
        actions=(position(take("action/world_vector")), no_rotation(CLOSEDNESS), FROM_CHANGES),
        state=(state("pose", 7, take("observation/end_effector_cartesian_pos")),),
        rate_hz=10.0,
        language=NATURAL,
        note="never turns",
    ),
    "berkeley_cable_routing": Convention(
        cameras=(static("image"), static("top_image"), wrist("wrist45_image"), wrist("wrist225_image")),
        actions=(*world_vector(SPEED, TURN_RATE), gripper(constant(take("action/world_vector"), 1))),
        state=(state("robot_state", 7, take("observation/robot_state")),),
        rate_hz=10.0,
        language=NATURAL,
        note="velocities; the gripper stays closed",
    ),
    "roboturk": Convention(
        cameras=(static("front_rgb"),),
        actions=(*world_vector({}, {}), FROM_CLOSEDNESS),
        rate_hz=10.0,
        language=NATURAL,
        note="no state",
    ),
    "nyu_door_opening_surprising_effectiveness": Convention(
        cameras=(wrist("image"),),
        actions=(*world_vector(SPEED, TURN_RATE), FROM_CHANGES),
        rate_hz=3.0,
        language=NATURAL,
        note="velocities; no state, and only a camera at the hand",
    ),
    "viola": Convention(
        cameras=(static("agentview_rgb"), wrist("eye_in_hand_rgb")),
        actions=(*world_vector({}, {}), FROM_CLOSEDNESS),
        state=(joints(take("observation/joint_states")), fingers(take("observation/gripper_states"))),
        rate_hz=20.0,
        language=NATURAL,
    ),
    "berkeley_autolab_ur5": Convention(
        cameras=(static("image"), wrist("hand_image", bgr=True)),
        actions=(*world_vector({}, RPY), FROM_CHANGES),
        state=(
            state("position", 3, take("observation/robot_state", 6, 9)),
            state("quaternion", 4, take("observation/robot_state", 9, 13)),
            fingers(take("observation/robot_state", 13, 14)),
        ),
        rate_hz=5.0,
        language=NATURAL,
    ),
    "toto": Convention(
        cameras=(static("image"),),
        actions=(*world_vector({"kind": "other"}, {"kind": "other"}), gripper(take("action/open_gripper"))),
        state=(joints(take("observation/state")),),
        rate_hz=30.0,
        language=NATURAL,
        note="no source states whether poses are absolute; octo counts them as deltas",
    ),
    "language_table": Convention(
        cameras=(static("rgb"),),
        actions=(
            position(join(PLANE, constant(PLANE, 1))),
            no_rotation(PLANE),
            gripper(constant(PLANE, 1, 1.0)),
        ),
        state=(state("position", 2, take("observation/effector_translation")),),
        rate_hz=10.0,
        language="observation/instruction",
        words=padded_text,
        note="moves in the plane; the instruction is an array of bytes",
    ),
    "columbia_cairlab_pusht_real": Convention(
        cameras=(static("image"), wrist("wrist_image")),
        actions=(*world_vector({}, RPY), opening(CLOSEDNESS, low=-1.0, high=1.0)),
        state=(state("position", 2, take("observation/robot_state")),),
        rate_hz=10.0,
        language=NATURAL,
        note="the gripper's numbers are changes (1 closes), as recorded",
    ),
}
