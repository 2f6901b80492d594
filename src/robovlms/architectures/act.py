"""A transformer without a VLM, after ACT (Zhao et al. 2023, arXiv 2304.13705, section IV-C): one query an action.

Every cell of each camera's feature map is a token; so are the state and the sentence. An encoder mixes them, and a
decoder reads them with one learned query for each action of the chunk. Its layers normalise after adding, as in DETR.

What differs from the paper: convolutions from scratch in place of a pre-trained ResNet-18, learned positions, a
sentence, the state beside the decoder's answer too, and no CVAE. Its latent is the prior's mean whenever the policy
acts, and the paper finds it to matter for human demonstrations only; flow and diffusion heads model several ways to
act.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float, UInt8
from pydantic import Field, model_validator
from torch import Tensor, nn
from typing_extensions import override

from robovlms.architectures.architecture import Architecture, ArchitectureConfig
from robovlms.architectures.sentence import read_sentences
from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.state import StateEncoder
from robovlms.core.batch import Batch
from robovlms.heads.head import Features, Head


class ACTConfig(ArchitectureConfig):
    """Sizes of the transformer; the paper has width 512, 4 encoder layers, 8 heads, feedforward 3200, chunk 100."""

    kind: Literal["act"] = "act"
    channels: tuple[int, int] = (48, 96)
    width: int = Field(128, ge=1)
    num_heads: int = Field(4, ge=1)
    encoder_layers: int = Field(2, ge=1)
    decoder_layers: int = Field(1, ge=1)
    feedforward: int = Field(512, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    text_width: int = Field(128, ge=1)
    num_word_buckets: int = Field(4096, ge=2)

    @model_validator(mode="after")
    def _divides(self) -> "ACTConfig":
        if self.width % self.num_heads:
            raise ValueError(f"width {self.width} does not divide over num_heads {self.num_heads}")
        return self


class ACT(Architecture):
    """One slot for each action of the chunk, read from the tokens of one frame."""

    def __init__(self, config: ACTConfig, cameras: Sequence[str], image_size: int, head: Head, state_dims: int):
        super().__init__()
        self.config, self.head = config, head
        width = config.width
        self.words = nn.Embedding(config.num_word_buckets, config.text_width)
        self.reader = nn.GRU(config.text_width, config.text_width, batch_first=True)
        self.sentence = nn.Linear(config.text_width, width)
        self.cameras = nn.ModuleDict({name: CellEncoder(config) for name in cameras})
        self.state = StateEncoder(state_dims, width, config.state_noise) if state_dims else None
        with torch.no_grad():
            cells = CellEncoder(config)(torch.zeros(1, image_size, image_size, 3, dtype=torch.uint8)).shape[1]
        self.positions = nn.Parameter(0.02 * torch.randn(len(cameras) * cells + 2, width))
        self.queries = nn.Parameter(torch.randn(config.chunk, width))
        sizes = (width, config.num_heads, config.feedforward, config.dropout)
        encoder = nn.TransformerEncoderLayer(*sizes, batch_first=True)
        decoder = nn.TransformerDecoderLayer(*sizes, batch_first=True)
        self.encoder = nn.TransformerEncoder(encoder, config.encoder_layers, enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(decoder, config.decoder_layers)

    @override
    def features(self, batch: Batch) -> Features:
        frames, texts, first, inverse = distinct_prompts(batch)
        sentence = self.sentence(read_sentences(batch.instructions, self.words, self.reader))[texts][:, None]
        tokens = [encoder(batch.images[name])[frames] for name, encoder in self.cameras.items()] + [sentence]
        state = self.state(batch.state.flatten(0, 1)[first]) if self.state else None
        if state is not None:
            tokens.append(state)
        sequence = torch.cat(tokens, dim=1)
        memory = self.encoder(sequence + self.positions[: sequence.shape[1]])
        slots = self.decoder(self.queries.expand(len(memory), -1, -1), memory)
        return Features(slots[inverse], batch.frame_valid, None if state is None else state[:, 0][inverse])

    @override
    def require_readable(self, instructions: Sequence[str]) -> None:
        """Every sentence is readable: words are hashed."""


class CellEncoder(nn.Module):
    """Three convolutions; every cell of the map, 16 pixels a side, is one token."""

    def __init__(self, config: ACTConfig):
        super().__init__()
        first, second = config.channels
        self.convolutions = nn.Sequential(
            nn.Conv2d(3, first, 8, 4, padding=2),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, 2, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, config.width, 3, 2, padding=1),
        )

    def forward(self, images: UInt8[Tensor, "f h w 3"]) -> Float[Tensor, "f s d"]:
        """Tokens of frames, row by row of their maps."""
        pixels = images.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        return self.convolutions(pixels.contiguous(memory_format=torch.channels_last)).flatten(2).transpose(1, 2)
