"""What the published code made of further configurations of the shared kit ``kosmos_discrete``, as kits.

``golden/configurations.*`` were computed by Robot-VLAs/RoboVLMs 8adc1d2 on transformers 4.37.2 (PaliGemma: 4.44.0).
Flamingo's with open_flamingo 2.0.1, open_clip 2.20.0 and the MPT-1B of github.com/Luodian/Otter; Qwen-VL's with the
modeling code that Qwen-VL-Chat is published with, one condition added, without which it refuses embeddings. KosMos has
the kit's VLM weights, every other weight is as ``weight`` draws it. Only settings, shapes and outputs are kept:
``golden/vlms.json`` has settings and shapes of the VLMs.
"""

import base64
import json
import re
import shutil

import numpy as np
import torch
from published import GOLDEN, KITS, config, weight
from safetensors.torch import load_file, save_file

from robovlms.backbones.qwen1_vision import places
from robovlms.backbones.tiny.parts import byte_tokenizer
from robovlms.upstream.importing import Source

CONFIGURATIONS = json.loads((GOLDEN / "configurations.json").read_text())
VLMS = json.loads((GOLDEN / "vlms.json").read_text())


def assemble(kit, name):
    """The kit of one configuration."""
    shared, settings = KITS / "kosmos_discrete", CONFIGURATIONS[name]
    write_vlm(settings.get("vlm"), kit / "vlm")
    (kit / "config.json").write_text(json.dumps(json.loads((shared / "config.json").read_text()) | settings["config"]))
    (kit / "cases.json").write_text(json.dumps(settings["cases"]))
    torch.save({"state_dict": checkpoint(settings)}, kit / "checkpoint.pt")
    with np.load(GOLDEN / "configurations.npz") as golden:
        for part in ("inputs", "outputs"):
            prefix = f"{name}/{part}/"
            kept = {k.removeprefix(prefix): torch.from_numpy(golden[k]) for k in golden.files if k.startswith(prefix)}
            save_file(kept, kit / f"{part}.safetensors")
    frames = {k: v for k, v in load_file(shared / "inputs.safetensors").items() if k.startswith("frames.")}
    if "vlm" in settings:  # its pixels may be others
        frames = {k: v for k, v in frames.items() if not k.endswith("preprocessed")}
    save_file(frames | load_file(kit / "inputs.safetensors"), kit / "inputs.safetensors")
    return kit


def source(folder, name, weights=None):
    """What an import of one configuration takes; it needs no shared kit, unless its VLM is KosMos."""
    settings = CONFIGURATIONS[name]
    write_vlm(settings["vlm"], folder / "vlm")
    (folder / "config.json").write_text(json.dumps(config() | settings["config"]))
    torch.save({"state_dict": weights or checkpoint(settings)}, folder / "checkpoint.pt")
    return Source(folder / "checkpoint.pt", folder / "config.json", folder / "vlm", max_text_tokens=96)


def write_vlm(vlm, directory):
    """The directory of a VLM, without weights unless it is KosMos."""
    if vlm not in VLMS:
        shutil.copytree(GOLDEN / vlm if vlm else KITS / "kosmos_discrete" / "vlm", directory)
        return
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(VLMS[vlm]["config"]))
    if vlm == "qwen":
        (directory / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "QWenTokenizer"}))
        lines = (f"{base64.b64encode(bytes([i])).decode()} {i}" for i in range(256))
        (directory / "qwen.tiktoken").write_text("\n".join(lines))
    else:
        end = "<|endoftext|>"
        tokenizer = byte_tokenizer("<|endofchunk|>", "<image>", bos=end, eos=end, pad="<|padding|>", begins=False)
        tokenizer.save_pretrained(directory)


def checkpoint(settings):
    """The weights by the published names."""
    vlm = settings.get("vlm")
    stored = {} if vlm else torch.load(KITS / "kosmos_discrete" / "checkpoint.pt", weights_only=True)["state_dict"]
    shapes = VLMS.get(vlm, {"shapes": {}})["shapes"] | settings["shapes"]
    drawn = {key: _value(key, shape, settings.get("spread", 1.5)) for key, shape in shapes.items()}
    names = published_twice if settings["config"].get("model") == "flamingo" else lambda key: [key]
    return stored | {f"model.{name}": value for key, value in drawn.items() for name in names(key)}


def published_twice(key):
    """All names that RoboFlamingo saves a weight under: OpenFlamingo names a layer twice, RoboFlamingo all of it."""
    names = [key]
    for part, twice in {
        "decoder_layer": "old_decoder_blocks",
        "gated_cross_attn_layer": "gated_cross_attn_layers",
    }.items():
        if found := re.fullmatch(rf"backbone\..*\.(\d+)\.{part}\.(.*)", key):
            names.append(f"backbone.{twice}.{found[1]}.{found[2]}")
    if key == "backbone.lm_head.weight":  # MPT's is its word embedding
        names.append("backbone.transformer.wte.weight")
    return names + [re.sub("^backbone", "model", name) for name in names if name.startswith("backbone")]


def _value(key, shape, spread):
    if key.endswith(".attn.masked_bias"):
        return torch.tensor(-1e4)
    if key.endswith(".attn.bias"):
        return torch.ones(shape, dtype=torch.uint8).tril()
    if key.endswith(".pos_embed"):
        return places(shape[1], round(shape[0] ** 0.5))
    return weight(key.replace("language_model.model.embed_tokens", "language_model.lm_head"), shape, spread)  # tied
