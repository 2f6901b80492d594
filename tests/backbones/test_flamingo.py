"""Flamingo and Otter against their reference implementations, from directories in the layouts they are published in.

The golden outputs are of PyPI's open-flamingo 2.0.1 with open-clip-torch 2.20.0's vision transformer and, for Otter,
its MPT-7B and Flamingo's MPT-1B, of the code in github.com/Luodian/Otter; LLaMA, GPT-NeoX and Flamingo's MPT-7B are
transformers' 5.23.0.
"""

import json

import pytest
import torch
from golden_flamingo import cases, frames, outputs, weight, write
from safetensors.torch import save_file

from robovlms.backbones.flamingo_config import FlamingoConfig
from robovlms.backbones.flamingo_layouts import vision_layout
from robovlms.backbones.flamingo_model import FlamingoModel
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.prompt import Action, Image, Text
from robovlms.core.errors import UnknownName, UserError

CASES = cases()
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    made = {}

    def directory(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            write(CASES[name], made[name])
        return made[name]

    return directory


@pytest.fixture(params=CASES)
def name(request):
    return request.param


@pytest.fixture
def backbone(name, directories):
    return load_backbone(BackboneConfig(path=str(directories(name)))).eval()


def prompt(backbone, name, rows=2):
    """The golden prompt: words, an image, words, an image, words."""
    first, second = backbone.see(frames(4)).at(torch.arange(4).reshape(2, 2).T.flatten()).chunk(2)
    words = [torch.tensor(ids)[:rows] for ids in CASES[name]["text"]]
    before, between, after = (Text(ids, torch.ones_like(ids, dtype=torch.bool)) for ids in words)
    yes = torch.ones(rows, dtype=torch.bool)
    images = [Image(media.at(torch.arange(rows)), yes, step) for step, media in enumerate((first, second))]
    return [before, images[0], between, images[1], after]


@torch.no_grad()
def test_outputs_equal_the_reference(name, backbone):
    expected = outputs(name)
    hidden, _ = backbone.think(backbone.compose(prompt(backbone, name)))
    assert (hidden - expected["hidden"]).abs().max() <= TOLERANCE
    logits = backbone.speak(hidden)[..., : expected["logits"].shape[-1]]
    assert (logits - expected["logits"]).abs().max() <= TOLERANCE


@torch.no_grad()
def test_greedy_decoding_equals_the_reference(name, backbone):
    expected = outputs(name)
    said, ids, cache = prompt(backbone, name, rows=1), [], backbone.new_cache()
    for _ in expected["greedy"]:
        hidden, cache = backbone.think(backbone.compose(said, cache), cache)
        ids.append(int(backbone.speak(hidden[0, -1])[: expected["logits"].shape[-1]].argmax()))
        said = [Action(torch.tensor([[ids[-1]]]))]
    assert ids == expected["greedy"].tolist()


@torch.no_grad()
def test_frames_of_a_video_become_one_set_of_latents_as_in_the_reference(directories):
    model = load_backbone(BackboneConfig(path=str(directories("otter")))).eval()
    cells = model.model.vision_encoder(pixel_values=model.pixels(frames(4))).last_hidden_state[:, 1:]
    assert (model.model.perceiver(cells[None, :3]) - outputs("otter")["video"]).abs().max() <= TOLERANCE


@torch.no_grad()
def test_what_is_saved_is_whole_and_the_same(name, backbone, tmp_path):
    backbone.save(tmp_path)
    again = load_backbone(BackboneConfig(), tmp_path).eval()
    expected, _ = backbone.think(backbone.compose(prompt(backbone, name)))
    hidden, _ = again.think(again.compose(prompt(again, name)))
    assert torch.equal(hidden, expected)
    assert again.opening == backbone.opening


def point_at(directory, tmp_path, **parts):
    """A config in ``tmp_path`` whose towers lie elsewhere."""
    described = json.loads((directory / "config.json").read_text())
    towers = {part: str(directory / described[part]) for part in ("language_model", "vision_tower")}
    (tmp_path / "config.json").write_text(json.dumps(described | towers | parts))


def test_parts_lie_where_the_config_says(directories, tmp_path):
    """A vision tower of Hugging Face's format, both towers elsewhere, a wrapped checkpoint with older copies."""
    directory = directories("flamingo-llama")
    tower = vision_layout(torch.load(directory / "clip" / "open_clip_pytorch_model.bin"))
    saved = {key.replace("vision_encoder.", "vision_model."): value.clone() for key, value in tower.items()}
    settings = {"hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}
    settings |= {"image_size": 32, "patch_size": 16, "hidden_act": "quick_gelu"}
    (tmp_path / "tower").mkdir()
    save_file(
        saved | {"text_model.x": torch.ones(1)}, tmp_path / "tower" / "model.safetensors", metadata={"format": "pt"}
    )
    (tmp_path / "tower" / "config.json").write_text(json.dumps({"model_type": "clip", "vision_config": settings}))
    point_at(directory, tmp_path, vision_tower=str(tmp_path / "tower"))
    state = torch.load(directory / "checkpoint.pt")
    state |= {"lang_encoder.gated_cross_attn_layers.1.attn_gate": torch.ones(1)}
    state |= {"lang_encoder.old_decoder_blocks.0.mlp.up_proj.weight": torch.ones(1)}
    torch.save(
        {"epoch": 1, "model_state_dict": {f"module.{key}": value for key, value in state.items()}},
        tmp_path / "checkpoint.pt",
    )

    first, again = (load_backbone(BackboneConfig(path=str(path))) for path in (directory, tmp_path))
    theirs = again.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in first.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda state: state.pop("perceiver.layers.3.0.to_kv.weight"),
            r"missing_keys: \['perceiver.layers.3.to_kv.weight'\]",
        ),
        (
            lambda state: state.update({"perceiver.frame_embs": torch.ones(2, 32)}),
            r"unexpected_keys: \['perceiver.frame_embs'\]",
        ),
        (lambda state: state.update({"perceiver.latents": torch.ones(3, 32)}), "mismatched_keys.*perceiver.latents"),
        (
            lambda state: state.pop("lang_encoder.model.embed_tokens.weight"),
            "have 259 word embeddings, the tokenizer has 261",
        ),
    ],
    ids=["missing", "unexpected", "shape", "words"],
)
def test_weights_that_do_not_fit_are_refused_with_their_keys(directories, tmp_path, change, message):
    directory = directories("flamingo-llama")
    point_at(directory, tmp_path)
    state = torch.load(directory / "checkpoint.pt")
    change(state)
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match=message):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_a_directory_without_its_checkpoint_is_refused(directories, tmp_path):
    point_at(directories("flamingo-llama"), tmp_path)
    with pytest.raises(UserError, match=r"has no checkpoint\.pt"):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_a_checkpoint_without_its_towers_is_refused(directories, tmp_path):
    point_at(directories("flamingo-llama"), tmp_path, language_model=None)
    (tmp_path / "checkpoint.pt").touch()
    with pytest.raises(UserError, match="must name its language_model and vision_tower"):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_a_tower_that_is_nowhere_is_refused(directories, tmp_path):
    point_at(directories("flamingo-llama"), tmp_path, vision_tower="./to/no/tower")
    with pytest.raises(UserError, match="no/tower' is neither a directory nor a model of the hub"):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_another_language_model_is_refused_by_name(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "otter", "text_config": {"model_type": "mptt"}}))
    with pytest.raises(UnknownName, match="Did you mean 'mpt'"):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_the_architecture_alone_has_other_weights(directories):
    again = load_backbone(BackboneConfig(path=str(directories("flamingo-mpt-1b")), vl_pretrained=False))
    kept = again.word_embedding.weight
    assert not torch.equal(kept, weight("lang_encoder.transformer.wte.weight", tuple(kept.shape)))


def test_a_real_size_trains_as_many_weights_as_the_published_one():
    """OpenFlamingo 3B: what open_flamingo counts when it makes one (perceiver, gated layers, word embedding)."""
    vit = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
    mpt = {"d_model": 2048, "n_heads": 16, "n_layers": 24, "vocab_size": 50280, "attn_qk_ln": True}
    config = FlamingoConfig(
        vision_config=vit | {"image_size": 224, "patch_size": 14},
        text_config={"model_type": "mosaic_gpt", **mpt},
        cross_attn_every_n_layers=1,
    )
    with torch.device("meta"):
        model = FlamingoModel(config)
    trained = ("perceiver.", "gated_cross_attn_layer.", "wte.")
    assert sum(p.numel() for key, p in model.named_parameters() if any(part in key for part in trained)) == 1046992944
