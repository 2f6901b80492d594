"""One task's robosuite environment, reset and stepped as the package does it, without what nobody reads.

The package computes some thirty observables at each of 25 physics steps and MuJoCo's forward pass three times, and
builds the model anew at each reset. Here the same states come of less: bit by bit those of a new environment of the
package that was seeded, reset, and given the initial state.

Observations are those of the package too, and with them those of its demonstrations: robosuite takes them after the
24th of 25 physics steps, where images and the tool's pose still show the moment before it.
"""

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float

from robovlms.worlds.libero.package import load, silence

SETTLE_STEPS = 10
"""Control steps at rest, gripper open, before an episode begins: objects fall into place."""

Seen = TypeVar("Seen")

_REST = np.array([0, 0, 0, 0, 0, 0, -1.0])


@dataclass(frozen=True, slots=True)
class Saved:
    """MuJoCo's states before the last two physics steps, what the controller keeps, and what changes in the model.

    Both steps are taken again on the way back, so that what is seen between them is seen again.
    """

    states: Float[np.ndarray, "2 _"]
    orientation_goal: Float[np.ndarray, "3 3"]
    gripper: Float[np.ndarray, " _"]
    model: tuple[np.ndarray, ...]
    burners: dict[str, dict[str, Any]]


class Simulator:
    """A task's scene; ``env`` is the package's own environment.

    Args:
        scene: The task's bddl file.
    """

    def __init__(self, scene: Path):
        self._mujoco = load("mujoco")
        with silence():
            self._wrapper = load("libero.libero.envs.env_wrapper").ControlEnv(
                bddl_file_name=str(scene), use_camera_obs=False, has_offscreen_renderer=False, hard_reset=False
            )
            self.env: Any = self._wrapper.env
            self.env._load_model()  # a second time, as the package's first reset does: it draws one number more then
            self.env._initialize_sim()
        self.model, self.data = self.env.sim.model._model, self.env.sim.data._data
        self._num_steps = int(self.env.control_timestep / self.env.model_timestep)
        self._new, self._new_burners = self._changing(), self._burners()
        with _numpy_seed(0), silence():
            self.env._reset_internal()  # makes the controller, which a state that is loaded first needs
        self._kind = self._mujoco.mjtState.mjSTATE_INTEGRATION
        self._states = np.empty((2, self._mujoco.mj_stateSize(self.model, self._kind)))

    def reset(self, state: Float[np.ndarray, " _"], seed: int, observe: Callable[[], Seen]) -> Seen:
        """Place fixtures by ``seed``, all else by the state (time, qpos, qvel), let it settle, and observe."""
        self._set_changing(self._new, self._new_burners)
        self.env.sim.reset()
        self.env.sim.forward()
        with _numpy_seed(seed), silence():
            self.env._reset_internal()
        gripper = self.env.robots[0].gripper
        gripper.current_action = np.zeros(gripper.dof)  # a new one, as the package has after each reset
        self.env.sim.forward()
        self.env.visualize(dict.fromkeys(self.env._visualizations, False))
        self._wrapper.set_state(state)
        self.env.sim.forward()
        self.env._check_success()
        self.env._post_process()
        for _ in range(SETTLE_STEPS - 1):
            self.step(_REST, lambda: None)
        return self.step(_REST, observe)[0]

    def step(self, action: Float[np.ndarray, "7"], observe: Callable[[], Seen]) -> tuple[Seen, bool]:
        """One control step, a twentieth of a second: what was seen on the way, and whether the goal holds after it."""
        for number in range(self._num_steps - 2):
            self._advance(action, new=number == 0)
        self._advance(action, keep=0)
        seen = observe()
        self._advance(action, keep=1)
        self.env._post_process()
        return seen, bool(self.env._check_success())

    def save(self) -> Saved:
        """The exact state; only after ``reset``."""
        robot = self.env.robots[0]
        goal, gripper = robot.controller.goal_ori, robot.gripper.current_action
        return Saved(self._states.copy(), np.array(goal), np.array(gripper), self._changing(), self._burners())

    def load(self, saved: Saved, observe: Callable[[], Seen]) -> Seen:
        """Return to a state of this task, in this simulator or in another; what follows is bit-identical."""
        self._set_changing(saved.model, saved.burners)
        self._states[:] = saved.states
        self._redo(self._states[0])
        seen = observe()
        self._redo(self._states[1])
        robot = self.env.robots[0]
        robot.controller.goal_ori, robot.controller.new_update = saved.orientation_goal.copy(), True
        robot.gripper.current_action = saved.gripper.copy()
        return seen

    def proprioception(self) -> Float[np.ndarray, "8"]:
        """Tool position (m), its orientation as robosuite's axis-angle (rad), both fingers' joint positions (m)."""
        transforms, robot, data = load("robosuite.utils.transform_utils"), self.env.robots[0], self.env.sim.data
        quaternion = np.roll(data.get_body_xquat(robot.robot_model.eef_name), -1)
        turn = transforms.quat2axisangle(quaternion)
        fingers = data.qpos[robot._ref_gripper_joint_pos_indexes]
        return np.concatenate([data.site_xpos[robot.eef_site_id], turn, fingers])

    def _advance(self, action: Float[np.ndarray, "7"], new: bool = False, keep: int | None = None) -> None:
        """One physics step; ``new`` sets the controller's goal, ``keep`` is where to note the state before it."""
        self.env._pre_action(action, policy_step=new)  # the controller computes all that precedes the actuators
        if keep is not None:
            self._mujoco.mj_getState(self.model, self.data, self._states[keep], self._kind)
        self._mujoco.mj_step2(self.model, self.data)

    def _redo(self, state: Float[np.ndarray, " _"]) -> None:
        self._mujoco.mj_setState(self.model, self.data, state, self._kind)
        self._mujoco.mj_step(self.model, self.data)

    def _changing(self) -> tuple[np.ndarray, ...]:
        """What resets and steps change in the model: where fixtures stand, which sites are seen."""
        return self.model.body_pos.copy(), self.model.body_quat.copy(), self.model.site_rgba.copy()

    def _burners(self) -> dict[str, dict[str, Any]]:
        """Which of the sites that show a state, such as a burning stove, are to be seen."""
        names = self.env.visualization_sites_list
        return {name: dict(self.env.get_object(name).object_properties["vis_site_names"]) for name in names}

    def _set_changing(self, model: tuple[np.ndarray, ...], burners: dict[str, dict[str, Any]]) -> None:
        self.model.body_pos[:], self.model.body_quat[:], self.model.site_rgba[:] = model
        for name, sites in burners.items():
            self.env.get_object(name).object_properties["vis_site_names"].update(sites)


@contextlib.contextmanager
def _numpy_seed(seed: int) -> Generator[None]:
    """The package draws from numpy's global generator; what others draw from it stays as it was."""
    before = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(before)
