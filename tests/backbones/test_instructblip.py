"""What only InstructBLIP does: image tokens depend on the words, which are read with a tokenizer of their own."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image as PILImage
from transformers import InstructBlipProcessor

from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.own_forward import token_ids
from robovlms.backbones.prompt import Image, Text
from robovlms.backbones.tiny import tiny_directory
from robovlms.core.errors import UserError

FRAME = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=["instructblip", "instructblip-t5"])
def backbone(request):
    return load_backbone(BackboneConfig(path=f"tiny:{request.param}")).eval()


def see(backbone, text):
    return backbone.see(torch.from_numpy(FRAME).expand(len(text.ids), -1, -1, -1), text).tokens


@torch.no_grad()
def test_prompts_are_what_the_own_processor_writes(backbone):
    parts = (backbone.image_processor, backbone.tokenizer, backbone.qformer_tokenizer)
    instructions = ["Open the drawer!", "lift"]
    processor = InstructBlipProcessor(*parts, num_query_tokens=4)
    written = processor(
        images=[PILImage.fromarray(FRAME)] * 2,
        text=instructions,
        padding=True,
        padding_side="right",
        return_tensors="pt",
    )
    text = backbone.tokenize(instructions)
    images = torch.from_numpy(FRAME).expand(2, -1, -1, -1)
    read = backbone.image_inputs(images) | backbone.text_inputs(text)
    assert all(torch.equal(value, written[name]) for name, value in read.items())
    assert len(read) == 3
    media = backbone.see(images, text)
    assert torch.equal(token_ids(backbone, [Image(media, torch.ones(2, dtype=torch.bool)), text]), written["input_ids"])


@torch.no_grad()
def test_images_depend_on_the_words_and_not_on_padding(backbone):
    text = backbone.tokenize(["open the drawer", "open"])
    plain = see(backbone, text)
    assert (plain[0] - plain[1]).abs().max() > 1e-2
    longer = backbone.tokenize(["open the drawer", "open"], length=text.ids.shape[1] + 5)
    left = Text(longer.ids.roll(5, 1), longer.valid.roll(5, 1))
    for padded in (longer, left):
        assert (see(backbone, padded) - plain).abs().max() <= 1e-5
    assert (see(backbone, backbone.tokenize(["open"])) - plain[1]).abs().max() <= 1e-5


@torch.no_grad()
def test_a_saved_backbone_sees_the_same(backbone, tmp_path):
    backbone.save(tmp_path)
    again = load_backbone(BackboneConfig(), tmp_path).eval()
    text = backbone.tokenize(["open the drawer"])
    assert torch.equal(see(again, text), see(backbone, text))
    hidden = torch.randn(3, backbone.hidden_size)
    assert torch.equal(again.speak(hidden), backbone.speak(hidden))


def test_a_directory_without_the_second_tokenizer_is_refused(tmp_path):
    shutil.copytree(tiny_directory("instructblip"), tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "qformer_tokenizer")
    with pytest.raises(
        UserError, match="has no tokenizer of its querying transformer in the folder 'qformer_tokenizer'"
    ):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_a_second_tokenizer_of_another_model_is_refused(tmp_path):
    shutil.copytree(tiny_directory("instructblip"), tmp_path, dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "qformer_tokenizer")
    load_backbone(BackboneConfig(path="tiny:llava")).tokenizer.save_pretrained(tmp_path / "qformer_tokenizer")
    with pytest.raises(UserError, match=r"has 260 words, the querying transformer knows \d+: they are not of one"):
        load_backbone(BackboneConfig(path=str(tmp_path)))


def test_an_instruction_too_long_for_the_querying_transformer_is_refused(backbone):
    with pytest.raises(UserError, match="An instruction of 602 tokens; the querying transformer has 512 positions"):
        backbone.see(torch.from_numpy(FRAME)[None], backbone.tokenize(["a " * 600]))
