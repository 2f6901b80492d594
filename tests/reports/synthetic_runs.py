"""Makes run directories that look like those of a real evaluation: random outcomes, a true H.264 clip, curves."""

import json
from pathlib import Path

import av
import numpy as np

from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint, EpisodeResult, build, write

TASKS = {
    "close_drawer": "push the drawer shut",
    "lift_blue_block_table": "pick the blue block up from the table",
    "lift_red_block_table": "grab the red block and raise it",
    "move_slider_left": "slide the door to the left side",
    "move_slider_right": "slide the door to the right side",
    "open_drawer": "pull the handle to open the drawer",
    "place_in_drawer": "put the block you hold into the drawer",
    "turn_off_led": "press the button to turn the led off",
    "turn_off_lightbulb": "flip the switch down",
    "turn_on_led": "press the button to light the led",
    "turn_on_lightbulb": "flip the switch up to light the bulb",
}


def write_run(folder: Path, *, checkpoint="runs/vla/checkpoint", skill=0.85, chains=100, seed=0, videos=2) -> Path:
    """A full run directory; ``skill`` is the mean success rate of a task."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    episodes = [_episode(rng, index, skill) for index in range(chains)]
    _write_results(folder, checkpoint, episodes, chains)
    (folder / "experiment.json").write_text(json.dumps(experiment(seed)))
    write_training(folder / "training" / "metrics.jsonl", rng)
    write_videos(folder / "videos", episodes[:videos])
    return folder


def _episode(rng, index, skill):
    names = rng.choice(list(TASKS), 5, replace=False)
    tasks = []
    for name in names:
        hard = 0.35 if "lift" in name else 0.0
        success = bool(rng.random() < skill - hard)
        tasks.append(
            {
                "task": str(name),
                "instruction": TASKS[str(name)],
                "success": success,
                "steps": int(rng.integers(14, 45)) if success else 120,
                "failure": None if success else str(rng.choice(["timeout", "dropped", "wrong_object"])),
                "confidence": round((0.8 if success else 0.5) + 0.1 * np.sin(7.0 * index + len(tasks)), 6),
            }
        )
        if not success:
            break
    return {"id": f"{index:04d}", "initial_state": index, "seed": 1000 + index, "status": "ok", "tasks": tasks}


def _write_results(folder, checkpoint, episodes, num_chains):
    protocol = Protocol(
        benchmark="tabletop", scene="D", tasks=tuple(sorted(TASKS)), num_chains=num_chains, chain_length=5,
        chain_digest="5f0c2d9a13be7741", max_steps=120, executor="chunk:5",
    )  # fmt: skip
    found = build(protocol, Checkpoint(checkpoint, "c0ffee1234567890"), [EpisodeResult(**one) for one in episodes])
    write(found, folder / "results.json")
    (folder / "timing.json").write_text(json.dumps({"workers": 2, "control_steps": 18211, "wall_s": 141.5}))


def experiment(seed=0):
    """The shape of what training writes."""
    sources = [{"path": "demos", "embodiment": "tabletop", "episodes": 1057, "digest": "a1b2c3d4e5f60718"}]
    return {
        "digest": "8e1f00aa55d0c3b2",
        "name": "tabletop_quick",
        "seed": seed,
        "model": {"kind": "vla", "parameters": 2_843_911, "trainable": 1_120_412},
        "data": {"sources": sources, "frames": 21034, "tasks": sorted(TASKS), "held_out": 52},
        "versions": {"robovlms": "0.1.0", "torch": "2.13.1", "transformers": "5.17.0"},
        "experiment": {
            "name": "tabletop_quick",
            "model": {
                "kind": "vla",
                "backbone": {"path": "tiny", "vl_pretrained": True, "train": "all"},
                "architecture": {"history": 1, "chunk": 8},
                "head": {"kind": "lstm"},
            },
            "training": {"batch_size": 64, "minutes": 7.0, "seed": seed, "optimizer": {"learning_rate": 0.001}},
            "executor": "chunk:4",
        },
    }


def write_training(path: Path, rng, steps=4000):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for step in range(10, steps + 1, 10):
        pose, gripper = 0.6 * step**-0.35 + 0.03, 0.7 * (step + 60) ** -0.5
        noise = rng.lognormal(0, 0.12)
        rows.append(
            {
                "step": step,
                "samples": step * 32,
                "elapsed_s": step * 0.075,
                "loss": (pose + 0.1 * gripper) * noise,
                "loss_pose": pose * noise,
                "loss_gripper": gripper * rng.lognormal(0, 0.2),
                "learning_rate": 1e-3 * min(step / 200, 0.5 + 0.5 * np.cos(np.pi * step / steps)),
                "samples_per_s": 430 + rng.normal(0, 14),
            }
        )
        if step % 500 == 0:
            rows.append({"step": step, "val_loss": pose * 1.12 + 0.1 * gripper, "val_loss_pose": pose * 1.12})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_videos(folder: Path, episodes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for number, episode in enumerate(episodes):
        write_clip(folder / f"chain_{episode['id']}.mp4", hue=number)
        names = [task["instruction"] for task in episode["tasks"]]
        solved = sum(task["success"] for task in episode["tasks"])
        index.append(
            {
                "file": f"chain_{episode['id']}.mp4",
                "chain": episode["id"],
                "instructions": names,
                "solved": solved,
            }
        )
    (folder / "index.json").write_text(json.dumps(index))


def write_clip(path: Path, hue=0, frames=30, size=192) -> None:
    """A gripper that carries a block over a table, as H.264 where this build of FFmpeg has an encoder."""
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for index in range(frames):
            picture = av.VideoFrame.from_ndarray(_picture(index / frames, hue, size), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _picture(phase, hue, size):
    image = np.full((size, size, 3), (205, 200, 192), np.uint8)
    image[size // 2 :] = (166, 132, 98)
    image[size // 4 : size // 2, size // 8 : size // 2] = (120, 128, 140)
    x, y = int(size * (0.2 + 0.6 * phase)), int(size * (0.7 - 0.25 * np.sin(np.pi * phase)))
    image[y : y + size // 10, x : x + size // 10] = [(200, 40, 40), (40, 80, 200), (200, 60, 170)][hue % 3]
    image[: y + 4, x + size // 32 : x + size // 14] = (60, 62, 66)
    return image
