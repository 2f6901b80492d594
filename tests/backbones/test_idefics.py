"""What only Idefics does: one token between two images, and images beside the text."""

import numpy as np
import torch

from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.own_forward import own_forward
from robovlms.backbones.prompt import Image

RNG = np.random.default_rng(0)


@torch.no_grad()
def test_two_images_equal_the_own_forward():
    """The family writes one token between neighbouring images. The other, which is not written, stays as padding.

    That is why the difference is a rounding and not zero.
    """
    backbone = load_backbone(BackboneConfig(path="tiny:idefics")).eval()
    size, yes = backbone.image_spec.size, torch.ones(1, dtype=torch.bool)
    images = torch.from_numpy(RNG.integers(0, 256, (2, size, size, 3), dtype=np.uint8))
    text = backbone.tokenize(["open the drawer"])
    first, second = (Image(media, yes) for media in backbone.see(images).chunk(2))
    absent = Image(first.media, ~yes)

    between = "<fake_token_around_image>"
    prompt = f"<s>User:{between}<image>{between}<image>{between}"
    ids = torch.tensor([backbone.tokenizer(prompt, add_special_tokens=False)["input_ids"]])
    ids = torch.cat([ids, text.ids], dim=1)
    looks = (ids == backbone.tokenizer.get_vocab()["<image>"]).cumsum(dim=1).clamp(max=1)[..., None].expand(-1, -1, 2)
    theirs, _ = own_forward(backbone, ids, pixel_values=backbone.pixels(images)[None], image_attention_mask=looks)

    for cameras in ([first, second], [absent, first, second], [first, absent, second], [first, second, absent]):
        sequence = backbone.compose([*cameras, text])
        ours = backbone.think(sequence)[0][:, sequence.layout.valid[0]]
        assert ours.shape == theirs.shape
        assert (ours - theirs).abs().max() <= 1e-5
