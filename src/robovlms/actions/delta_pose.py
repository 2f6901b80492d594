"""The action convention of CALVIN and of the tabletop: small changes of the commanded pose, and a gripper."""

from robovlms.actions.spec import ActionComponent, ActionSpec


def delta_pose_spec(position_m: float, rotation_rad: float, rate_hz: float) -> ActionSpec:
    """Seven numbers in [-1, 1]: delta position, delta Euler xyz, gripper (-1 closed, 1 open).

    Args:
        position_m: What a position component of 1 adds to the commanded position, along the base's axes (m).
        rotation_rad: What a rotation component of 1 adds to a commanded Euler angle (rad).
        rate_hz: Control steps a second.
    """
    return ActionSpec(
        components=(
            ActionComponent(
                name="delta_position",
                dims=3,
                kind="delta_position",
                unit="m",
                scale=position_m,
                frame="base",
                reference="commanded",
            ),
            ActionComponent(
                name="delta_orientation",
                dims=3,
                kind="delta_rotation",
                unit="rad",
                scale=rotation_rad,
                frame="base",
                reference="commanded",
                rotation="euler_xyz",
            ),
            ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1.0, gripper_open=1.0),
        ),
        rate_hz=rate_hz,
    )
