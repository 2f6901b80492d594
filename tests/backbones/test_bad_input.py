"""What a user can get wrong at the seam: a clear error each."""

import json
import re

import pytest
import torch
from families import CASES
from safetensors.torch import load_file, save_file

from robovlms.backbones import image_processor
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.pretrained import require_frames
from robovlms.backbones.prompt import Image, Slot
from robovlms.backbones.tiny import write_tiny
from robovlms.core.errors import UserError


@pytest.fixture(scope="module")
def backbone():
    return load_backbone(BackboneConfig(path="tiny:paligemma")).eval()


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(1, 32, 32, 3),
        torch.full((1, 32, 32, 3), torch.nan),
        torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
        torch.zeros(1, 48, 32, 3, dtype=torch.uint8),
        torch.zeros(32, 32, 3, dtype=torch.uint8),
        torch.zeros(0, 32, 32, 3, dtype=torch.uint8),
    ],
    ids=["floats", "NaN", "channels first", "size", "one frame", "none"],
)
def test_frames_that_are_no_rgb_bytes_of_the_size_are_refused(images):
    with pytest.raises(UserError, match="wants uint8 RGB: n x 32 x 32 x 3"):
        require_frames(images, 32)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_family_sees_frames_of_another_size(case):
    loaded = load_backbone(BackboneConfig(path=f"tiny:{case.name}"))
    size = loaded.image_spec.size
    with pytest.raises(UserError, match=f"wants uint8 RGB: n x {size} x {size} x 3"):
        loaded.see(torch.zeros(1, size, size // 2, 3, dtype=torch.uint8))


@pytest.mark.parametrize("instruction", ["", "  \n"])
def test_an_empty_instruction_is_refused(backbone, instruction):
    with pytest.raises(UserError, match="Empty instruction"):
        backbone.tokenize(["open the drawer", instruction])


@pytest.mark.parametrize("instructions", [[], (), "open the drawer"], ids=["none", "no tuple", "one sentence"])
def test_instructions_are_a_list_of_sentences(backbone, instructions):
    with pytest.raises(UserError, match="Instructions are a list of sentences, at least one: got "):
        backbone.tokenize(instructions)


@pytest.mark.parametrize("instruction", ["open the <image> drawer", "stop<eos>"])
def test_special_tokens_in_an_instruction_are_refused(backbone, instruction):
    with pytest.raises(UserError, match=r"holds '<(image|eos)>', which is a special token"):
        backbone.tokenize([instruction])


def test_a_line_end_is_no_special_token_in_an_instruction():
    packaged = load_backbone(BackboneConfig())  # writes line ends as a token of their own
    assert packaged.tokenize(["open the drawer\n"]).valid.all()


def test_a_prompt_longer_than_the_positions_is_refused(backbone, monkeypatch):
    media = backbone.see(torch.zeros(1, 32, 32, 3, dtype=torch.uint8))
    sequence = backbone.compose([Image(media, torch.ones(1, dtype=torch.bool)), Slot(torch.zeros(4, 32))])
    length = len(sequence.layout.kind)
    monkeypatch.setattr(backbone.model.config.text_config, "max_position_embeddings", length)
    _, cache = backbone.think(sequence, backbone.new_cache())
    more = backbone.compose([Slot(torch.zeros(1, 32))], cache)
    with pytest.raises(UserError, match=f"A prompt of {length + 1} tokens; this VLM has {length} positions"):
        backbone.think(more, cache)


@pytest.mark.parametrize("missing", ["tokenizer.json", "preprocessor_config.json", "model.safetensors"])
def test_an_incomplete_directory_is_refused(tmp_path, missing):
    write_tiny("paligemma", tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(UserError, match="is not a Hugging Face VLM directory") as refused:
        load_backbone(BackboneConfig(path=str(tmp_path)))
    assert ("no tokenizer that can be read" in str(refused.value)) == (missing == "tokenizer.json")


def test_a_tokenizer_without_a_padding_token_pads_all_the_same(tmp_path, backbone):
    write_tiny("paligemma", tmp_path)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    del settings["pad_token"]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    loaded = load_backbone(BackboneConfig(path=str(tmp_path)))
    assert loaded.tokenizer.pad_token is None
    texts = ["open the drawer", "push"]
    ours, theirs = loaded.tokenize(texts, length=40), backbone.tokenize(texts, length=40)
    assert torch.equal(ours.valid, theirs.valid)
    assert torch.equal(ours.ids[ours.valid], theirs.ids[theirs.valid])


def test_a_directory_that_does_not_exist_is_said_to_be_none(tmp_path):
    with pytest.raises(UserError, match="There is no such directory"):
        load_backbone(BackboneConfig(path=str(tmp_path / "nothing")))


@pytest.mark.parametrize("name", ["paligemma", "flamingo"])
def test_weights_that_do_not_fit_are_reported_once(tmp_path, name, capfd):
    write_tiny(name, tmp_path)
    save_file(
        load_file(tmp_path / "model.safetensors") | {"surplus": torch.zeros(1)},
        tmp_path / "model.safetensors",
        metadata={"format": "pt"},
    )
    capfd.readouterr()
    with pytest.raises(UserError, match=r"unexpected_keys: \['surplus'\]"):
        load_backbone(BackboneConfig(path=str(tmp_path)))
    assert capfd.readouterr().err == ""


def _settings(directory, name, **changed):
    file = directory / name
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))


def _shorten(file):
    file.write_bytes(file.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: (d / "config.json").write_text("{"), "no Hugging Face model there"),
        (lambda d: (d / "config.json").write_text('{"model_type": "llama"}'), "Unknown model type 'llama'"),
        (lambda d: _settings(d, "config.json", model_type="llava"), "do not fit the model.*missing_keys: .*linear_1"),
        (lambda d: (d / "preprocessor_config.json").write_text("[]"), "is not a Hugging Face VLM directory"),
        (lambda d: _settings(d, "preprocessor_config.json", image_mean=None), "no size, mean or deviation"),
        (
            lambda d: _settings(d, "preprocessor_config.json", image_processor_type="NoneOfThese"),
            "is not a Hugging Face VLM directory: Unrecognized image processor",
        ),
        (lambda d: (d / "tokenizer.json").write_text("{}"), "is not a Hugging Face VLM directory"),
        (lambda d: (d / "model.safetensors").write_bytes(b"x" * 50), "is not a Hugging Face VLM directory"),
        (lambda d: _shorten(d / "model.safetensors"), "is not a Hugging Face VLM directory"),
    ],
    ids=["json", "type", "other family", "list", "mean", "processor", "tokenizer", "no weights", "cut weights"],
)
def test_a_spoilt_directory_is_refused(tmp_path, spoil, message, capfd):
    write_tiny("paligemma", tmp_path)
    capfd.readouterr()
    spoil(tmp_path)
    with pytest.raises(UserError, match=message):
        load_backbone(BackboneConfig(path=str(tmp_path)))
    assert "LOAD REPORT" not in capfd.readouterr().err


