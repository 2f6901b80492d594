"""The tabletop as a ``World``: scenes A to D, two cameras, 34 tasks, exact snapshots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from robovlms.actions.spec import ActionSpec, ObservationSpec
from robovlms.core.errors import UserError
from robovlms.core.protocols import SIMPLE
from robovlms.core.trace import Aim, Moment
from robovlms.core.types import Observation, Step
from robovlms.worlds.tabletop.cameras import Cameras
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, CAMERAS, ImageSize, observation_spec, sizes
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.placing import as_initial_state, place
from robovlms.worlds.tabletop.scenes import scene_spec
from robovlms.worlds.tabletop.sensing import Sensing
from robovlms.worlds.tabletop.settings import setting_of
from robovlms.worlds.tabletop.simulation import Simulation
from robovlms.worlds.tabletop.state import BLOCKS, SceneState
from robovlms.worlds.tabletop.tasks import TASKS, check
from robovlms.worlds.tabletop.tracing import aim_of


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The exact state of a world: physics, fixture places, lights, commanded pose, and the task being judged."""

    simulation: dict[str, Any]
    task: str | None
    before: SceneState | None


class Tabletop:
    """The embedded MuJoCo world; implements ``core.protocols.World``.

    Args:
        scene: 'A', 'B', 'C' or 'D'.
        image_size: side of the square images in pixels, one number or (static, wrist).
        setting: what is new about the scene, one of ``settings.SETTINGS``.

    Raises:
        UnknownName: no such scene or setting.
        UserError: an image size out of range; and, at the first rendered step, no OpenGL.
    """

    def __init__(self, scene: str = "D", image_size: ImageSize = 64, setting: str = SIMPLE):
        self.scene = setting_of(setting).change(scene_spec(scene))
        self._spec = observation_spec(image_size)
        self._sizes = dict(zip(CAMERAS, sizes(image_size), strict=True))
        self.simulation = Simulation(self.scene)
        self._sensing = Sensing(self.simulation)
        self._cameras = Cameras(self.simulation)
        self._task: str | None = None
        self._before: SceneState | None = None

    @property
    def tasks(self) -> Sequence[str]:
        """The 34 task names."""
        return TASKS

    @property
    def action_spec(self) -> ActionSpec:
        """Seven numbers in [-1, 1] at 10 Hz."""
        return ACTION_SPEC

    @property
    def observation_spec(self) -> ObservationSpec:
        """Cameras 'static' and 'wrist', 15-D state."""
        return self._spec

    def reset(self, initial_state: Any, seed: int, render: bool = True) -> Observation:
        """Put the world into ``initial_state`` (an ``InitialState`` or its dict).

        ``seed`` fixes the jitter of the fixtures, the blocks' poses in their regions and the tool's start.
        """
        place(self.simulation, as_initial_state(initial_state), np.random.default_rng(seed))
        self._task = self._before = None
        return self.observe(render)

    def begin_task(self, task: str) -> None:
        """Judge ``task`` against the state of this moment; nothing moves."""
        before = self.state()
        check(task, before, before)  # refuses an unknown name here, not at the first step
        self._task, self._before = task, before

    def step(self, action: np.ndarray, render: bool = True) -> Step:
        """Apply one action for a tenth of a second.

        Raises:
            UserError: not seven finite numbers.
        """
        command = np.asarray(action, dtype=float)
        if command.shape != (ACTION_SPEC.dims,) or not np.isfinite(command).all():
            raise UserError(f"Action: got {action!r}, expected seven finite numbers in [-1, 1].")
        command = np.clip(command, -1.0, 1.0)
        self.simulation.command(command[:6], float(command[6]))
        self.simulation.advance()
        return Step(observation=self.observe(render), success=self.succeeded())

    def succeeded(self) -> bool:
        """Whether the task begun last holds now; False where none was begun."""
        if self._task is None or self._before is None:
            return False
        return check(self._task, self._before, self.state())

    def observe(self, render: bool = True) -> Observation:
        """What a policy sees now; without ``render`` no images."""
        images = {name: self.render(name, size) for name, size in self._sizes.items()} if render else {}
        return Observation(images=images, state=self.robot_obs())

    def snapshot(self) -> Snapshot:
        """The exact state, to ``restore`` in this world or in another of the same scene."""
        return Snapshot(self.simulation.save(), self._task, self._before)

    def restore(self, snapshot: Snapshot, render: bool = True) -> Observation:
        """Return to a snapshot; futures are bit-identical."""
        self.simulation.load(snapshot.simulation)
        self._task, self._before = snapshot.task, snapshot.before
        return self.observe(render)

    def instructions(self, task: str, split: str) -> Sequence[str]:
        """Sentences for a task: ``split`` is 'train', 'validation' or 'novel'."""
        return instructions(task, split)

    def aim(self) -> Aim:
        """What the task begun last is about; raises ``UserError`` where none was begun."""
        if self._task is None or self._before is None:
            raise UserError("No task has begun, so nothing is aimed at. Call begin_task first.")
        return aim_of(self._task, self._before)

    def moment(self) -> Moment:
        """Where the tool and the objects are, and what the robot holds and touches."""
        return self._sensing.moment()

    def state(self) -> SceneState:
        """The privileged state that predicates, chains, captions and experts read."""
        return self._sensing.state()

    def fixtures(self) -> dict[str, Float[np.ndarray, "3"]]:
        """World positions (m): 'slider' and 'drawer' (handles), 'switch' (lever tip), 'button', 'bulb', 'led'."""
        return self._sensing.fixtures()

    def robot_obs(self) -> Float[np.ndarray, "15"]:
        """Tool position (3), Euler xyz (3), gripper width, seven joint positions, last gripper command."""
        sim = self.simulation
        return np.concatenate([sim.pose, [sim.width], sim.joints, [sim.grip]])

    def scene_obs(self) -> Float[np.ndarray, "24"]:
        """CALVIN's order: slider, drawer, button, switch, bulb, LED; position and Euler xyz of red, blue, pink."""
        sim = self.simulation
        fixtures = [*map(sim.joint, ("slider", "drawer", "button", "switch")), float(sim.bulb), float(sim.led)]
        blocks = [part for name in BLOCKS for part in self._sensing.block_pose(name)]
        return np.concatenate([fixtures, *blocks])

    def render(self, camera: str, size: int | tuple[int, int] | None = None) -> UInt8[np.ndarray, "h w 3"]:
        """The image of 'static' or 'wrist' at any size: a side or (height, width) in pixels.

        Raises:
            UnknownName: no such camera.
            UserError: no OpenGL works here.
        """
        return self._cameras.render(camera, self._size(camera, size))

    @property
    def render_s(self) -> float:
        """Seconds spent on drawing so far."""
        return self._cameras.render_s

    def project(
        self, points: Float[np.ndarray, "n 3"], camera: str, size: int | tuple[int, int] | None = None
    ) -> tuple[Float[np.ndarray, "n 2"], Bool[np.ndarray, " n"]]:
        """Pixels (x right, y down) of world points (m) in an image of ``size``, and which are inside its frame."""
        return self._cameras.project(np.asarray(points, dtype=float), camera, self._size(camera, size))

    def close(self) -> None:
        """Free the renderers."""
        self._cameras.close()

    def _size(self, camera: str, size: int | tuple[int, int] | None) -> tuple[int, int]:
        size = self._sizes.get(camera, 64) if size is None else size
        return (size, size) if isinstance(size, int) else size
