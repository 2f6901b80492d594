"""Two images in a row's prompt, against the model's own forward: their order, positions, masks and added features."""

import numpy as np
import pytest
import torch
from families import CASES

from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.own_forward import own_forward, placeholder, token_ids
from robovlms.backbones.prompt import Image

NAMES = ("qwen_vl", "qwen_vl-1", "qwen_vl-3", "llava_onevision", "internvl", "smolvlm", "gemma3", "glm4v")


@pytest.mark.parametrize("case", [case for case in CASES if case.name in NAMES], ids=lambda case: case.name)
@torch.no_grad()
def test_two_images_equal_the_own_forward(case):
    backbone = load_backbone(BackboneConfig(path=f"tiny:{case.name}")).eval()
    size = backbone.image_spec.size
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, size, size, 3), dtype=np.uint8))
    media, everywhere = backbone.see(frames), torch.ones(2, dtype=torch.bool)
    images = [Image(media.at(torch.tensor([i, i + 2])), everywhere) for i in range(2)]
    segments = [*images, backbone.tokenize(["open the drawer", "shut the drawer"])]
    ids = token_ids(backbone, segments)
    inputs = backbone.image_inputs(frames) | case.own(ids, placeholder(backbone))
    hidden, _ = own_forward(backbone, ids, **inputs)
    ours, _ = backbone.think(backbone.compose(segments))
    assert (ours - hidden).abs().max().item() == 0.0
