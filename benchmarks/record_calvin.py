"""Records a CALVIN folder with the real calvin_env: presses the button twice, or opens and closes the drawer.

    python benchmarks/record_calvin.py --calvin-env DIR --out OUT/training [--scene D] [--episodes 4] [--renderer tiny]

Frames and segments are written by calvin_env's own ``save_step`` and ``save_ep_lens``, from its own observations, with
the action its ``state_to_action`` finds in the frame after. Its oracle says which task a span shows, and mees/calvin's
sentences say it; a span is 64 frames, as those of the published data. Sentences have no embeddings.
"""

import argparse
import contextlib
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from robovlms.actions.calvin import MAX_POSITION_M, MAX_ROTATION_RAD
from robovlms.core.files import partial_folder, publish
from robovlms.worlds.calvin import CALVIN, find_clones
from robovlms.worlds.calvin.simulator import load_module

SPAN = 64
SPEED = 0.5
"""Share of the largest step."""
TABLE = np.array([[-0.15, -0.2, 0.53], [0.15, -0.05, 0.65]])
"""Where the tool wanders, in metres."""
OVER, BESIDE = 0.55, 0.36
"""Heights above the table and at the drawer's handle, in metres."""

Goal = tuple[np.ndarray, np.ndarray, float]
"""Position in metres, Euler angles away from the first pose, gripper."""


class Recorder:
    """Steps a world and writes each frame."""

    def __init__(self, world: CALVIN, clone: Path, rng: np.random.Generator):
        self.world, self.rng = world, rng
        self.files = load_module(clone, "calvin_env.datarenderer")
        self.lengths: list[int] = []
        self.spans: list[tuple[int, int, str]] = []
        self.infos: list[dict[str, Any]] = []

    @property
    def simulator(self) -> Any:
        """calvin_env's, of this episode."""
        return self.world.simulator

    @property
    def frame(self) -> int:
        """Number of the next frame."""
        return sum(self.lengths) + len(self.infos)

    def episode(self, number: int, seed: int) -> None:
        """One segment: wander, then two tasks."""
        self.world.reset(None, seed)
        self.found, self.upright = self.simulator.get_obs(), self.simulator.robot.target_orn.copy()
        for motion in (press, press) if number % 2 == 0 else (pull, push):
            self.follow([self.somewhere()])
            self.follow(at(points) for points in motion(self.simulator))
            self.annotate()
        self.lengths.append(len(self.infos))
        self.infos = []

    def somewhere(self) -> Goal:
        """A random pose over the table, with a random gripper."""
        return self.rng.uniform(*TABLE), self.rng.uniform(-0.3, 0.3, 3), float(self.rng.choice([-1, 1]))

    def follow(self, goals: Iterable[Goal]) -> None:
        """Go through some poses."""
        for position, turn, gripper in goals:
            for action in self.actions_to(position, self.upright + turn):
                self.step(np.append(action, gripper))

    def actions_to(self, position: np.ndarray, angles: np.ndarray) -> Generator[np.ndarray]:
        """Relative actions until the commanded pose is there."""
        robot, scale = self.simulator.robot, np.repeat([MAX_POSITION_M, MAX_ROTATION_RAD], 3)
        while True:
            way = np.concatenate([position - robot.target_pos, angles - robot.target_orn]) / scale
            if np.abs(way).max() < 0.05:
                return
            yield np.clip(way, -SPEED, SPEED)

    def step(self, action: np.ndarray) -> None:
        """Apply an action and write the frame before it."""
        before, number = self.found, self.frame
        self.infos.append(self.simulator.get_info())
        self.found, _, _, info = self.simulator.step(action)
        self.files.save_step(
            number,
            before["rgb_obs"],
            before["depth_obs"],
            self.files.state_to_action(info),
            before["robot_obs"],
            before["scene_obs"],
            cam_names=[camera.name for camera in self.simulator.cameras],
        )

    def annotate(self) -> None:
        """The span up to here, where the oracle finds just one task done in it."""
        start = max(len(self.infos) - SPAN, 0)
        done = self.world.oracle.get_task_info(self.infos[start], self.simulator.get_info())
        if len(done) == 1:
            self.spans.append((self.frame - len(self.infos) + start, self.frame, done.pop()))

    def write_annotations(self, split: str) -> None:
        """What ``automatic_lang_annotator_mp.py`` writes, without embeddings; and the segments."""
        said = [str(self.rng.choice(self.world.instructions(task, split))) for _, _, task in self.spans]
        language = {"ann": said, "task": [task for *_, task in self.spans], "emb": []}
        Path("lang_annotations").mkdir()
        spans = {"episodes": [], "indx": [(start, stop) for start, stop, _ in self.spans]}
        np.save("lang_annotations/auto_lang_ann.npy", np.array({"language": language, "info": spans}))
        self.files.save_ep_lens(np.array(self.lengths), 0)


def at(point: np.ndarray) -> Goal:
    """A point to go to upright with the gripper closed."""
    return point, np.zeros(3), -1.0


def press(simulator: Any) -> Iterable[np.ndarray]:
    """Down onto the button."""
    button = simulator.scene.buttons[0]
    place = np.array(simulator.p.getLinkState(button.uid, button.joint_index)[0])
    return [place + np.array([0, 0, height]) for height in (0.1, -0.02, 0.1)]


def pull(simulator: Any) -> Iterable[np.ndarray]:
    """Down behind the drawer's handle, and back."""
    middle, bar = handle(simulator)
    behind = bar + 0.05
    path = ((behind, OVER), (behind, BESIDE), (behind - 0.25, BESIDE), (behind - 0.25, OVER))
    return [np.array([middle, *place]) for place in path]


def push(simulator: Any) -> Iterable[np.ndarray]:
    """Down before the drawer's handle, and forth."""
    middle, bar = handle(simulator)
    path = ((bar - 0.06, OVER), (bar - 0.06, BESIDE), (bar + 0.25, BESIDE))
    return [np.array([middle, *place]) for place in path]


def handle(simulator: Any) -> tuple[float, float]:
    """Middle of the drawer (x) and front of its handle (y), in metres."""
    drawer = simulator.scene.doors[1]
    low, high = map(np.array, simulator.p.getAABB(drawer.uid, drawer.joint_index))
    return (low[0] + high[0]) / 2, low[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calvin-env", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scene", default="D")
    parser.add_argument("--episodes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--renderer", default="egl")
    arguments = parser.parse_args()
    world = CALVIN(arguments.scene, arguments.calvin_env, arguments.renderer)
    clone = find_clones(arguments.calvin_env).calvin_env
    recorder = Recorder(world, clone, np.random.default_rng(arguments.seed))
    partial = partial_folder(arguments.out.resolve())
    with contextlib.chdir(partial):
        for number in range(arguments.episodes):
            recorder.episode(number, arguments.seed + number)
        recorder.write_annotations("validation" if arguments.out.name == "validation" else "train")
        np.save("scene_info.npy", np.array({f"calvin_scene_{arguments.scene}": [0, recorder.frame - 1]}))
    publish(partial, arguments.out.resolve())
    world.close()
    print(f"{recorder.frame} frames, {len(recorder.spans)} spans: {', '.join(task for *_, task in recorder.spans)}")


if __name__ == "__main__":
    main()
