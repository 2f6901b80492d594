"""The ``lerobot`` package in its own interpreter: ``python lerobot_package.py FOLDER HISTORY CHUNK FPS``.

Imports nothing of ours. Each line of JSON asks for the CPU seconds of some random windows, or for the tensors of given
ones.
"""

import json
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset


def open_dataset(folder, history, chunk, fps):
    from lerobot.datasets.lerobot_dataset import LeRobotDatasetMetadata

    cameras = LeRobotDatasetMetadata("local/set", root=folder).camera_keys
    deltas = {camera: [back / fps for back in range(1 - history, 1)] for camera in cameras}
    deltas["action"] = [ahead / fps for ahead in range(chunk)]
    return LeRobotDataset("local/set", root=folder, delta_timestamps=deltas, video_backend="pyav")


def batch_of(dataset, indices):
    return torch.utils.data.default_collate([dataset[int(index)] for index in indices])


def timed(dataset, windows, batch, rng):
    start = time.process_time()
    for _ in range(windows // batch):
        batch_of(dataset, rng.integers(0, len(dataset), batch))
    return {"cpu_s": time.process_time() - start}


def save(dataset, path, indices):
    found = batch_of(dataset, indices)
    cameras = {key.rsplit(".", 1)[-1]: found[key].numpy() for key in dataset.meta.camera_keys}
    state, mask = found["observation.state"].numpy(), ~found["action_is_pad"].numpy()
    np.savez(path, state=state, actions=found["action"].numpy(), mask=mask, **cameras)
    return {}


def main():
    torch.set_num_threads(1)
    answers, sys.stdout = sys.stdout, sys.stderr
    folder, history, chunk, fps = sys.argv[1:]
    dataset, rng = open_dataset(folder, int(history), int(chunk), float(fps)), np.random.default_rng(0)
    for line in sys.stdin:
        question = json.loads(line)
        if "save" in question:
            answer = save(dataset, question["save"], question["indices"])
        else:
            answer = timed(dataset, question["windows"], question["batch"], rng)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
