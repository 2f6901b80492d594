"""The physics of one scene: load it, move the tool, read it. No pixels and no tasks."""

from typing import Any

import numpy as np
from jaxtyping import Float

from robovlms.worlds.gl import import_mujoco
from robovlms.worlds.tabletop import robot
from robovlms.worlds.tabletop.conventions import POSITION_SCALE_M, RATE_HZ, ROTATION_SCALE_RAD
from robovlms.worlds.tabletop.fixtures import BULB_RGBA, LED_RGBA
from robovlms.worlds.tabletop.geometry import (
    FINGER_OPEN,
    TILT_LIMIT,
    WORKSPACE_HIGH,
    WORKSPACE_LOW,
    YAW_LIMIT,
)
from robovlms.worlds.tabletop.scene import TIMESTEP_S, mjcf
from robovlms.worlds.tabletop.scenes import SceneSpec

_SUBSTEPS = round(1 / (RATE_HZ * TIMESTEP_S))
_POSE_LOW = np.concatenate([WORKSPACE_LOW, [-TILT_LIMIT, -TILT_LIMIT, -YAW_LIMIT]])
_POSE_HIGH = np.concatenate([WORKSPACE_HIGH, [TILT_LIMIT, TILT_LIMIT, YAW_LIMIT]])
_SCALE = np.array([POSITION_SCALE_M] * 3 + [ROTATION_SCALE_RAD] * 3)
_LEAD = np.array([0.06] * 3 + [0.35] * 3)
"""How far the commanded pose may run ahead of the measured one: it pushes, but winds up no further (m, rad)."""
FIXTURES = ("cabinet", "drawer", "switch", "button")
BUTTON_DOWN_M, BUTTON_UP_M = 0.008, 0.004
BULB_RAD = 0.2
"""The bulb changes when the lever passes this angle on the other side of its middle."""


