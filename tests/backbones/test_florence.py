"""Florence-2: prompts as its own processor writes them."""

import numpy as np
import torch
from PIL import Image as PILImage
from transformers import Florence2Processor

from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.own_forward import token_ids
from robovlms.backbones.prompt import Image


def test_prompts_are_what_the_own_processor_writes():
    backbone = load_backbone(BackboneConfig(path="tiny:florence"))
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    text, media = backbone.tokenize(["open the drawer"]), backbone.see(torch.from_numpy(frame)[None])
    backbone.tokenizer.image_token, backbone.tokenizer.image_token_id = "<image>", backbone.model.config.image_token_id
    backbone.image_processor.image_seq_length = media.tokens.shape[1]
    processor = Florence2Processor(backbone.image_processor, backbone.tokenizer)
    written = processor(images=PILImage.fromarray(frame), text="open the drawer", return_tensors="pt")
    ours = token_ids(backbone, [Image(media, torch.ones(1, dtype=torch.bool)), text])
    assert torch.equal(ours, written["input_ids"])
    assert torch.equal(backbone.pixels(torch.from_numpy(frame)[None]), written["pixel_values"])
