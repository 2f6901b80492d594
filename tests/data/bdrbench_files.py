"""Files of BDRBench-20's layout: two sub-tasks of one recording, one of another."""

import json

import numpy as np

from robovlms.data.images import encode_video

SIZES = {"rgb": (32, 48), "hand_rgb": (32, 32)}
PARTS = {"100": ("7", 0, 6, "open the drawer"), "101": ("7", 6, 13, "close it"), "102": ("9", 2, 7, "pick up the cup")}


def pixels(recording, camera, count, sizes=SIZES):
    """Frames whose grey value says which they are."""
    levels = (20 + 15 * np.arange(count) + 3 * int(recording))[:, None, None, None]
    return np.broadcast_to(levels if camera == "rgb" else 255 - levels, (count, *sizes[camera], 3))


def annotation(name) -> dict:
    recording, start, end, text = PARTS[name]
    rng = np.random.default_rng(int(name))
    videos = [{"video_path": f"media/train/{recording}/{c}.mp4", "start": start, "end": end} for c in SIZES]
    numbers = {key: rng.normal(size=(end - start, dims)).tolist() for key, dims in (("action", 7), ("state", 6))}
    return {"texts": [text], "videos": [videos[0] | {"crop": None}, videos[1]], **numbers}


def write(folder, name, content):
    (folder / "anns" / "train" / f"{name}.json").write_text(
        content if isinstance(content, str) else json.dumps(content)
    )


def write_bdrbench(folder, sizes=SIZES):
    for recording, count in (("7", 13), ("9", 8)):
        media = folder / "media" / "train" / recording
        media.mkdir(parents=True)
        for camera in sizes:
            frames = pixels(recording, camera, count, sizes).astype(np.uint8)
            (media / f"{camera}.mp4").write_bytes(encode_video(frames, 10))
    (folder / "anns" / "train").mkdir(parents=True)
    for name in PARTS:
        write(folder, name, annotation(name))
    return folder
