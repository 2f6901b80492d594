"""Training and acting with VLMs of real size on a GPU: milliseconds, share of the matrix products' peak, memory.

    python benchmarks/accelerator.py [--checkpoints HUB_ID ...] [--batches 4 2] [--rounds 10] [--json FILE]

Random weights of the published sizes, products in bfloat16, two cameras, windows of eight frames, a policy head with an
LSTM. A training step is forward, backward, clipping and AdamW over every parameter (float32 weights). Acting is one
control step of one episode: a frame of both cameras, the features of seven earlier frames kept; weights are bfloat16.
`peak` is the rate of an 8192 x 8192 x 8192 product measured in the same run. `--device cpu --layers 1` is a dry run.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from structures import SENTENCE, Acting, create, frames
from torch.utils.flop_counter import FlopCounterMode

from backbones import DEPTHS, EDGES
from robovlms.backbones.fitted import Fitted, checkpoint_gradients
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.sizes import CHECKPOINTS, Checkpoint, real_config
from robovlms.backbones.tiny import tiny_directory
from robovlms.core.batch import Batch
from robovlms.policies.vla import VLA
from robovlms.training.optimizer import OptimizerConfig
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, observation_spec

WINDOW = 8
DEFAULT = ("microsoft/kosmos-2-patch14-224", "google/paligemma-3b-pt-224")


def replaced(settings: Any, names: Any, value: int) -> Any:
    """Settings with this number under these names."""
    if not isinstance(settings, dict):
        return settings
    return {
        key: value if names.fullmatch(str(key)) and isinstance(old, int) else replaced(old, names, value)
        for key, old in settings.items()
    }


def build(checkpoint: Checkpoint, device: str, layers: int | None) -> Fitted:
    """The VLM at real size with random weights; its words and image processor are the miniature's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(tiny_directory(checkpoint.family), folder, dirs_exist_ok=True)
        for weights in folder.glob("*.safetensors"):
            weights.unlink()
        settings = real_config(checkpoint).to_dict()
        settings = settings if layers is None else replaced(settings, DEPTHS, layers)
        (folder / "config.json").write_text(json.dumps(settings))
        file = folder / "preprocessor_config.json"
        file.write_text(json.dumps(replaced(json.loads(file.read_text()), EDGES, checkpoint.image_size)))
        config = BackboneConfig(path=name, vl_pretrained=False, precision="bfloat16")
        with torch.device(device):
            return load_backbone(config)


def batch_of(vla: VLA, windows: int) -> Batch:
    """Windows of random frames."""
    seen, chunk = frames(vla, windows * WINDOW), vla.network.head.chunk
    count = torch.arange(windows * WINDOW)
    return Batch(
        images={
            name: torch.from_numpy(np.stack([one.images[name] for one in seen]))
            for name in vla.manifest.observation_spec.camera_names
        },
        frame_id=count,
        frame_index=count.view(windows, WINDOW),
        frame_valid=torch.ones(windows, WINDOW, dtype=torch.bool),
        instructions=(SENTENCE,),
        instruction_index=torch.zeros(windows, dtype=torch.long),
        state=torch.randn(windows, WINDOW, observation_spec().state_dims),
        actions=torch.rand(windows, WINDOW, chunk, ACTION_SPEC.dims),
        action_mask=torch.ones(windows, WINDOW, chunk, dtype=torch.bool),
        dataset_id=torch.zeros(windows, dtype=torch.long),
    )


class Device:
    """Where it runs: timing, memory, and what its matrix products reach."""

    def __init__(self, name: str, rounds: int):
        self.name, self.rounds, self.gpu = name, rounds, name != "cpu"
        self.peak = self._peak(8192 if self.gpu else 1024)

    def seconds(self, run: Callable[[], Any], rounds: int | None = None) -> float:
        """Median of some calls, after three that warm up."""
        found = []
        for turn in range(3 + (rounds or self.rounds)):
            self.wait()
            start = time.perf_counter()
            run()
            self.wait()
            found += [time.perf_counter() - start] if turn >= 3 else []
        return statistics.median(found)

    def wait(self) -> None:
        """Until everything asked for is done."""
        if self.gpu:
            torch.cuda.synchronize()

    def measure(self, run: Callable[[], Any]) -> dict[str, Any]:
        """Time, share of the peak, and the most memory held."""
        if self.gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        seconds = self.seconds(run)
        gigabytes = torch.cuda.max_memory_allocated() / 1e9 if self.gpu else 0.0
        with FlopCounterMode(display=False) as counter:
            run()
        rate = counter.get_total_flops() / seconds
        return {"ms": round(1000 * seconds, 1), "share_of_peak": round(rate / self.peak, 3), "gb": round(gigabytes, 1)}

    def _peak(self, edge: int) -> float:
        one, other = (torch.randn(edge, edge, device=self.name, dtype=torch.bfloat16) for _ in range(2))
        return 2 * edge**3 / self.seconds(lambda: one @ other, 20)


def rows_of(checkpoint: Checkpoint, windows: int, device: Device, layers: int | None) -> Iterator[dict[str, Any]]:
    """Everything measured of one VLM; its weights are made once."""
    backbone = build(checkpoint, device.name, layers)
    vla = create(backbone, "policy_head_continuous", WINDOW)
    vla.network.to(device.name)
    millions = round(sum(parameter.numel() for parameter in backbone.parameters()) / 1e6)
    told = {"checkpoint": checkpoint.hub_id, "million_parameters": millions}
    batch = batch_of(vla, windows).to(device.name)
    optimizer = OptimizerConfig(learning_rate=1e-5).build(vla.network)

    def train() -> None:
        vla.network.train().loss(batch).total.backward()
        torch.nn.utils.clip_grad_norm_(vla.network.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    def row(what: str, run: Callable[[], Any]) -> dict[str, Any]:
        try:
            return {**told, "what": what, **device.measure(run)}
        except torch.OutOfMemoryError:
            return {**told, "what": what, "ms": None, "share_of_peak": None, "gb": None}

    training = f"training, {windows} windows"
    yield row(training, train)
    checkpoint_gradients(backbone.model)
    yield row(f"{training}, gradient checkpointing", train)
    optimizer.zero_grad()
    optimizer.state.clear()
    vla.for_acting(device.name)
    seen = frames(vla, WINDOW)
    yield row("acting", Acting(vla, seen))
    for tower in (backbone.vision_tower, backbone.text_tower):
        tower.compile()
    yield row("acting, compiled", Acting(vla, seen))


def main() -> None:
    """Print one line for each measurement."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoints", nargs="*", default=list(DEFAULT))
    parser.add_argument("--batches", nargs="*", type=int, default=[4, 2], help="windows in a batch, by checkpoint")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_float32_matmul_precision("high")
    device, rows = Device(asked.device, asked.rounds), []
    name = torch.cuda.get_device_name() if device.gpu else "CPU"
    print(f"{name}, torch {torch.__version__}: {device.peak / 1e12:.0f} TFLOP/s in bfloat16", flush=True)
    for hub_id, windows in zip(asked.checkpoints, asked.batches, strict=True):
        checkpoint = next(one for one in CHECKPOINTS if one.hub_id == hub_id)
        for row in rows_of(checkpoint, windows, device, asked.layers):
            rows.append(row)
            print("{:<34}{:>7} M  {:<42}{!s:>9} ms{!s:>8}{!s:>7} GB".format(*row.values()), flush=True)
            if asked.json:
                settings = {**vars(asked), "json": None, "device": name, "peak_tflops": round(device.peak / 1e12)}
                asked.json.write_text(json.dumps({"settings": settings, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
