"""Any image-text-to-text model of transformers that no family serves, as a splice backbone, if that is what it is.

At load it thinks about a random image and a sentence and compares itself with the model's own forward: a model with
other positions, masks or features than this generic form has is refused instead of being wrong.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.backbones.own_forward import own_forward, token_ids
from robovlms.backbones.pretrained import require_frames
from robovlms.backbones.prompt import Image
from robovlms.backbones.splice import SpliceBackbone
from robovlms.core.errors import UserError

TOLERANCE = 1e-4
"""Largest relative difference that still is floating-point noise."""


class GenericBackbone(SpliceBackbone):
    """A model no file was written for; its own image processor makes the pixels."""

    in_runs = False  # the comparison says nothing of keys and values that are kept
    logits_difference: float = 0.0

    @classmethod
    @override
    def from_pretrained(cls, directory: str | Path, pretrained: bool = True) -> "GenericBackbone":
        backbone = super().from_pretrained(directory, pretrained)
        assert isinstance(backbone, GenericBackbone)
        try:
            difference, backbone.logits_difference = backbone.differences()
        except (TypeError, ValueError, RuntimeError, AttributeError, KeyError, StopIteration) as error:
            raise UserError(f"{_refusal(backbone.model)}: {type(error).__name__}: {error}") from error
        if not difference <= TOLERANCE:
            raise UserError(
                f"{_refusal(backbone.model)}: its own hidden states differ by {difference:.3g} of their size."
            )
        return backbone

    @property
    @override
    def projector(self) -> nn.Module:
        towers = {id(self.vision_tower), id(self.model.get_decoder())}
        return nn.ModuleList([part for part in self.model.base_model.children() if id(part) not in towers])

    @override
    def image_inputs(self, images: UInt8[Tensor, "f h w 3"]) -> dict[str, Tensor]:
        require_frames(images, self.image_spec.size)
        made = self.image_processor(images=list(images.cpu().numpy()), return_tensors="pt")
        tensors = {name: value for name, value in made.items() if isinstance(value, Tensor)}
        return {name: value.to(self.word_embedding_device) for name, value in tensors.items()}

    @override
    def speak(self, hidden: Float[Tensor, "*n d"], ids: Int[Tensor, " v"] | None = None) -> Float[Tensor, "*n v"]:
        if not self.logits_difference <= TOLERANCE:
            raise UserError(
                f"{_refusal(self.model)} for token heads: its own logits differ by {self.logits_difference:.3g} of "
                "their size. Use a head that reads hidden states."
            )
        return super().speak(hidden, ids)

    @torch.no_grad()
    def differences(self) -> tuple[float, float]:
        """Largest differences to the model's own hidden states and logits, relative to them.

        They are taken on a random image and a sentence.
        """
        was_training, size = self.training, self.image_spec.size
        self.eval()
        pixels = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
        images = torch.from_numpy(pixels).to(self.word_embedding_device)
        text = self.tokenize(["open the drawer"])
        segments = [Image(self.see(images), torch.ones(1, dtype=torch.bool, device=images.device)), text]
        hidden, logits = own_forward(self, token_ids(self, segments), **self.image_inputs(images))
        ours, _ = self.think(self.compose(segments))
        said = super().speak(ours[:, -logits.shape[1] :])
        self.train(was_training)
        return _relative(ours, hidden), _relative(said, logits)


def _relative(ours: Float[Tensor, "..."], theirs: Float[Tensor, "..."]) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max())


def _refusal(model: Any) -> str:
    return f"{type(model).__name__} is no family of this package, and the generic splice backbone does not fit it"