class Simulation:
    """MuJoCo model and data of a scene, with everything looked up by name once.

    ``target`` is the commanded tool pose (position, Euler xyz), ``grip`` the last gripper command (-1 or 1);
    ``revision`` grows whenever what can be read has changed; ``block_half`` are the half sizes of the blocks (m),
    ``distractors`` the loose bodies that no task names.
    """

    def __init__(self, spec: SceneSpec):
        self.mujoco = import_mujoco()
        self.model = self.mujoco.MjModel.from_xml_string(*mjcf(spec))
        self.data = self.mujoco.MjData(self.model)
        self._qpos = {name: int(self.model.joint(name).qposadr[0]) for name in self._joint_names()}
        self._qvel = {name: int(self.model.joint(name).dofadr[0]) for name in self._joint_names()}
        # Joints are ordered yaw, pitch, roll; a pose is Euler xyz: roll, pitch, yaw.
        self._tool = np.array([self._qpos[robot.JOINTS[i]] for i in (0, 1, 2, 5, 4, 3)])
        self._joints = np.array([self._qpos[name] for name in robot.JOINTS])
        self._fingers = np.array([self._qpos["finger_left"], self._qpos["finger_right"]])
        kinds = self.mujoco.mjtState
        # All the future depends on; what is left out is the drawn arm.
        self._state_kind = int(kinds.mjSTATE_FULLPHYSICS | kinds.mjSTATE_CTRL | kinds.mjSTATE_WARMSTART)
        self.block_half = {block.name: block.half for block in spec.blocks}
        self.distractors = tuple(one.name for one in spec.distractors)
        self.nominal = {name: self.model.body(name).pos.copy() for name in FIXTURES}
        self._glow = {name: int(self.model.geom(name).id) for name in ("bulb", "led")}
        self.target, self.grip, self.revision = np.zeros(6), 1.0, 0
        self.bulb, self.led, self.pressed = False, False, False

    def _joint_names(self) -> list[str]:
        return [self.model.joint(i).name for i in range(self.model.njnt)]

    def joint(self, name: str) -> float:
        """Position of a one-dimensional joint."""
        return float(self.data.qpos[self._qpos[name]])

    def set_joint(self, name: str, value: float) -> None:
        """Put a one-dimensional joint at ``value``, at rest."""
        self.data.qpos[self._qpos[name]] = value
        self.data.qvel[self._qvel[name]] = 0

    def set_free(self, name: str, position: np.ndarray, quaternion: np.ndarray) -> None:
        """Put a free body at a pose, at rest."""
        start, speed = self._qpos[name], self._qvel[name]
        self.data.qpos[start : start + 7] = np.concatenate([position, quaternion])
        self.data.qvel[speed : speed + 6] = 0

    def free(self, name: str) -> Float[np.ndarray, "3"]:
        """Position of a free body (m)."""
        start = self._qpos[name]
        return self.data.qpos[start : start + 3].copy()

    @property
    def pose(self) -> Float[np.ndarray, "6"]:
        """Measured tool pose: position (m) and Euler xyz (rad)."""
        return self.data.qpos[self._tool]

    @property
    def joints(self) -> Float[np.ndarray, "7"]:
        """The robot's joint positions, in the order of ``robot.JOINTS``."""
        return self.data.qpos[self._joints]

    @property
    def width(self) -> float:
        """Opening of the gripper (m)."""
        return float(self.data.qpos[self._fingers].sum())

    def set_tool(self, pose: Float[np.ndarray, "6"], width: float) -> None:
        """Put the tool at a pose with the gripper open by ``width``, at rest, and command it to stay."""
        self.data.qpos[self._tool] = pose
        self.data.qpos[self._fingers] = width / 2
        self.target = np.array(pose, dtype=float)
        self.command(np.zeros(6), self.grip)

    def command(self, delta: Float[np.ndarray, "6"], grip: float) -> None:
        """Move the commanded pose by a normalised ``delta`` and the gripper to ``grip`` (below 0 closes)."""
        measured = self.pose
        ahead = np.clip(self.target + delta * _SCALE - measured, -_LEAD, _LEAD)
        self.target = np.clip(measured + ahead, _POSE_LOW, _POSE_HIGH)
        self.grip = -1.0 if grip < 0 else 1.0
        x, y, z, roll, pitch, yaw = self.target
        self.data.ctrl[:] = (x, y, z, yaw, pitch, roll, FINGER_OPEN if self.grip > 0 else 0.0)

    def advance(self, substeps: int = _SUBSTEPS) -> None:
        """Step the physics, switch the lights, and bring everything that is read up to date."""
        self.mujoco.mj_step(self.model, self.data, substeps)
        self.switch_lights()
        self.refresh()

    def switch_lights(self) -> None:
        """The lever sets the bulb, with hysteresis; pressing the button toggles the LED once."""
        lever, button = self.joint("switch"), self.joint("button")
        if abs(lever) > BULB_RAD:
            self.bulb = lever > 0
        if button > BUTTON_DOWN_M and not self.pressed:
            self.led, self.pressed = not self.led, True
        elif button < BUTTON_UP_M:
            self.pressed = False

    def refresh(self) -> None:
        """Bring poses and contacts up to date with the state; forces, and so the next step, are left alone."""
        self.mujoco.mj_kinematics(self.model, self.data)
        self.mujoco.mj_camlight(self.model, self.data)
        self.mujoco.mj_collision(self.model, self.data)
        self.revision += 1

    def dress(self) -> None:
        """Pose what is only drawn, the arm and the lights, before a picture is taken."""
        pose = self.pose
        self.data.mocap_pos[:], self.data.mocap_quat[:] = robot.arm_poses(pose[:3], pose[3:])
        self.mujoco.mj_kinematics(self.model, self.data)
        self.model.geom_rgba[self._glow["bulb"]] = BULB_RGBA[self.bulb]
        self.model.geom_rgba[self._glow["led"]] = LED_RGBA[self.led]

    def move_fixture(self, name: str, position: Float[np.ndarray, "3"]) -> None:
        """Stand a fixture elsewhere; no recompilation."""
        self.model.body(name).pos[:] = position

    def save(self) -> dict[str, Any]:
        """Everything the future depends on."""
        state = np.empty(self.mujoco.mj_stateSize(self.model, self._state_kind))
        self.mujoco.mj_getState(self.model, self.data, state, self._state_kind)
        bodies = {name: self.model.body(name).pos.copy() for name in FIXTURES}
        lights = (self.bulb, self.led, self.pressed)
        return {"state": state, "bodies": bodies, "lights": lights, "target": self.target.copy(), "grip": self.grip}

    def load(self, saved: dict[str, Any]) -> None:
        """Return to a saved state."""
        for name, position in saved["bodies"].items():
            self.move_fixture(name, position)
        self.bulb, self.led, self.pressed = saved["lights"]
        self.target, self.grip = saved["target"].copy(), saved["grip"]
        self.mujoco.mj_setState(self.model, self.data, saved["state"], self._state_kind)
        self.refresh()
