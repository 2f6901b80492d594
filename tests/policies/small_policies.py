"""Small policies without a VLM, and the episodes they see."""

import numpy as np
import torch

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.actions.statistics import ActionStatistics
from robovlms.core.batch import Batch
from robovlms.core.types import Observation
from robovlms.policies.vla import VLA, VLAManifest

ACTION = ActionSpec(
    components=(
        ActionComponent(name="delta", dims=2, kind="delta_position"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1),
    ),
    rate_hz=10,
)
CAMERAS = ("static", "wrist")
OBSERVATION = ObservationSpec(
    cameras=tuple(Camera(name=name, height=32, width=32) for name in CAMERAS),
    state=(StateComponent(name="tcp", dims=3),),
    rate_hz=10,
)
STATISTICS = ActionStatistics.of(np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32))
CHUNK = 6

SIZES = {
    "cnn": {"architecture": {"channels": (8, 8, 8), "width": 16, "text_width": 8}, "head": {"hidden": 32}},
    "act": {"architecture": {"channels": (8, 8), "width": 16, "text_width": 8, "num_heads": 2, "feedforward": 32,
                             "dropout": 0.0}, "head": {"hidden": 32}},
}  # fmt: skip
SIZES["cnn_gru"] = {**SIZES["cnn"], "head": {"hidden": 32, "recurrent": 16}}


def small(kind, seed=0, **architecture) -> VLA:
    """A random policy of a kind, in evaluation mode."""
    torch.manual_seed(seed)
    sizes = SIZES[kind]
    settings = {**sizes["architecture"], "chunk": CHUNK, "state_noise": 0.0, **architecture}
    model = {"kind": kind, "architecture": settings, "head": sizes["head"]}
    manifest = VLAManifest.model_validate({"model": model, "action_spec": ACTION, "observation_spec": OBSERVATION})
    vla = VLA.create(manifest, {"robot": STATISTICS})
    vla.network.eval()
    return vla


def seen(episode, step):
    """What an episode shows at a control step, whatever is done."""
    rng = np.random.default_rng([ord(episode[0]), step])
    images = {name: rng.integers(0, 256, (32, 32, 3), dtype=np.uint8) for name in CAMERAS}
    return Observation(images, rng.normal(size=3))


def window(episode, steps, history, instruction="open the drawer") -> Batch:
    """One window of an episode, its frames ``steps`` (oldest first), left-padded to ``history``."""
    frames = [seen(episode, step) for step in steps]
    missing = history - len(steps)
    index = torch.tensor([[0] * missing + list(range(len(steps)))])
    state = torch.tensor(np.stack([frame.state for frame in frames]), dtype=torch.float32)
    return Batch(
        images={name: torch.from_numpy(np.stack([frame.images[name] for frame in frames])) for name in CAMERAS},
        frame_id=torch.arange(len(steps)),
        frame_index=index,
        frame_valid=torch.tensor([[False] * missing + [True] * len(steps)]),
        instructions=(instruction,),
        instruction_index=torch.zeros(1, dtype=torch.long),
        state=state[index],
        actions=torch.zeros(1, history, CHUNK, 3),
        action_mask=torch.ones(1, history, CHUNK, dtype=torch.bool),
        dataset_id=torch.zeros(1, dtype=torch.long),
    )
