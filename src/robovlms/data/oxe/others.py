"""Further data sets of Open X-Embodiment: other arms, joint commands, and those that came later. For sources see
``rtx``; the further ones are named beside.
"""

from collections.abc import Mapping

from robovlms.data.oxe.components import (
    BASE,
    METRES,
    RADIANS,
    RPY,
    UNIT_RANGE,
    delta_pose,
    fingers,
    gripper,
    joint_changes,
    joints,
    no_rotation,
    opening,
    position,
    rotation,
    state,
)
from robovlms.data.oxe.convention import Convention, static, wrist
from robovlms.data.oxe.numbers import apply, take
from robovlms.data.oxe.oddities import differences, inverted

RESIDUAL = {"reference": "measured"} | BASE
EULER_STATE = (
    state("position", 3, take("observation/state", 0, 3)),
    state("rotation", 3, take("observation/state", 3, 6)),
    fingers(take("observation/state", -1)),
)
VELOCITY = "action_dict/cartesian_velocity"

OTHERS: Mapping[str, Convention] = {
    "ucsd_kitchen_dataset_converted_externally_to_rlds": Convention(
        cameras=(static("image"),),
        actions=(*delta_pose({"kind": "position"}, {"kind": "rotation"}), opening(take("action", 6, 7))),
        state=(joints(take("observation/state", 0, 7)),),
        rate_hz=2.0,
        note="absolute poses (catalogue), though octo counts them as deltas",
    ),
    "ucsd_pick_and_place_dataset_converted_externally_to_rlds": Convention(
        cameras=(static("image"),),
        actions=(position(take("action", 0, 3)), no_rotation(take("action")), opening(take("action", -1))),
        state=EULER_STATE,
        rate_hz=3.0,
        note="gripper velocities and a torque, without units; never turns",
    ),
    "bc_z": Convention(
        cameras=(static("image"),),
        actions=(
            position(take("action/future/xyz_residual", 0, 3), **RESIDUAL),
            rotation(take("action/future/axis_angle_residual", 0, 3), **RADIANS, **RESIDUAL, rotation="axis_angle"),
            gripper(apply(inverted, take("action/future/target_close", 0, 1))),
        ),
        state=(
            state("position", 3, take("observation/present/xyz"), frame="base"),
            state("rotation", 3, take("observation/present/axis_angle"), unit="rad", rotation="axis_angle"),
            fingers(take("observation/present/sensed_close")),
        ),
        rate_hz=10.0,
        language="observation/natural_language_instruction",
        note="the first of ten future actions; use version 0.1.0 (openvla: later ones are broken)",
    ),
    "dlr_edan_shared_control_converted_externally_to_rlds": Convention(
        cameras=(static("image"),),
        actions=(
            *delta_pose({"kind": "other"}, {"kind": "other"}),
            gripper(apply(inverted, take("action", -1))),
        ),
        state=EULER_STATE,
        rate_hz=5.0,
        note="poses (catalogue) or deltas (octo); angles in the order zxy",
    ),
    "berkeley_fanuc_manipulation": Convention(
        cameras=(static("image", bgr=True), wrist("wrist_image", bgr=True)),
        actions=(*delta_pose({}, RPY), gripper(apply(inverted, take("observation/state", 6, 7)))),
        state=(joints(take("observation/state", 0, 6), dims=6), fingers(take("observation/state", 6, 7))),
        rate_hz=10.0,
        note="no gripper action was stored: it is the gripper's state, inverted",
    ),
    "cmu_stretch": Convention(
        cameras=(static("image"),),
        actions=(*delta_pose({"kind": "other"}, {"kind": "other"}), gripper(take("action", 6, 7))),
        state=(state("position", 3, take("observation/state", 0, 3)), fingers(take("observation/state", -1))),
        rate_hz=10.0,
        note="poses (catalogue) or deltas (octo)",
    ),
    "nyu_rot_dataset_converted_externally_to_rlds": Convention(
        cameras=(static("image"),),
        actions=(*delta_pose({}, RPY), gripper(take("action", 6, 7), closed=1.0, opened=0.0)),
        state=EULER_STATE,
        rate_hz=3.0,
        note="the gripper as recorded: 1 is closed",
    ),
    "stanford_kuka_multimodal_dataset_converted_externally_to_rlds": Convention(
        cameras=(static("image"),),
        actions=(
            position(take("action", 0, 3), kind="other"),
            no_rotation(take("action")),
            opening(take("action", -1)),
        ),
        state=(
            state("position", 3, take("observation/ee_position")),
            state("quaternion", 4, take("observation/ee_orientation")),
        ),
        rate_hz=20.0,
        note="poses (catalogue) or deltas (octo); never turns",
    ),
    "berkeley_mvp_converted_externally_to_rlds": Convention(
        cameras=(wrist("hand_image"),),
        actions=(joint_changes(take("action", 0, 7)), gripper(apply(inverted, take("action", -1)))),
        state=(
            state("position", 3, take("observation/pose", 0, 3), frame="base"),
            state("quaternion", 4, take("observation/pose", 3, 7), frame="base"),
            fingers(take("observation/gripper")),
        ),
        rate_hz=5.0,
        note="joint changes; only a camera at the hand",
    ),
    "berkeley_rpt_converted_externally_to_rlds": Convention(
        cameras=(wrist("hand_image"),),
        actions=(
            joint_changes(apply(differences, take("observation/joint_pos", 0, 7))),
            gripper(apply(inverted, take("action", -1))),
        ),
        state=(joints(take("observation/joint_pos", 0, 7)), fingers(take("observation/gripper"))),
        rate_hz=10.0,
        every=3,
        last=1,
        note="every third of 30 steps a second; joint changes are what was reached",
    ),
    "droid": Convention(
        cameras=(static("exterior_image_1_left"), static("exterior_image_2_left"), wrist("wrist_image_left")),
        actions=(
            position(take(VELOCITY, 0, 3), **METRES, **BASE, **UNIT_RANGE, scale=0.075),
            rotation(take(VELOCITY, 3, 6), **RADIANS, **BASE, **UNIT_RANGE, scale=0.15),
            opening(apply(inverted, take("action_dict/gripper_position")), low=0.0, high=1.0),
        ),
        state=(
            state("position", 3, take("observation/cartesian_position", 0, 3), unit="m", frame="base"),
            state("rotation", 3, take("observation/cartesian_position", 3, 6), unit="rad", frame="base"),
            fingers(take("observation/gripper_position")),
        ),
        rate_hz=15.0,
        note="7.5 cm and 0.15 rad a unit (droid/robot_ik/robot_ik_solver.py); openvla skips steps that stand still",
    ),
    "fmb": Convention(
        cameras=(
            static("image_side_1"),
            static("image_side_2"),
            wrist("image_wrist_1"),
            wrist("image_wrist_2"),
        ),
        actions=(*delta_pose(), opening(take("action", 6))),
        state=(
            state("position", 3, take("observation/eef_pose", 0, 3)),
            state("quaternion", 4, take("observation/eef_pose", 3, 7)),
            fingers(take("observation/state_gripper_pose")),
        ),
        rate_hz=10.0,
    ),
    "dobbe": Convention(
        cameras=(wrist("wrist_image"),),
        actions=(*delta_pose(), opening(take("action", 6))),
        state=EULER_STATE,
        rate_hz=3.75,
        note="only a camera at the hand",
    ),
}
