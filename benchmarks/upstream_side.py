"""The published code in its own interpreter, asked for one thing at a time by ``upstream.py``.

    python upstream_side.py CLONE FOLDER

Imports nothing of ours. Reads JSON lines, answers each with one. `create` writes a checkpoint of random weights as the
published code saves it (`FOLDER/vlm`, `config.json`, `checkpoint.pt`); `load` hands it to the published evaluation
wrapper, `CustomModel` of `eval/calvin/model_wrapper.py`; `step` is one call of its `step(observation, instruction)`,
with the CPU seconds that it took.

What keeps the clone from running on a CPU is worked round, and touches no number: packages that play no part in acting
may be missing, the readers of data sets are not imported, `.cuda()` does nothing.
"""

import filecmp
import importlib.abc
import importlib.machinery
import json
import os
import sys
import time
import types
from pathlib import Path

import numpy as np
import torch
import transformers
from upstream_vlm import VLMS

SIDE_PACKAGES = ("lightning", "calvin_agent", "pyhash", "open_clip", "open_flamingo")
CONFIGS = {
    "kosmos": "finetune_kosmos_cont-lstm-post_full-ft_text_vision_wd-0_use-hand_ws-16_act-10.json",
    "paligemma": "finetune_paligemma_cont-lstm-post_full-ft_text_vision_wd=0_ws-8_act-10.json",
}
HEADS = {"policy head": {"type": "LSTMDecoder"}, "interleaved": {"type": "FCDecoder", "history_type": "pre"}}


class StandIn(types.ModuleType):
    """A module that has whatever is imported from it: empty classes."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (torch.nn.Module,), {"save_hyperparameters": lambda self: None})


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one for each side package that is not installed."""

    def find_spec(self, name, path=None, target=None):
        """Asked last."""
        known = name.split(".")[0] in SIDE_PACKAGES
        return importlib.machinery.ModuleSpec(name, self, is_package=True) if known else None

    def create_module(self, spec):
        """An empty module."""
        return StandIn(spec.name)

    def exec_module(self, module):
        """Nothing to run."""


class Settings(dict):
    """A configuration; the published trainer asks it with one argument too many."""

    def get(self, key, default=None, *_):
        """As a dictionary's."""
        return super().get(key, default)


def enter(clone):
    """Make the clone importable, and the working directory, which it copies a file from."""
    os.chdir(clone)
    sys.path.insert(0, str(clone))
    sys.meta_path.append(StandIns())
    torch._C.has_spectral = True  # newer versions of torch always have it
    torch.Tensor.cuda = lambda tensor: tensor
    import robovlms

    robovlms.data = sys.modules["robovlms.data"] = types.ModuleType("robovlms.data")
    robovlms.data.__path__ = [str(clone / "robovlms" / "data")]


def require_patched(clone):
    """Stop where transformers has its own KosMos, with which the published code does not run."""
    patched = Path(transformers.__path__[0]) / "models" / "kosmos2" / "modeling_kosmos2.py"
    if not filecmp.cmp(clone / "tools" / "modeling_kosmos2.py", patched, shallow=False):
        sys.exit(f"The published KosMos needs its own {patched.name}: copy {clone}/tools/{patched.name} to {patched}.")


def redraw(model):
    """Random weights that keep activations near one; bfloat16 holds them exactly, which PaliGemma is loaded as."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            drawn = torch.randn(weight.shape)
            new = drawn / weight[0].numel() ** 0.5 if weight.ndim > 1 else weight.float() + 0.1 * drawn
            weight.copy_(new.bfloat16())


class Side:
    """What can be asked for."""

    def __init__(self, clone, folder):
        self.clone, self.folder = clone, folder

    def create(self, family, structure, window):
        """Write a checkpoint; how many million weights its VLM has."""
        from robovlms.train.base_trainer import BaseTrainer

        if family == "kosmos":
            require_patched(self.clone)
        vlm = self.folder / "vlm"
        image_size = VLMS[family](vlm)
        settings = Settings(json.loads((self.clone / "configs" / "calvin_finetune" / CONFIGS[family]).read_text()))
        settings.update(window_size=window, use_hand_rgb=True, image_size=image_size)
        settings["act_head"].update(hidden_size=512, **HEADS[structure])
        settings["tokenizer"]["type"] = "AutoProcessor" if family == "paligemma" else "AutoTokenizer"
        for part in ("vlm", "tokenizer"):
            settings[part]["pretrained_model_name_or_path"] = str(vlm)
        (self.folder / "config.json").write_text(json.dumps(settings))
        trainer = BaseTrainer(settings)
        redraw(trainer)
        weights = {name: w.float() if w.is_floating_point() else w for name, w in trainer.state_dict().items()}
        torch.save({"state_dict": weights}, self.folder / "checkpoint.pt")
        return {"vlm_million": round(sum(w.numel() for w in trainer.model.backbone.parameters()) / 1e6)}

    def load(self, instruction):
        """Hand the checkpoint to the evaluation wrapper; the weights it did not find or know."""
        from eval.calvin.model_wrapper import CustomModel

        settings = Settings(json.loads((self.folder / "config.json").read_text()))
        self.model = CustomModel(str(self.folder / "checkpoint.pt"), settings, "cpu", str(self.folder))
        self.model.reset()
        self.instruction = instruction
        self.frames = dict(np.load(self.folder / "frames.npz"))
        return json.loads((self.folder / "checkpoint.pt_loading_msg.json").read_text())

    def step(self, number):
        """One control step."""
        seen = {f"rgb_{camera}": self.frames[camera][number] for camera in ("static", "gripper")}
        start = time.process_time()
        action = self.model.step({"rgb_obs": seen}, self.instruction)
        return {"seconds": time.process_time() - start, "action": [float(value) for value in action]}


def main():
    """Answer until the questions end. What the published code prints goes to the standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    clone, folder = (Path(given).resolve() for given in sys.argv[1:])
    enter(clone)
    side = Side(clone, folder)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(side, asked.pop("do"))(**asked)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
