"""A control step of the published RoboVLMs code against ours: same weights, frames and machine, in turn.

    OMP_NUM_THREADS=1 python benchmarks/upstream.py --upstream CLONE --python VENV/bin/python [--family kosmos]
        [--structures "policy head" interleaved] [--windows 8 16] [--rounds 5] [--json FILE]

CLONE is a clone of Robot-VLAs/RoboVLMs, VENV an environment that it runs in (KosMos: transformers 4.37.2 with the
clone's ``modeling_kosmos2.py`` in place; PaliGemma: 4.44.0), which stays in a process of its own. There a VLM of more
than 100 million random weights becomes a published checkpoint, which `robovlms import-checkpoint` then reads. Two
cameras, fp32 on one thread. Both sides play an episode of random frames; steps count from where the window is full.

* `upstream`: `CustomModel.step` of `eval/calvin/model_wrapper.py`, from bytes to an action.
* `imported`: `Policy.act` of the imported checkpoint, executor `first`. Interleaved policies repeat the original's
  choice of the oldest frame's plan (`--parity`), so that actions can be compared; the newest's costs the same.
* `stream`: our own interleaved structure on the same VLM, where it can stream. Its prompt, head and actions are others:
  for those who train anew, no replacement.

`ratio` is the median over steps of CPU seconds, upstream's by ours, with its smallest and largest. `difference` is the
largest between the actions of any step, those before the window was full included.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from structures import EPISODE, SENTENCE

from robovlms.actions.statistics import ActionStatistics
from robovlms.architectures.model import VLAConfig
from robovlms.backbones.load import BackboneConfig
from robovlms.core.config import validate
from robovlms.core.types import Observation
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.upstream.importing import Source, import_checkpoint

SIDE = Path(__file__).with_name("upstream_side.py")
EDGES = {"static": 200, "gripper": 84}
"""CALVIN's cameras, in pixels."""
TEXT_TOKENS = 24
"""What texts are padded to on our side: CALVIN's longest with its wording; upstream pads nothing when it acts."""
Step = Callable[[int], tuple[np.ndarray, float]]


class Upstream:
    """The published code's process."""

    def __init__(self, clone: Path, python: Path, folder: Path):
        self.log = folder / "upstream.log"
        self.process = subprocess.Popen(
            [python, SIDE, clone, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("w"),
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        )

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """One question, one answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"do": do} | what), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"The published code stopped at '{do}':\n{self.log.read_text()[-3000:]}")
        return json.loads(answer)

    def step(self, number: int) -> tuple[np.ndarray, float]:
        """Its action, and the CPU seconds it took."""
        answer = self.ask("step", number=number)
        return np.array(answer["action"]), answer["seconds"]

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def write_frames(folder: Path, count: int) -> dict[str, np.ndarray]:
    """Random frames of both cameras, for both sides."""
    rng = np.random.default_rng(0)
    frames = {name: rng.integers(0, 256, (count, edge, edge, 3), dtype=np.uint8) for name, edge in EDGES.items()}
    np.savez(folder / "frames.npz", **frames)
    return frames


def acting(vla: VLA, frames: dict[str, np.ndarray]) -> Step:
    """Control steps of a policy of ours."""
    policy = vla.policy("first", batch_size=1)
    policy.start(EPISODE, SENTENCE, seed=0)

    def step(number: int) -> tuple[np.ndarray, float]:
        seen = Observation({f"rgb_{name}": images[number] for name, images in frames.items()}, np.zeros(0, np.float32))
        start = time.process_time()
        action = policy.act({EPISODE: seen})[EPISODE].action
        return action, time.process_time() - start

    return step


def streaming(imported: VLA, directory: Path, window: int) -> VLA:
    """Our own interleaved structure on an imported policy's VLM, with its chunk and conventions."""
    torch.manual_seed(0)
    settings = {"kind": "interleaved_continuous", "history": window, "streaming": "stream"}
    settings |= {"chunk": imported.manifest.model.architecture.chunk, "max_text_tokens": TEXT_TOKENS}
    backbone = BackboneConfig(path=str(directory / "vlm"))
    model = validate(VLAConfig, {"backbone": backbone.model_dump(), "architecture": settings})
    specs = {"action_spec": imported.manifest.action_spec, "observation_spec": imported.manifest.observation_spec}
    drawn = np.random.default_rng(0).uniform(-1, 1, (100, specs["action_spec"].dims)).astype(np.float32)
    return VLA.create(VLAManifest(model=model, **specs), {"calvin": ActionStatistics.of(drawn)})


def compare(upstream: Upstream, folder: Path, asked: argparse.Namespace, structure: str, window: int) -> list[dict]:
    """The rows of a structure and a window."""
    frames = write_frames(folder, window + asked.rounds)
    made = upstream.ask("create", family=asked.family, structure=structure, window=window)
    files = (folder / "checkpoint.pt", folder / "config.json", folder / "vlm")
    ours = import_checkpoint(Source(*files, parity=True, max_text_tokens=TEXT_TOKENS), folder / "imported")
    left = upstream.ask("load", instruction=SENTENCE)
    assert not any(left.values()), f"The published code did not load all weights: {left}"
    imported = VLA.from_pretrained(ours)
    steps: dict[str, Step] = {"upstream": upstream.step, "imported": acting(imported, frames)}
    if structure == "interleaved" and not imported.network.backbone.unstreamable:
        steps["stream"] = acting(streaming(imported, ours, window), frames)
    seconds, difference = play(steps, window, asked.rounds)
    shared = {"structure": structure, "window": window} | made
    rows = []
    for name in list(steps)[1:]:
        ratios = [a / b for a, b in zip(seconds["upstream"], seconds[name], strict=True)]
        found = {"ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
        ms = {
            f"{who}_ms": round(1000 * statistics.median(seconds[side]))
            for who, side in (("upstream", "upstream"), ("our", name))
        }
        rows.append(shared | {"ours": name} | {key: round(value, 2) for key, value in found.items()} | ms)
        rows[-1]["difference"] = difference if name == "imported" else None
    return rows


def play(steps: dict[str, Step], window: int, rounds: int) -> tuple[dict[str, list[float]], float]:
    """CPU seconds of each side's steps once the window is full, and how far upstream's and ours' actions differ."""
    seconds, difference = defaultdict(list), 0.0
    for number in range(window + rounds):
        actions = {}
        for name in list(steps)[:: 1 if number % 2 else -1]:
            actions[name], took = steps[name](number)
            seconds[name] += [took] if number >= window else []
        difference = max(difference, float(np.abs(actions["upstream"] - actions["imported"]).max()))
    return seconds, difference


def main() -> None:
    """Print one line for each structure, window and way of ours."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--family", choices=["kosmos", "paligemma"], default="kosmos")
    parser.add_argument("--structures", nargs="*", default=["policy head", "interleaved"])
    parser.add_argument("--windows", nargs="*", type=int, default=[8, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for structure in asked.structures:
        for window in asked.windows:
            with tempfile.TemporaryDirectory() as name:
                upstream = Upstream(asked.upstream, asked.python, Path(name))
                try:
                    found = compare(upstream, Path(name), asked, structure, window)
                finally:
                    upstream.close()
            for row in found:
                rows.append(row)
                print(row, flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