def test_weights_that_do_not_fit_are_listed_by_key(tmp_path):
    write_tiny("paligemma", tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    norm = next(key for key in weights if key.endswith("norm.weight"))
    left_out = next(key for key in weights if key.endswith("q_proj.weight"))
    changed = {**weights, norm: torch.zeros(3), "surplus": torch.zeros(1)}
    del changed[left_out]
    save_file(changed, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError) as refused:
        load_backbone(BackboneConfig(path=str(tmp_path)))
    problems = str(refused.value)
    assert re.search(r"missing_keys: \['[\w.]*q_proj.weight'\]", problems)
    assert "unexpected_keys: ['surplus']" in problems
    assert re.search(r"mismatched_keys: \[.*norm.weight.*\[3\]", problems)


def test_a_processor_that_cannot_run_here_is_refused(monkeypatch, tmp_path):
    def unavailable(*_, **__):
        raise ImportError("\nFooImageProcessor requires the Torchvision library\n but it was not found")

    monkeypatch.setattr(image_processor.AutoImageProcessor, "from_pretrained", unavailable)
    write_tiny("llava", tmp_path)
    with pytest.raises(UserError, match="does not work here: FooImageProcessor requires the Torchvision library but"):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_a_family_given_as_path_is_told_what_a_path_is():
    with pytest.raises(UserError, match=r"LLaVA is a family: give .*llava-hf/llava-1.5-7b-hf\), or tiny:llava"):
        load_backbone(BackboneConfig(path="LLaVA"))


def test_a_cross_attention_family_needs_an_image():
    loaded = load_backbone(BackboneConfig(path="tiny:idefics"))
    with pytest.raises(UserError, match="a prompt without an image"):
        loaded.think(loaded.compose([loaded.tokenize(["open"]), Slot(torch.zeros(1, loaded.hidden_size))]))
