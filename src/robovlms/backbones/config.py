"""What is asked of a VLM: which one, what of it learns, and how it computes."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from robovlms.core.config import Config

Part = Literal["vision", "projector", "text"]
"""The image encoder; what brings its features to the language model; the language model with words and output head."""

PARTS: tuple[Part, ...] = ("vision", "projector", "text")
PACKAGED = "tiny"


class LoRAConfig(Config):
    """Low-rank adapters (arXiv 2106.09685) on linear layers; the weights under them stay as they are.

    ``modules`` are names such as ``q_proj``; none means every linear layer of ``parts``, but never the output head.
    """

    rank: int = Field(16, ge=1)
    alpha: int = Field(32, ge=1)
    dropout: float = Field(0, ge=0, lt=1)
    parts: tuple[Part, ...] = Field(("text",), min_length=1)
    modules: tuple[str, ...] = ()


class ResamplerConfig(Config):
    """A perceiver (arXiv 2204.14198) that makes ``num_latents`` tokens of an image, whatever the VLM makes of it."""

    num_latents: int = Field(64, ge=1)
    depth: int = Field(6, ge=1)
    num_heads: int = Field(8, ge=1)
    head_dim: int = Field(64, ge=1)


class BackboneConfig(Config):
    """Which VLM, and what of it learns.

    ``path`` is a local Hugging Face directory, a hub id, ``tiny``: the small VLM of this package, or ``tiny:llava`` and
    so on: a random miniature of a family, for dry runs.
    ``vl_pretrained: false`` keeps the architecture and re-initialises every weight (question 1: why VLAs?). ``train``
    is ``all``, ``nothing`` (new parts only: slots, adapters, resampler, head), or some of ``vision``, ``projector`` and
    ``text``; ``last_layers`` narrows ``text`` to the last layers of the language model and its final norm.
    """

    path: str = PACKAGED
    vl_pretrained: bool = True
    train: tuple[Part, ...] = PARTS
    last_layers: int | None = Field(None, ge=1)
    lora: LoRAConfig | None = None
    resampler: ResamplerConfig | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    """``bfloat16``: products are computed in it, and what does not train is kept in it; what trains stays float32."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, more time."""
    compile: bool = False
    """Compile the towers with ``torch.compile``: a slow start, then faster steps of the same shape."""
    encode_first: bool = False
    """With a frozen vision tower: encode every frame once, before training. Faster steps, no image augmentation."""

    @field_validator("train", mode="before")
    @classmethod
    def _parts(cls, value: Any) -> Any:
        named = {"all": PARTS, "nothing": ()}.get(value, (value,)) if isinstance(value, str) else value
        if not isinstance(named, list | tuple) or not set(named) <= set(PARTS):
            raise ValueError(f"expected all, nothing, or some of {', '.join(PARTS)}")
        return tuple(part for part in PARTS if part in named)

    @model_validator(mode="after")
    def _consistent(self) -> "BackboneConfig":
        adapted = set(self.lora.parts) if self.lora else set()
        if self.last_layers and "text" not in self.train:
            raise ValueError("last_layers narrows what trains of the language model: set train to text, too")
        if both := adapted & set(self.train):
            raise ValueError(
                f"LoRA adapts what is frozen, but train holds {', '.join(sorted(both))}: set it to nothing"
            )
        if self.encode_first and (self.resampler or {"vision", "projector"} & (set(self.train) | adapted)):
            raise ValueError(
                "encode_first needs a frozen vision tower and projector, no resampler: set model.backbone.train to text"
            )
        return self
