"""What the shared tests do not ask of Mllama: several images against its own forward, and words before an image."""

import numpy as np
import pytest
import torch

from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.own_forward import own_forward, placeholder, token_ids
from robovlms.backbones.prompt import Image

FIRST_TILE = torch.tensor([1, 0, 0, 0])


@pytest.fixture(scope="module")
def backbone():
    return load_backbone(BackboneConfig(path="tiny:mllama")).eval()


@pytest.fixture(scope="module")
def images(backbone):
    size = backbone.image_spec.size
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, size, size, 3), dtype=np.uint8))


def difference(backbone, images, segments, looks):
    """To the model's own forward, where ``looks`` says from the tokens before which image who looks at which."""
    ids = token_ids(backbone, segments)
    number = (ids == placeholder(backbone)).cumsum(dim=1)
    mask = torch.stack([looks(number, image) for image in (1, 2)], dim=-1)[..., None] * FIRST_TILE
    inputs = {name: value[None] for name, value in backbone.image_inputs(images).items()}
    theirs, _ = own_forward(backbone, ids, **inputs, cross_attention_mask=mask)
    ours, _ = backbone.think(backbone.compose(segments))
    return (ours - theirs).abs().max()


@torch.no_grad()
def test_the_images_of_two_steps_equal_the_own_forward(backbone, images):
    """Its own processor too lets words look at the image before them only."""
    yes, (first, second) = torch.ones(1, dtype=torch.bool), backbone.see(images).chunk(2)
    words = backbone.tokenize(["open", "shut"])
    texts = [type(words)(words.ids[[row]], words.valid[[row]]) for row in (0, 1)]
    segments = [Image(first, yes, 0), texts[0], Image(second, yes, 1), texts[1]]
    assert difference(backbone, images, segments, lambda number, image: number == image) <= 1e-6


@torch.no_grad()
def test_the_two_cameras_of_a_step_equal_the_own_forward(backbone, images):
    yes, (first, second) = torch.ones(1, dtype=torch.bool), backbone.see(images).chunk(2)
    segments = [Image(first, yes), Image(second, yes), backbone.tokenize(["open"])]
    assert difference(backbone, images, segments, lambda number, image: number > 0) <= 1e-6


@torch.no_grad()
def test_words_before_an_image_do_not_see_it(backbone, images):
    yes, media = torch.ones(1, dtype=torch.bool), backbone.see(images).chunk(2)
    text = backbone.tokenize(["open"])
    one, other = (backbone.think(backbone.compose([text, Image(image, yes)]))[0] for image in media)
    assert torch.equal(one[:, :-1], other[:, :-1])
    assert not torch.equal(one[:, -1], other[:, -1])
