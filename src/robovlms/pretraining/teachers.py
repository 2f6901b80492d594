"""Heads that teach and are thrown away: without them a model this small leaves things unseen, or seen but unread."""

from jaxtyping import Float
from torch import Tensor, nn
from transformers import Cohere2VisionForConditionalGeneration

from robovlms.pretraining.cells import CellHeads
from robovlms.pretraining.frames import Frame
from robovlms.pretraining.losses import Probe, probe_loss
from robovlms.pretraining.model import NUM_IMAGES, TinyVLMConfig
from robovlms.pretraining.network import summary_state


class Teachers(nn.Module):
    """The probe (from all tokens of the tower) and the cell heads teach the tower where things are.

    The reader teaches tower and language model together: the scene's numbers shall stand in <bos> after the first
    layer, where the next layer finds them whatever the question is.
    """

    def __init__(self, model: Cohere2VisionForConditionalGeneration, config: TinyVLMConfig):
        super().__init__()
        self.probe = Probe(NUM_IMAGES * config.cells_per_image * config.vision_width)
        self.reader = Probe(config.width)
        self.cells = CellHeads(model.model.vision_tower)

    def seeing(self, features: Float[Tensor, "p s e"], frames: list[Frame]) -> dict[str, Tensor]:
        """Losses of the pass that the tower has just made, in training."""
        return {"probe": probe_loss(self.probe(features), frames), "cells": self.cells.loss(features, frames)}

    def reading(
        self, model: Cohere2VisionForConditionalGeneration, images: Float[Tensor, "p s d"], frames: list[Frame]
    ) -> dict[str, Tensor]:
        """Loss of what the language model's first layer reads off the image tokens."""
        return {"reader": probe_loss(self.reader(summary_state(model, images)), frames)}
