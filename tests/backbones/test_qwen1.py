"""The first Qwen-VL against outputs of its published modeling code, from a directory with the published files.

``golden/qwen1.npz`` holds what that code gave in fp32 on a CPU, with the settings and weights below, for two prompts of
random words around one image each; ``places`` is its table of positions of 3 x 3 queries of width 16.
"""

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from newer_layouts import under
from safetensors.torch import load_file, save_file
from test_hub_layouts import keys, numbered
from transformers import AutoConfig

from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.prompt import Image, Text
from robovlms.backbones.qwen1 import QwenVLBackbone
from robovlms.backbones.qwen1_model import QwenVLForConditionalGeneration
from robovlms.backbones.qwen1_tokenizer import SPECIAL
from robovlms.backbones.qwen1_vision import places
from robovlms.core.errors import UserError

GOLDEN = np.load(Path(__file__).parent / "golden" / "qwen1.npz")
VISION = {"heads": 2, "image_size": 56, "image_start_id": 470, "layers": 2, "mlp_ratio": 2.0}
VISION |= {"output_dim": 128, "patch_size": 14, "width": 32, "n_queries": 4}
SIZES = {"vocab_size": 480, "hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "seq_length": 64}
CONFIG = {"architectures": ["QWenLMHeadModel"], "model_type": "qwen", "intermediate_size": 96, "kv_channels": 64}
CONFIG |= {"auto_map": {"AutoConfig": "configuration_qwen.QWenConfig"}, "no_bias": True, **SIZES, "visual": VISION}
LAYOUT = (
    under("transformer.h.N.", "ln_1.weight ln_2.weight attn.c_attn.* attn.c_proj.weight mlp.{w1,w2,c_proj}.weight")
    + under(
        "transformer.visual.transformer.resblocks.N.", "{ln_1,ln_2,attn.in_proj,attn.out_proj}.* mlp.{c_fc,c_proj}.*"
    )
    + under("transformer.visual.attn_pool.", "pos_embed query kv_proj.weight {ln_q,ln_kv}.*")
    + under("transformer.visual.attn_pool.attn.", "in_proj_weight in_proj_bias out_proj.*")
    + under("transformer.visual.", "conv1.weight positional_embedding proj {ln_pre,ln_post}.*")
    + "transformer.wte.weight transformer.ln_f.weight lm_head.weight"
)


def weight(key, shape):
    noise = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    if len(shape) > 1:
        return noise / np.prod(shape[1:]) ** 0.5
    return 0.1 * noise + (1.0 if key.endswith("weight") else 0.0)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """The files of the publication: every byte is a token."""
    path = tmp_path_factory.mktemp("published")
    (path / "config.json").write_text(json.dumps(CONFIG))
    QwenVLForConditionalGeneration(AutoConfig.from_pretrained(path)).save_pretrained(path / "shapes")
    shapes = {key: tuple(value.shape) for key, value in load_file(path / "shapes" / "model.safetensors").items()}
    assert numbered(shapes) == keys(LAYOUT)
    weights = {key: torch.from_numpy(weight(key, shape)).float() for key, shape in shapes.items()}
    torch.save(weights, path / "pytorch_model.bin")
    lines = (f"{base64.b64encode(bytes([i])).decode()} {i}" for i in range(256))
    (path / "qwen.tiktoken").write_text("\n".join(lines))
    (path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "QWenTokenizer", "auto_map": {"AutoTokenizer": ["tokenization_qwen.Q", None]}})
    )
    return path


@pytest.fixture(scope="module")
def backbone(directory):
    loaded = load_backbone(BackboneConfig(path=str(directory))).eval()
    assert isinstance(loaded, QwenVLBackbone)
    return loaded


def frames():
    return torch.from_numpy(np.random.default_rng(7).integers(0, 256, (2, 56, 56, 3), dtype=np.uint8))


def words(name):
    ids = torch.from_numpy(GOLDEN[name])
    return Text(ids, torch.ones_like(ids, dtype=torch.bool))


@torch.no_grad()
def test_hidden_states_equal_the_published_code(backbone, monkeypatch):
    media = backbone.see(frames())
    assert (media.tokens - torch.from_numpy(GOLDEN["tokens"])).abs().max() <= 1e-5
    monkeypatch.setattr(QwenVLBackbone, "opening", "")
    monkeypatch.setattr(QwenVLBackbone, "around_image", ("<img>", "</img>"))
    image = Image(media, torch.ones(2, dtype=torch.bool))
    hidden, _ = backbone.think(backbone.compose([words("before"), image, words("after")]))
    assert (hidden - torch.from_numpy(GOLDEN["hidden"])).abs().max() <= 1e-5
    assert (backbone.speak(hidden[:, -1]) - torch.from_numpy(GOLDEN["logits"])).abs().max() <= 1e-5


def test_positions_of_queries_equal_the_published_code():
    assert (places(16, 3) - torch.from_numpy(GOLDEN["places"])).abs().max() <= 1e-6


def test_what_is_saved_loads_again_in_the_published_layout(backbone, directory, tmp_path):
    backbone.save(tmp_path)
    published, saved = torch.load(directory / "pytorch_model.bin"), load_file(tmp_path / "model.safetensors")
    assert published.keys() == saved.keys()
    assert all(torch.equal(saved[key], value) for key, value in published.items())
    again = load_backbone(BackboneConfig(path=str(tmp_path)))
    assert again.image_spec == backbone.image_spec
    for text in ("open the drawer", "öffne <die> 抽屉 \U0001f916\r\n"):
        assert again.tokenizer(text)["input_ids"] == backbone.tokenizer(text)["input_ids"]


def test_another_start_keeps_the_table_of_positions(directory):
    drawn = load_backbone(BackboneConfig(path=str(directory), vl_pretrained=False))
    assert torch.equal(drawn.model.visual.attn_pool.pos_embed, places(128, 2))
    weights = dict(drawn.model.named_parameters())
    assert all(torch.isfinite(value).all() and value.abs().max() < 10 for value in weights.values())
    assert all(weights[f"visual.{name}"].std() > 0.001 for name in ("proj", "positional_embedding", "attn_pool.query"))


@pytest.mark.parametrize("lost", ["transformer.h.1.attn.c_attn.bias", "transformer.visual.proj"])
def test_a_missing_weight_is_named(directory, tmp_path, lost):
    for name in ("config.json", "qwen.tiktoken"):
        (tmp_path / name).write_bytes((directory / name).read_bytes())
    weights = torch.load(directory / "pytorch_model.bin")
    del weights[lost]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="missing_keys"):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_tokens_are_those_of_the_ranks(backbone):
    ids = backbone.tokenizer("<|im_start|>user\nö<img>")["input_ids"]
    assert ids == [257, *b"user\n", *"ö".encode(), 470]
    assert backbone.tokenizer.decode(ids) == "<|im_start|>user\nö<img>"
    assert len(SPECIAL) == 217
    assert backbone.model.config.image_token_id == 256 + SPECIAL.index("<imgpad>")
