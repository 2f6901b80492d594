"""What a control step costs with a history: kept features and streams against one step, and against no cache at all.

    OMP_NUM_THREADS=1 python benchmarks/structures.py [--families qwen_vl paligemma] [--windows 8 16] [--rounds 5]
        [--json FILE]

Random models of the real classes (miniatures, enlarged to more than 100 million parameters), two cameras, one episode,
fp32 on one thread. Windows always have their full shape, so a step costs what it does when they are full. All steps of
a window are taken in turn; a ratio is the median over rounds of CPU seconds, with its smallest and largest.

* `policy head`: a step of a policy head with an LSTM over the window / a step of a one-step policy.
* `vision kept`: a step that encodes all frames of the window anew / one that keeps their image tokens (`recompute`).
* `stream`: a step that encodes all frames of the window anew / one of a stream that spans as many steps.
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backbones import cpu_seconds, enlarge
from robovlms.actions.statistics import ActionStatistics
from robovlms.architectures.model import VLAConfig
from robovlms.backbones.backbone import Backbone
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.core.batch import Batch
from robovlms.core.config import validate
from robovlms.core.types import Observation
from robovlms.policies.model_policy import ModelPolicy
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, observation_spec

FAMILIES = ("kosmos", "qwen_vl", "paligemma")
SENTENCE = "push the red block to the left"
EPISODE = "episode"
COMPARED = {
    "policy head": ("policy head", "one step"),
    "vision kept": ("no cache", "vision kept"),
    "stream": ("no cache", "stream"),
}


def create(backbone: Backbone, kind: str, history: int, **architecture: Any) -> VLA:
    """A policy of this structure round a VLM, in evaluation mode."""
    torch.manual_seed(0)
    settings = {"kind": kind, "history": history, "max_text_tokens": 64, **architecture}
    model = validate(VLAConfig, {"architecture": settings})
    manifest = VLAManifest(model=model, action_spec=ACTION_SPEC, observation_spec=observation_spec())
    width, state_dims = backbone.hidden_size, observation_spec().state_dims
    head = model.head.build(ACTION_SPEC, model.architecture.chunk, width, width)
    network = model.architecture.build(backbone, head, state_dims)
    unit = ActionStatistics.of(np.random.default_rng(0).uniform(-1, 1, (100, ACTION_SPEC.dims)).astype(np.float32))
    return VLA(manifest, network, {"robot": unit})


def frames(vla: VLA, count: int) -> list[Observation]:
    """Random observations of the tabletop's cameras, in the VLM's size."""
    rng, size, spec = np.random.default_rng(0), vla.image_spec.size, observation_spec()
    return [
        Observation(
            {camera.name: rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for camera in spec.cameras},
            rng.normal(size=spec.state_dims),
        )
        for _ in range(count)
    ]


class Acting:
    """Control steps of an episode; each call is one."""

    def __init__(self, vla: VLA, seen: Sequence[Observation]):
        self.policy: ModelPolicy = vla.policy("first", batch_size=1)
        self.policy.start(EPISODE, SENTENCE, seed=0)
        self.seen, self.step = seen, 0
        self()  # a stream begins otherwise than it goes on

    def __call__(self) -> None:
        self.policy.act({EPISODE: self.seen[self.step % len(self.seen)]})
        self.step += 1


@torch.no_grad()
def anew(vla: VLA, seen: Sequence[Observation]) -> None:
    """A control step without any cache: all frames of the window are encoded, and thought about."""
    length = torch.arange(len(seen))
    cameras = vla.manifest.observation_spec.camera_names
    batch = Batch(
        images={name: torch.from_numpy(np.stack([one.images[name] for one in seen])) for name in cameras},
        frame_id=length,
        frame_index=length[None],
        frame_valid=torch.ones(1, len(seen), dtype=torch.bool),
        instructions=(SENTENCE,),
        instruction_index=torch.zeros(1, dtype=torch.long),
        state=torch.from_numpy(np.stack([one.state for one in seen]).astype(np.float32))[None],
        actions=torch.zeros(1, len(seen), vla.network.head.chunk, ACTION_SPEC.dims),
        action_mask=torch.zeros(1, len(seen), vla.network.head.chunk, dtype=torch.bool),
        dataset_id=torch.zeros(1, dtype=torch.long),
    )
    vla.network.head.predict(vla.network.features(batch))


def steps_of(backbone: Backbone, window: int) -> dict[str, Callable[[], None]]:
    """The control steps that are compared."""
    one = create(backbone, "one_step_continuous", 1)
    kept = create(backbone, "interleaved_continuous", window)
    seen = frames(one, window)
    steps: dict[str, Callable[[], None]] = {
        "one step": Acting(one, seen),
        "policy head": Acting(create(backbone, "policy_head_continuous", window), seen),
        "no cache": lambda: anew(kept, seen),
        "vision kept": Acting(kept, seen),
    }
    if not backbone.unstreamable:
        steps["stream"] = Acting(create(backbone, "interleaved_continuous", window, streaming="stream"), seen)
    return steps


def measure(backbone: Backbone, window: int, rounds: int) -> list[dict[str, Any]]:
    """The rows of a VLM and a window."""
    steps, seconds = steps_of(backbone, window), defaultdict(list)
    for turn in range(rounds):
        for name in list(steps)[:: 1 if turn % 2 else -1]:
            seconds[name].append(cpu_seconds(steps[name]))
    rows = []
    for name, (over, under) in COMPARED.items():
        if under in seconds:
            ratios = [a / b for a, b in zip(seconds[over], seconds[under], strict=True)]
            found = {"ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
            ms = 1000 * statistics.median(seconds[name])
            rows.append({"row": name} | {key: round(value, 2) for key, value in found.items()} | {"ms": round(ms)})
    return rows


def main() -> None:
    """Print one line for each family, window and comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--windows", nargs="*", type=int, default=[8, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--factor", type=int, default=24)
    parser.add_argument("--pixels", type=int, default=4)
    parser.add_argument("--depth", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    print(f"{'family':<12}{'M params':>9}{'window':>8}  {'':<12}{'ratio':>8}{'least':>8}{'most':>8}{'ms a step':>11}")
    for family in asked.families:
        with tempfile.TemporaryDirectory() as folder:
            enlarge(family, Path(folder), asked.factor, asked.pixels, asked.depth)
            backbone = load_backbone(BackboneConfig(path=folder)).eval()
        millions = round(sum(parameter.numel() for parameter in backbone.parameters()) / 1e6)
        for window in asked.windows:
            for row in measure(backbone, window, asked.rounds):
                rows.append({"family": family, "million_parameters": millions, "window": window} | row)
                print("{:<12}{:>9}{:>8}  {:<12}{:>8}{:>8}{:>8}{:>11}".format(*rows[-1].values()), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps({"settings": {**vars(asked), "json": None}, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
