"""Upstream's data set of CALVIN in its own interpreter.

    python upstream_calvin.py CLONE FOLDER WINDOW CHUNK

Imports nothing of ours. Each line of JSON asks for the CPU seconds of some random windows, or for the tensors of given
ones. Packages that play no part may be missing; sentences are not tokenised.
"""

import functools
import importlib.abc
import importlib.machinery
import json
import sys
import time
import types
from pathlib import Path

import numpy as np
import torch
import transformers

SIDE_PACKAGES = ("pyhash", "lightning", "open_clip", "open_flamingo", "torchvision")


class StandIn(types.ModuleType):
    """A module that has whatever is imported from it."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: None


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one for each side package that is not installed."""

    def find_spec(self, name, path=None, target=None):
        known = name.split(".")[0] in SIDE_PACKAGES
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if known else None

    def create_module(self, spec):
        return StandIn(spec.name)

    def exec_module(self, module):
        pass


class Words:
    """In place of a tokenizer."""

    eos_token = ""

    def __call__(self, sentences, **_):
        ids = torch.zeros(len(sentences), 8, dtype=torch.long)
        return {"input_ids": ids, "attention_mask": ids}


def open_dataset(clone, folder, window, chunk):
    sys.path.insert(0, clone)
    sys.meta_path.append(StandIns())
    import robovlms

    package = types.ModuleType("robovlms.data")  # its own __init__ imports every other data set
    package.__path__ = [f"{clone}/robovlms/data"]
    sys.modules["robovlms.data"] = robovlms.data = package
    from robovlms.data.calvin_dataset import DiskCalvinDataset
    from robovlms.data.data_utils import preprocess_image

    processor = transformers.SiglipImageProcessor()
    image_fn = functools.partial(preprocess_image, image_processor=processor, model_type="paligemma")
    return DiskCalvinDataset(
        image_fn,
        Words(),
        data_dir=Path(folder),
        window_size=window,
        fwd_pred_next_n=chunk,
        model_name="flamingo",
    )


def timed(dataset, windows, batch, rng):
    start = time.process_time()
    for _ in range(windows // batch):
        dataset.collater([dataset[int(index)] for index in rng.integers(0, len(dataset), batch)])
    return {"cpu_s": time.process_time() - start}


def save(dataset, path, indices):
    found = dataset.collater([dataset[index] for index in indices])
    names = {"rgb_static": "rgb", "rgb_gripper": "hand_rgb", "actions": "action_chunck", "mask": "chunck_mask"}
    np.savez(path, **{ours: found[theirs].numpy() for ours, theirs in names.items()})
    return {}


def main():
    torch.set_num_threads(1)
    answers, sys.stdout = sys.stdout, sys.stderr
    clone, folder, window, chunk = sys.argv[1:]
    dataset, rng = open_dataset(clone, folder, int(window), int(chunk)), np.random.default_rng(0)
    for line in sys.stdin:
        question = json.loads(line)
        if "save" in question:
            answer = save(dataset, question["save"], question["indices"])
        else:
            answer = timed(dataset, question["windows"], question["batch"], rng)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
