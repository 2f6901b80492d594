"""Shapes of published features, from ``docs/catalog/NAME.md`` of tensorflow_datasets: what a table may name.

``furniture_bench`` is from octo's configuration and transform, ``language_table`` from ``language_table.py`` of
tensorflow_datasets, ``droid`` from the schema on its documentation pages, ``libero`` from openvla's transform.
"""

NATURAL = "observation/natural_language_instruction"
SPOKEN = "language_instruction"
EXTERNAL = "_converted_externally_to_rlds"
WORLD = {"action/world_vector": (3,), "action/rotation_delta": (3,)}
CHANGE = {"action/gripper_closedness_action": (1,)}
SCALAR_CHANGE = {"action/gripper_closedness_action": ()}
KUKA_POSE = "observation/clip_function_input/base_pose_tool_reached"


def _row(cameras, numbers, language=SPOKEN, action=None):
    """(camera features, shapes of number features by path, feature of the instruction)."""
    return cameras.split(), numbers | ({"action": (action,)} if action else {}), language


def _state(size):
    return {"observation/state": (size,)}


LIBERO = _row("image wrist_image", _state(8), action=7)
CATALOGUE = {
    "fractal20220817_data": _row(
        "image",
        WORLD | CHANGE | {"observation/base_pose_tool_reached": (7,), "observation/gripper_closed": (1,)},
        NATURAL,
    ),
    "kuka": _row("image", WORLD | CHANGE | {KUKA_POSE: (7,), "observation/gripper_closed": (1,)}, NATURAL),
    "bridge": _row("image", WORLD | {"action/open_gripper": ()} | _state(7), NATURAL),
    "bridge_dataset": _row("image_0 image_1 image_2 image_3", _state(7), action=7),
    "bridge_orig": _row("image_0 image_1 image_2 image_3", _state(7), action=7),
    "taco_play": _row(
        "rgb_static rgb_gripper", {"action/rel_actions_world": (7,), "observation/robot_obs": (15,)}, NATURAL
    ),
    "jaco_play": _row(
        "image image_wrist",
        CHANGE | {"action/world_vector": (3,), "observation/end_effector_cartesian_pos": (7,)},
        NATURAL,
    ),
    "berkeley_cable_routing": _row(
        "image top_image wrist45_image wrist225_image", WORLD | {"observation/robot_state": (7,)}, NATURAL
    ),
    "roboturk": _row("front_rgb", WORLD | CHANGE, NATURAL),
    "nyu_door_opening_surprising_effectiveness": _row("image", WORLD | CHANGE, NATURAL),
    "viola": _row(
        "agentview_rgb eye_in_hand_rgb",
        WORLD | SCALAR_CHANGE | {"observation/joint_states": (7,), "observation/gripper_states": (1,)},
        NATURAL,
    ),
    "berkeley_autolab_ur5": _row(
        "image hand_image", WORLD | SCALAR_CHANGE | {"observation/robot_state": (15,)}, NATURAL
    ),
    "toto": _row("image", WORLD | {"action/open_gripper": ()} | _state(7), NATURAL),
    "language_table": _row("rgb", {"observation/effector_translation": (2,)}, "observation/instruction", action=2),
    "columbia_cairlab_pusht_real": _row(
        "image wrist_image", WORLD | SCALAR_CHANGE | {"observation/robot_state": (2,)}, NATURAL
    ),
    f"stanford_hydra_dataset{EXTERNAL}": _row("image wrist_image", _state(27), action=7),
    f"austin_buds_dataset{EXTERNAL}": _row("image wrist_image", _state(24), action=7),
    f"austin_sailor_dataset{EXTERNAL}": _row("image wrist_image", _state(8), action=7),
    f"austin_sirius_dataset{EXTERNAL}": _row("image wrist_image", _state(8), action=7),
    "utaustin_mutex": _row("image wrist_image", _state(24), action=7),
    f"nyu_franka_play_dataset{EXTERNAL}": _row("image image_additional_view", _state(13), action=15),
    f"furniture_bench_dataset{EXTERNAL}": _row("image wrist_image", _state(8), action=8),
    f"iamlab_cmu_pickup_insert{EXTERNAL}": _row("image wrist_image", _state(20), action=8),
    f"maniskill_dataset{EXTERNAL}": _row("image wrist_image", _state(18) | {"observation/tcp_pose": (7,)}, action=7),
    f"cmu_franka_exploration_dataset{EXTERNAL}": _row("highres_image image", {}, action=8),
    f"kaist_nonprehensile{EXTERNAL}": _row("image", _state(21), action=20),
    f"stanford_robocook{EXTERNAL}": _row("image_1 image_2 image_3 image_4", _state(7), action=7),
    f"ucsd_kitchen_dataset{EXTERNAL}": _row("image", _state(21), action=8),
    f"ucsd_pick_and_place_dataset{EXTERNAL}": _row("image", _state(7), action=4),
    "bc_z": _row(
        "image",
        {
            "action/future/xyz_residual": (30,),
            "action/future/axis_angle_residual": (30,),
            "action/future/target_close": (10,),
            "observation/present/xyz": (3,),
            "observation/present/axis_angle": (3,),
            "observation/present/sensed_close": (1,),
        },
        NATURAL,
    ),
    f"dlr_edan_shared_control{EXTERNAL}": _row("image", _state(7), action=7),
    "berkeley_fanuc_manipulation": _row("image wrist_image", _state(13), action=6),
    "cmu_stretch": _row("image", _state(4), action=8),
    f"nyu_rot_dataset{EXTERNAL}": _row("image", _state(7), action=7),
    f"stanford_kuka_multimodal_dataset{EXTERNAL}": _row(
        "image", {"observation/ee_position": (3,), "observation/ee_orientation": (4,)}, action=4
    ),
    f"berkeley_mvp{EXTERNAL}": _row("hand_image", {"observation/pose": (7,), "observation/gripper": ()}, action=8),
    f"berkeley_rpt{EXTERNAL}": _row("hand_image", {"observation/joint_pos": (7,), "observation/gripper": ()}, action=8),
    "droid": _row(
        "exterior_image_1_left exterior_image_2_left wrist_image_left",
        {
            "action_dict/cartesian_velocity": (6,),
            "action_dict/gripper_position": (1,),
            "observation/cartesian_position": (6,),
            "observation/gripper_position": (1,),
        },
    ),
    "fmb": _row(
        "image_side_1 image_side_2 image_wrist_1 image_wrist_2",
        {"observation/eef_pose": (7,), "observation/state_gripper_pose": ()},
        action=7,
    ),
    "dobbe": _row("wrist_image", _state(7), action=7),
    "libero_spatial_no_noops": LIBERO,
    "libero_object_no_noops": LIBERO,
    "libero_goal_no_noops": LIBERO,
    "libero_10_no_noops": LIBERO,
}
