"""KosMos-2: upstream's own hidden states from a checkpoint of upstream; prompts as the own processor writes them."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PILImage
from safetensors.torch import load_file
from transformers import Kosmos2Processor

from robovlms.backbones.kosmos import KosmosBackbone
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.own_forward import placeholder, token_ids
from robovlms.backbones.prompt import Image, Slot, Text
from robovlms.core.errors import UserError
from robovlms.data.images import fit_image

SHARED = Path(os.environ.get("ROBOVLMS_SHARED", Path(__file__).parents[3] / "shared"))
KIT = SHARED / "data" / "upstream_kits" / "kosmos_lstm"
needs_kit = pytest.mark.skipif(not KIT.is_dir(), reason="needs the shared kit kosmos_lstm (set ROBOVLMS_SHARED)")


class Upstream(KosmosBackbone):
    """What RoboVLMs does: no tags round an image, and a position for padding, too."""

    around_image = ("", "")

    def positions(self, layout):
        return super().positions(dataclasses.replace(layout, valid=torch.ones_like(layout.valid)))


@pytest.fixture(scope="module")
def kit():
    """The backbone and the slot of a checkpoint of upstream; its inputs and outputs."""
    backbone = Upstream.from_pretrained(KIT / "vlm").eval()
    state = torch.load(KIT / "checkpoint.pt", weights_only=True)["state_dict"]
    inside = "model.backbone."
    of_model = {name.removeprefix(inside): value for name, value in state.items() if name.startswith(inside)}
    backbone.model.load_state_dict(of_model)
    return (
        backbone,
        state["model.action_token"],
        load_file(KIT / "inputs.safetensors"),
        load_file(KIT / "outputs.safetensors"),
    )


@needs_kit
def test_frames_of_the_kit_are_fitted_as_upstream_does(kit):
    backbone, _, inputs, _ = kit
    assert (backbone.pixels(fitted(backbone, inputs)) - inputs["frames.static_preprocessed"]).abs().max() <= 1e-6


@needs_kit
@torch.no_grad()
@pytest.mark.parametrize("case", ["stream_a", "stream_b", "train_equal", "train_padded"])
def test_the_hidden_state_at_the_action_token_is_upstreams(kit, case):
    backbone, action_token, inputs, outputs = kit
    expected = outputs[f"{case}.head_input"].flatten(0, -3)
    ids, valid = (inputs[f"{case}.{name}"] for name in ("text", "text_mask"))
    each = len(expected) // len(ids)
    ids, valid = ids.repeat_interleave(each, dim=0)[:, 1:-1], valid.repeat_interleave(each, dim=0)[:, 1:-1].bool()
    media = backbone.see(fitted(backbone, inputs)[inputs[f"{case}.frame_index"].flatten()])
    present = torch.ones(len(ids), dtype=torch.bool)
    sequence = backbone.compose([Image(media, present), Text(ids, valid), Slot(action_token[None])])
    hidden, _ = backbone.think(sequence)
    assert (backbone.slots(hidden, sequence.layout)[:, 0] - expected).abs().max() <= 1e-5


@needs_kit
def test_an_instruction_becomes_the_ids_of_upstream(kit):
    backbone, _, inputs, _ = kit
    ids = backbone.tokenize(["push the red block to the left"]).ids
    assert torch.equal(ids, inputs["stream_a.text"][:, 1:-1])


def fitted(backbone, inputs):
    spec = backbone.image_spec.model_copy(update={"fit": "stretch"})
    return torch.from_numpy(np.stack([fit_image(frame, spec) for frame in inputs["frames.static"].numpy()]))


def test_prompts_are_what_the_own_processor_writes():
    backbone = load_backbone(BackboneConfig(path="tiny:kosmos"))
    frame = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    text, media = backbone.tokenize(["open"]), backbone.see(torch.from_numpy(frame)[None])
    ours = token_ids(backbone, [Image(media, torch.ones(1, dtype=torch.bool)), text])
    processor = Kosmos2Processor(backbone.image_processor, backbone.tokenizer, num_patch_index_tokens=0)
    written = processor(
        images=PILImage.fromarray(frame), text=backbone.template("open"), num_image_tokens=4, return_tensors="pt"
    )
    image = written["image_embeds_position_mask"].bool()
    assert torch.equal(image, ours == placeholder(backbone))
    assert torch.equal(written["input_ids"][~image], ours[~image])


def test_tags_in_an_instruction_are_refused_although_the_tokenizer_calls_them_words():
    backbone = load_backbone(BackboneConfig(path="tiny:kosmos"))
    with pytest.raises(UserError, match="holds '<image>', which is a special token"):
        backbone.tokenize(["open the <image> drawer"])
