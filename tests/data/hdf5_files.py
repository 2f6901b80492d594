"""HDF5 files as LIBERO's create_dataset.py, robomimic's dataset_states_to_obs.py and ACT's recorders write them."""

import json
from pathlib import Path

import h5py
import numpy as np

from robovlms.data.images import encode_image

OSC_POSE = {
    "type": "OSC_POSE",
    "input_max": 1,
    "input_min": -1,
    "output_max": [0.05, 0.05, 0.05, 0.5, 0.5, 0.5],
    "output_min": [-0.05, -0.05, -0.05, -0.5, -0.5, -0.5],
    "kp": 150,
    "control_delta": True,
}
PROBLEM = {"problem_name": "libero_kitchen", "domain_name": "robosuite", "language_instruction": "turn on the stove"}


SIZE = (16, 24)


def pixels(seed: int, length: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Images that are dark at the top, red at the left, and brighter with every frame."""
    images = np.zeros((length, *size, 3), np.uint8)
    images[:, size[0] // 2 :] = 120
    images[:, :, : size[1] // 2, 0] += 60
    return images + (np.arange(length, dtype=np.uint8) + seed)[:, None, None, None]


def write_demos(
    path: Path, lengths=(5, 7), images=("agentview_rgb", "eye_in_hand_rgb"), libero=True, size=SIZE
) -> Path:
    """A file of demonstrations; LIBERO's own if ``libero``, else robomimic's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        kwargs = {"controller_configs": OSC_POSE, "control_freq": 20}
        data.attrs["env_args"] = json.dumps({"type": 1, "env_name": "Kitchen", "env_kwargs": kwargs})
        data.attrs["total"] = sum(lengths)
        if libero:
            data.attrs["problem_info"] = json.dumps(PROBLEM)
            data.attrs["macros_image_convention"] = "opengl"
        for number, length in enumerate(lengths):
            _write_demo(
                data.create_group(f"demo_{number}"),
                number,
                {c: pixels(10 * number, length, size) for c in images},
                libero,
            )
    return path


def _write_demo(demo: h5py.Group, number: int, images: dict[str, np.ndarray], libero: bool) -> None:
    rng, length = np.random.default_rng(number), len(next(iter(images.values())))
    names = ["ee_pos", "ee_ori", "gripper_states", "joint_states"]
    if not libero:
        names = ["robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos", "robot0_joint_pos"]
    obs = demo.create_group("obs")
    for camera, frames in images.items():
        obs[camera] = frames
    for name, dims in zip(names, (3, 3 if libero else 4, 2, 7), strict=True):
        obs[name] = rng.normal(size=(length, dims))
    demo["actions"] = rng.uniform(-1, 1, (length, 7))
    demo["states"], demo["dones"] = rng.normal(size=(length, 20)), np.zeros(length, np.uint8)
    demo.attrs["num_samples"] = length


def write_act(path: Path, length=6, seed=0, stored="pixels", dims=14, size=SIZE) -> Path:
    """One episode; images as ``pixels``, ``padded`` JPEG rows, rows of ``bytes`` or of variable length (``vlen``)."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.attrs["sim"] = True
        file["action"] = rng.normal(size=(length, dims))
        for name in ("qpos", "qvel"):
            file[f"observations/{name}"] = rng.normal(size=(length, dims))
        for camera in ("top", "left_wrist"):
            frames = pixels(seed, length, size)
            if stored == "pixels":
                file[f"observations/images/{camera}"] = frames
                continue
            files = [encode_image(frame, "jpeg") for frame in frames]
            widest = max(map(len, files)) + 40
            if stored == "padded":
                file.attrs["compress"] = True
                rows = [np.frombuffer(data.ljust(widest, b"\0"), np.uint8) for data in files]
                file[f"observations/images/{camera}"] = np.stack(rows)
            elif stored == "bytes":
                file[f"observations/images/{camera}"] = np.array(files, f"S{widest}")
            else:
                kind = h5py.vlen_dtype(np.uint8)
                array = file.create_dataset(f"observations/images/{camera}", (length,), kind)
                for row, data in enumerate(files):
                    array[row] = np.frombuffer(data, np.uint8)
    return path
