"""CALVIN folders as mees/calvin's own programs write them, with fewer pixels.

Frames: ``save_step`` of calvin_env's ``datarenderer.py``. Segments: ``save_ep_lens`` there and ``create_splits.py``.
Annotations: ``automatic_lang_annotator_mp.py``. Scenes: the file of the published data (mees/calvin, issue 14).
"""

from pathlib import Path

import numpy as np

STATIC, GRIPPER = 20, 8
"""Sides of the images in pixels: a tenth of the published ones."""
SEGMENTS = ((40, 69), (0, 29), (100, 139))
"""Not in order: ``create_splits.py`` draws them."""
SCENES = {"calvin_scene_B": [0, 69], "calvin_scene_C": [70, 139]}
ANNOTATIONS = (
    ((3, 12), "open_drawer", "pull the handle"),
    ((8, 20), "lift_red_block_table", "lift the red block"),
    ((42, 60), "open_drawer", "open the drawer"),
    ((101, 110), "close_drawer", "push the drawer in"),
    ((105, 139), "open_drawer", "pull the handle"),
)


def frame(number: int, scale: int = 1) -> dict[str, np.ndarray]:
    """The arrays of a frame; its number is in every one of them."""
    rng = np.random.default_rng(number)
    absolute = np.append(rng.uniform(-0.3, 0.3, 6), 1.0 if number % 3 else -1.0)
    relative = np.append(rng.uniform(-1, 1, 6), absolute[6])
    static, gripper = (
        rng.integers(0, 256, (scale * side, scale * side, 3), dtype=np.uint8) for side in (STATIC, GRIPPER)
    )
    return {
        "actions": absolute,
        "rel_actions": relative,
        "robot_obs": np.append(rng.normal(size=14), 1.0) + number,
        "scene_obs": rng.normal(size=24) - number,
        "rgb_static": static,
        "rgb_gripper": gripper,
        "rgb_tactile": np.zeros((16, 12, 6), np.uint8),
        "depth_static": np.zeros(static.shape[:2], np.float32),
        "depth_gripper": np.zeros(gripper.shape[:2], np.float32),
    }


def write_folder(
    folder: Path, segments=SEGMENTS, annotations=ANNOTATIONS, scenes=SCENES, digits: int = 7, scale: int = 1
) -> Path:
    """One of ``training`` and ``validation``; the latter has no scenes when published."""
    (folder / "lang_annotations").mkdir(parents=True)
    for first, last in segments:
        for number in range(first, last + 1):
            np.savez_compressed(folder / f"episode_{number:0{digits}d}.npz", **frame(number, scale))
    np.save(folder / "ep_start_end_ids.npy", list(segments))
    np.save(folder / "ep_lens.npy", [last - first + 1 for first, last in segments])
    if scenes:
        np.save(folder / "scene_info.npy", scenes)
    np.save(folder / "lang_annotations" / "auto_lang_ann.npy", annotated(annotations))
    return folder


def annotated(annotations=ANNOTATIONS) -> dict:
    """The dictionary of ``auto_lang_ann.npy``."""
    language = {
        "ann": [text for *_, text in annotations],
        "task": [task for _, task, _ in annotations],
        "emb": np.zeros((len(annotations), 1, 384), np.float32),
    }
    return {
        "language": language,
        "info": {"episodes": [], "indx": [(np.int64(a), np.int64(b)) for (a, b), *_ in annotations]},
    }
