"""The policy without a VLM, for the question "why a VLA?": a CNN per camera, modulated by the text (FiLM).

Three strided convolutions a camera (Mnih et al. 2015), each scaled and shifted by a sentence vector (Perez et al.,
arXiv 1709.07871). It sees the same windows and feeds the same heads as a VLA: an MLP for one step, a GRU for several.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from typing_extensions import override

from robovlms.architectures.architecture import Architecture, ArchitectureConfig
from robovlms.architectures.sentence import read_sentences
from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.state import StateEncoder
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head


class FilmCNNConfig(ArchitectureConfig):
    """Sizes of the CNN + FiLM policy."""

    kind: Literal["film_cnn"] = "film_cnn"
    channels: tuple[int, int, int] = (48, 96, 128)
    width: int = 256
    text_width: int = 128
    num_word_buckets: int = 4096


class FilmCNN(Architecture):
    """One slot per camera and one for the sentence; the state goes straight to the head."""

    def __init__(self, config: FilmCNNConfig, cameras: Sequence[str], image_size: int, head: Head, state_dims: int):
        super().__init__()
        self.config, self.head = config, head
        self.words = nn.Embedding(config.num_word_buckets, config.text_width)
        self.reader = nn.GRU(config.text_width, config.text_width, batch_first=True)
        self.sentence = nn.Linear(config.text_width, config.width)
        self.cameras = nn.ModuleDict({name: FilmEncoder(config, image_size) for name in cameras})
        self.state = StateEncoder(state_dims, config.width, config.state_noise) if state_dims else None

    @override
    def features(self, batch: Batch) -> Features:
        frames, texts, first, inverse = distinct_prompts(batch)
        text = read_sentences(batch.instructions, self.words, self.reader)[texts]
        slots = [encoder(batch.images[name][frames], text) for name, encoder in self.cameras.items()]
        slots.append(self.sentence(text))
        state = self.state(batch.state.flatten(0, 1)[first])[:, 0][inverse] if self.state else None
        return Features(torch.stack(slots, dim=1)[inverse], batch.frame_valid, state)

    @override
    def require_readable(self, instructions: Sequence[str]) -> None:
        """Every sentence is readable: words are hashed."""


class FilmEncoder(nn.Module):
    """Three convolutions, each modulated by the sentence, flattened to one vector."""

    def __init__(self, config: FilmCNNConfig, image_size: int):
        super().__init__()
        first, second, third = config.channels
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(3, first, 8, 4), nn.Conv2d(first, second, 3, 2), nn.Conv2d(second, third, 3, 2)]
        )
        self.film = nn.ModuleList([nn.Linear(config.text_width, 2 * channels) for channels in config.channels])
        with torch.no_grad():
            cells = self._convolve(torch.zeros(1, 3, image_size, image_size), torch.zeros(1, config.text_width)).numel()
        self.out = nn.Sequential(nn.Linear(cells, config.width), nn.GELU())

    def forward(self, images: UInt8[Tensor, "p h w 3"], text: Float[Tensor, "p e"]) -> Float[Tensor, "p d"]:
        """Encode frames under their sentences."""
        pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        return self.out(self._convolve(pixels.contiguous(memory_format=torch.channels_last), text).flatten(1))

    def _convolve(self, pixels: Float[Tensor, "p c h w"], text: Float[Tensor, "p e"]) -> Float[Tensor, "p c2 h2 w2"]:
        for convolution, film in zip(self.convolutions, self.film, strict=True):
            scale, bias = film(text)[..., None, None].chunk(2, dim=1)
            pixels = torch.relu(convolution(pixels) * (1 + scale) + bias)
        return pixels
