import os
from pathlib import Path

import numpy as np
import pytest

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.core.types import Episode


@pytest.fixture
def action_spec():
    return ActionSpec(
        components=(
            ActionComponent(name="position", dims=3, kind="delta_position", unit="m", scale=0.04),
            ActionComponent(name="rotation", dims=3, kind="delta_rotation", unit="rad", rotation="euler_xyz"),
            ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1.0, gripper_open=1.0),
        ),
        rate_hz=10,
    )


@pytest.fixture
def observation_spec():
    return ObservationSpec(
        cameras=(Camera(name="static", height=16, width=24), Camera(name="wrist", height=8, width=8)),
        state=(StateComponent(name="tcp", dims=3, unit="m"), StateComponent(name="opening", dims=1, unit="m")),
        rate_hz=10,
    )


@pytest.fixture
def make_episode():
    def make(seed, length=6, instruction=None):
        rng = np.random.default_rng(seed)
        return Episode(
            images={
                "static": rng.integers(0, 256, (length, 16, 24, 3), dtype=np.uint8),
                "wrist": rng.integers(0, 256, (length, 8, 8, 3), dtype=np.uint8),
            },
            state=rng.normal(size=(length, 4)).astype(np.float32),
            actions=rng.uniform(-1, 1, (length, 7)).astype(np.float32),
            instruction=instruction or ("open the drawer" if seed % 2 else "close it"),
            task="open_drawer" if seed % 2 else "close_drawer",
            info={"scene": "D", "seed": seed, "initial_state": {"led": 1}, "source": f"chain {seed // 2}"},
        )

    return make


@pytest.fixture(scope="session")
def bridge():
    shared = Path(os.environ.get("ROBOVLMS_SHARED", Path(__file__).parents[3] / "shared"))
    path = shared / "data" / "bridge_sample"
    if not path.is_dir():
        pytest.skip(f"the bridge sample is not at {path}; set ROBOVLMS_SHARED")
    return path
