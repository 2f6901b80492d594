"""A family's backbone with what a configuration asks of it, written once for all families.

``fitted(family)`` is a subclass of the family. Whatever the precision inside, the four verbs take and give float32.
"""

import functools
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.backbones.adapters import adapt, merge_adapters, without_adapters
from robovlms.backbones.config import BackboneConfig, ResamplerConfig
from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone
from robovlms.backbones.freezing import freeze, part_of_each
from robovlms.backbones.perceiver import Resampler
from robovlms.backbones.pretrained import PretrainedBackbone
from robovlms.backbones.prompt import Cache, Media, Text, square
from robovlms.core.errors import UserError


class Fitted(PretrainedBackbone):
    """Freezing, adapters, resampler, precision, gradient checkpointing and compilation, round a family's verbs."""

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any):
        super().__init__(model, tokenizer, image_processor)
        self.resampler: Resampler | None = None
        self.in_bfloat16 = False

    def fit(self, config: BackboneConfig) -> None:
        """Apply a configuration; once, after loading.

        Raises:
            UserError: it asks for layers this VLM does not have.
        """
        if config.lora:
            adapt(self.model, part_of_each(self), config.lora)
        freeze(self, config)
        if config.resampler:
            self.resampler = self._new_resampler(config.resampler)
        self.in_bfloat16 = config.precision == "bfloat16"
        self.halve()
        if config.gradient_checkpointing:
            checkpoint_gradients(self.model)
        if config.compile:
            self.in_runs = False  # each run is of another shape
            for tower in self._called():
                tower.compile()

    @override
    def see(self, images: UInt8[Tensor, "f h w 3"], text: Text | None = None) -> Media:
        with self.computing():
            media = super().see(images, text)
            if self.resampler is None:
                return Media(media.tokens.float(), media.grid, tuple(layer.float() for layer in media.layers))
            tokens, *layers = (self.resampler(part.float()[:, None]).float() for part in (media.tokens, *media.layers))
            return Media(tokens, square(tokens.shape[1]), tuple(layers))

    @override
    def read(self, ids: Int[Tensor, "b l"]) -> Float[Tensor, "b l d"]:
        return super().read(ids).float()

    @override
    def decode(self, embeds: Float[Tensor, "b s d"], known: Cache) -> Float[Tensor, "b s d"]:
        with self.computing():
            return super().decode(embeds, known).float()

    @override
    def speak(self, hidden: Float[Tensor, "*n d"], ids: Int[Tensor, " v"] | None = None) -> Float[Tensor, "*n v"]:
        with self.computing():
            return super().speak(hidden, ids).float()

    @override
    def save(self, directory: Path) -> None:
        with without_adapters(self.model):
            super().save(directory)

    def merge_adapters(self) -> None:
        """Add the adapters to the VLM's weights."""
        merge_adapters(self.model)

    def halve(self) -> None:
        """Keep frozen matrices as they are computed with: in bfloat16, where that is asked for."""
        if self.in_bfloat16:
            halve_frozen(self.model)

    def computing(self) -> AbstractContextManager[Any]:
        """Products in bfloat16 where that is asked for; else whatever surrounds the call."""
        return torch.autocast(self.word_embedding_device.type, torch.bfloat16) if self.in_bfloat16 else nullcontext()

    @torch.no_grad()
    def _new_resampler(self, config: ResamplerConfig) -> Resampler:
        """Its width and the scale of what it makes are those of this VLM's image tokens, seen in a grey frame."""
        size, was_training = self.image_spec.size, self.training
        frame = torch.full((1, size, size, 3), 128, dtype=torch.uint8, device=self.word_embedding_device)
        self.eval()
        tokens = self.see(frame, self.tokenize(["look"]) if self.sees_by_text else None).tokens
        self.train(was_training)
        made = Resampler(tokens.shape[-1], config.num_latents, config.depth, config.num_heads, config.head_dim)
        made.norm.weight.fill_(tokens.std())
        return made.to(tokens.device)

    def _called(self) -> tuple[nn.Module, ...]:
        """The modules that the verbs call."""
        text = (self.encoder, self.decoder) if isinstance(self, EncoderDecoderBackbone) else (self.text_tower,)
        return (self.vision_tower, *text)


@functools.cache
def fitted(family: type[PretrainedBackbone]) -> type[Fitted]:
    """A family's class, made fit for a configuration; it goes by the family's name."""
    return type(family.__name__, (Fitted, family), {"__doc__": family.__doc__, "__module__": family.__module__})


def halve_frozen(model: nn.Module) -> None:
    """Keep frozen matrices in bfloat16. Norms and biases stay: they are small, and kernels want them exact."""
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding | nn.Conv2d | nn.Conv3d) and not module.weight.requires_grad:
            module.weight.data = module.weight.data.to(torch.bfloat16)


def checkpoint_gradients(model: Any) -> None:
    """Have Hugging Face's layers keep their inputs only.

    Raises:
        UserError: the model has none that can.
    """
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    try:
        enable({"use_reentrant": False})
    except ValueError as error:
        raise UserError(
            f"Gradient checkpointing: {error} Set model.backbone.gradient_checkpointing to false."
        ) from None
