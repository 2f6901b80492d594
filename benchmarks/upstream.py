"""A control step of the published RoboVLMs code against ours: same weights, frames and machine, in turn.

    OMP_NUM_THREADS=1 python benchmarks/upstream.py --upstream CLONE --python VENV/bin/python [--family kosmos]
        [--structures "policy head" interleaved] [--windows 8 16] [--ours imported bfloat16 stream] [--rounds 5]
        [--json FILE]

CLONE is a clone of Robot-VLAs/RoboVLMs, VENV an environment that it runs in (KosMos: transformers 4.37.2 with the
clone's ``modeling_kosmos2.py`` in place; PaliGemma: 4.44.0), which stays in a process of its own. There a VLM of more
than 100 million random weights becomes a published checkpoint, which `robovlms import-checkpoint` then reads. Two
cameras, fp32 on one thread. Both sides play an episode of random frames; steps count from where the window is full.

* `upstream`: `CustomModel.step` of `eval/calvin/model_wrapper.py`, from bytes to an action.
* `imported`: `Policy.act` of the imported checkpoint, executor `first`. Interleaved policies repeat the original's
  choice of the oldest frame's plan (`--parity`), so that actions can be compared; the newest's costs the same.
* `bfloat16`: the same with `backbone.precision: bfloat16`. The original computes in float32 as its shipped
  configurations have it (`trainer.precision: "16"`, which its wrapper does not know).
* `stream`: our own interleaved structure on the same VLM, where it can stream. Its prompt, head and actions are others:
  for those who train anew, no replacement.

`ratio` is the median over steps of CPU seconds, upstream's by ours, with its smallest and largest. `difference` is the
largest from upstream's action (pose deltas, -0.65 to 0.65) at any step, those before the window was full included;
`grippers` is how often the gripper's command is another.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
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


def in_bfloat16(directory: Path) -> VLA:
    """An imported policy that computes in bfloat16."""
    file = directory / "config.json"
    settings = json.loads(file.read_text())
    settings["model"]["backbone"]["precision"] = "bfloat16"
    file.write_text(json.dumps(settings))
    return VLA.from_pretrained(directory).for_acting("cpu")


def sides(upstream: Upstream, folder: Path, asked: argparse.Namespace, structure: str, window: int) -> dict[str, Step]:
    """Everyone's control steps; the checkpoint is there."""
    frames = write_frames(folder, window + asked.rounds)
    upstream.ask("create", family=asked.family, structure=structure, window=window)
    files = (folder / "checkpoint.pt", folder / "config.json", folder / "vlm")
    ours = import_checkpoint(Source(*files, parity=True, max_text_tokens=TEXT_TOKENS), folder / "imported")
    left = upstream.ask("load", instruction=SENTENCE)
    assert not any(left.values()), f"The published code did not load all weights: {left}"
    policies = {}
    if "imported" in asked.ours:
        policies["imported"] = VLA.from_pretrained(ours)
    if "stream" in asked.ours and structure == "interleaved" and asked.family != "kosmos":
        policies["stream"] = streaming(VLA.from_pretrained(ours), ours, window)
    if "bfloat16" in asked.ours:
        policies["bfloat16"] = in_bfloat16(ours)
    return {"upstream": upstream.step} | {name: acting(vla, frames) for name, vla in policies.items()}


def play(steps: dict[str, Step], window: int, rounds: int) -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
    """CPU seconds of everyone's steps once the window is full, and all actions."""
    seconds, actions = {name: [] for name in steps}, {name: [] for name in steps}
    for number in range(window + rounds):
        for name in list(steps)[:: 1 if number % 2 else -1]:
            action, took = steps[name](number)
            actions[name].append(action)
            seconds[name] += [took] if number >= window else []
    return seconds, {name: np.stack(played) for name, played in actions.items()}


def rows_of(seconds: dict[str, list[float]], actions: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """One for each of ours, against upstream."""
    rows = []
    for name in (name for name in seconds if name != "upstream"):
        ratios = [a / b for a, b in zip(seconds["upstream"], seconds[name], strict=True)]
        row = {"ours": name, "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}
        row = {key: round(value, 2) if key != "ours" else value for key, value in row.items()}
        row |= {
            f"{key}_ms": round(1000 * statistics.median(seconds[side]))
            for key, side in (("upstream", "upstream"), ("our", name))
        }
        away = np.abs(actions[name] - actions["upstream"])
        if name != "stream":
            row |= {"difference": float(f"{away[:, :6].max():.1e}"), "grippers": int((away[:, 6] > 0).sum())}
        rows.append(row)
    return rows


def main() -> None:
    """Print one line for each structure, window and way of ours."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream", type=Path, required=True)
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--family", choices=["kosmos", "paligemma"], default="kosmos")
    parser.add_argument("--structures", nargs="*", default=["policy head", "interleaved"])
    parser.add_argument("--windows", nargs="*", type=int, default=[8, 16])
    parser.add_argument("--ours", nargs="*", default=["imported", "bfloat16", "stream"])
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
                    found = rows_of(*play(sides(upstream, Path(name), asked, structure, window), window, asked.rounds))
                finally:
                    upstream.close()
            for row in found:
                rows.append({"family": asked.family, "structure": structure, "window": window} | row)
                print(*(f"{key} {value}" for key, value in rows[-1].items()), sep="  ", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
