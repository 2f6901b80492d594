"""The action that keeps a robot where it is, for control steps in which a policy has no plan yet."""

import numpy as np
from jaxtyping import Float

from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.errors import UserError

NO_ROTATION = {"quaternion_xyzw": (0, 0, 0, 1), "rotation_6d": (1, 0, 0, 0, 1, 0)}


def hold_action(spec: ActionSpec, last: Float[np.ndarray, " a"] | None = None) -> Float[np.ndarray, " a"]:
    """No motion; grippers and absolute targets stay at the ``last`` command, as letting go would drop what is held.

    Before any command a gripper is opened.

    Raises:
        UserError: a component that is neither a motion nor a gripper, before any command: only the robot's measured
            pose would hold it.
    """
    action = np.zeros(spec.dims, np.float32) if last is None else last.copy()
    for component in spec.components:
        columns = spec.slice_of(component.name)
        if _is_motion(component):
            action[columns] = NO_ROTATION.get(component.rotation or "", 0)
        elif last is None:
            action[columns] = _opened(component)
    return action


def _is_motion(component: ActionComponent) -> bool:
    return component.kind.startswith("delta_") or component.unit in ("m/s", "rad/s")


def _opened(component: ActionComponent) -> float:
    if component.kind == "gripper" and component.gripper_open is not None:
        return component.gripper_open
    raise UserError(
        f"No action holds component '{component.name}' ({component.kind}) before the first command: it is absolute, "
        "expected a delta, a velocity or a gripper. Use an executor without a latency (no @DELAY)."
    )
