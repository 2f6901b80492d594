"""Checkpoints as the published code saves them: a miniature of KosMos-2 and a head, with weights by rule."""

import itertools
import json
import os
import zlib
from pathlib import Path

import numpy as np
import torch

from robovlms.backbones.tiny import tiny_directory
from robovlms.upstream.importing import Source

SHARED = Path(os.environ.get("ROBOVLMS_SHARED", Path(__file__).parents[3] / "shared"))
KITS = SHARED / "data" / "upstream_kits"
GOLDEN = Path(__file__).parent / "golden"
INSTRUCTION, LONGER = "push it", "rotate the pink block to the right"
HIDDEN = 16


def weight(name, shape, spread=1.5):
    """Normal numbers seeded by the name, scaled to keep activations near one."""
    drawn = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith(("weight", "_gate")) and len(shape) == 1:
        drawn = 1 + 0.1 * drawn
    elif len(shape) > 1 and "latents" not in name and "wpe" not in name:
        drawn = drawn * spread / shape[1] ** 0.5
    else:
        drawn = 0.3 * drawn
    return torch.from_numpy(np.asarray(drawn)).float()


def config(head=None, **top):
    """A configuration file's contents for the miniature."""
    act_head = {"type": "LSTMDecoder", "hidden_size": HIDDEN, "down_sample": "none", "latent": 1}
    act_head |= {"action_space": "continuous", "history_type": "post"} | (head or {})
    settings = {"robovlm_name": "RoboKosMos", "model": "kosmos", "image_size": 32, "window_size": 3}
    settings |= {"fwd_pred_next_n": 2, "use_hand_rgb": True, "act_head": act_head, "fwd_head": None}
    settings |= {"norm_action": True, "norm_min": -0.65, "norm_max": 0.65}
    return settings | {"train_dataset": {"type": "DiskCalvinDataset"}} | top


def state(settings, vlm):
    """The weights of such a checkpoint, by the published names."""
    from safetensors.torch import load_file

    found = {f"model.backbone.{name}": value for name, value in load_file(vlm / "model.safetensors").items()}
    head = settings["act_head"]
    if head["action_space"] == "discrete":
        return found
    width = found["model.backbone.text_model.model.embed_tokens.weight"].shape[1]
    latent, hidden, chunk = head["latent"], head["hidden_size"], settings["fwd_pred_next_n"]
    shapes = {"action_token": (width,)} if head["action_space"] == "continuous" else {}
    for layer in range(4 if head["type"] == "LSTMDecoder" else 0):
        inside = (hidden if layer else width) * latent
        shapes[f"act_head.rnn.weight_ih_l{layer}"] = (4 * hidden * latent, inside)
        shapes[f"act_head.rnn.weight_hh_l{layer}"] = (4 * hidden * latent, hidden * latent)
        shapes |= {f"act_head.rnn.bias_{kind}_l{layer}": (4 * hidden * latent,) for kind in ("ih", "hh")}
    if head["type"] == "FCDecoder":
        middle = width * latent // 2
        shapes |= {"act_head.mlp.0.weight": (middle, width * latent), "act_head.mlp.0.bias": (middle,)}
        shapes |= {"act_head.mlp.2.weight": (hidden * latent, middle), "act_head.mlp.2.bias": (hidden * latent,)}
    for part, out in {"actions": 6 * chunk, "gripper": chunk}.items():
        widths = (hidden * latent, 1024, 512, 256, out)
        for number, (inside, outside) in enumerate(itertools.pairwise(widths)):
            shapes[f"act_head.{part}.mlp.{2 * number}.weight"] = (outside, inside)
            shapes[f"act_head.{part}.mlp.{2 * number}.bias"] = (outside,)
    return found | {f"model.{name}": weight(name, shape) for name, shape in shapes.items()}


def write(folder, settings, weights=None, **options):
    """The three things an import takes, in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    vlm = tiny_directory("kosmos")
    (folder / "config.json").write_text(json.dumps(settings))
    torch.save({"state_dict": state(settings, vlm) if weights is None else weights}, folder / "checkpoint.pt")
    return Source(folder / "checkpoint.pt", folder / "config.json", vlm, **{"max_text_tokens": 120} | options)
