"""The first Qwen-VL as a Hugging Face model, which transformers does not have: Qwen2's decoder behind its own encoder.

Qwen 1's blocks are Qwen2's with as many key heads as query heads; its checkpoints hold query, key and value as one
matrix. Checkpoints are read and written in the published layout (``transformer.h.0.attn.c_attn.weight``).
"""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    GenerationMixin,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2Model,
)
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Chunk, WeightConverter, WeightRenaming
from transformers.modeling_outputs import CausalLMOutputWithPast
from typing_extensions import override

from robovlms.backbones.qwen1_vision import QwenVision

IMAGE_PAD = 2
"""``<imgpad>`` is the second token after ``<img>``."""
VISION: dict[str, Any] = {
    "image_size": 448,
    "patch_size": 14,
    "width": 1664,
    "layers": 48,
    "heads": 16,
    "mlp_ratio": 4.9231,
}
VISION |= {"output_dim": 4096, "image_start_id": 151857}


class QwenVLConfig(PreTrainedConfig):
    """The fields of the published ``config.json`` that mean something; the defaults are Qwen-VL's."""

    model_type = "qwen"

    def __init__(
        self,
        vocab_size: int = 151936,
        hidden_size: int = 4096,
        intermediate_size: int = 22016,
        num_hidden_layers: int = 32,
        num_attention_heads: int = 32,
        layer_norm_epsilon: float = 1e-6,
        rotary_emb_base: float = 10000.0,
        seq_length: int = 2048,
        visual: dict[str, Any] | None = None,
        **more: Any,
    ):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.intermediate_size = intermediate_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.layer_norm_epsilon = layer_norm_epsilon
        self.rotary_emb_base = float(rotary_emb_base)
        self.seq_length = seq_length
        self.visual = visual or dict(VISION)
        more.setdefault("tie_word_embeddings", False)
        super().__init__(**more)

    @property
    def image_token_id(self) -> int:
        """The token that stands for one token of an image."""
        return self.visual["image_start_id"] + IMAGE_PAD

    def language_settings(self) -> Qwen2Config:
        """The language model's settings; ``intermediate_size`` counts both halves of the gated MLP."""
        return Qwen2Config(
            vocab_size=self.vocab_size,
            hidden_size=self.hidden_size,
            intermediate_size=self.intermediate_size // 2,
            num_hidden_layers=self.num_hidden_layers,
            num_attention_heads=self.num_attention_heads,
            num_key_value_heads=self.num_attention_heads,
            rms_norm_eps=self.layer_norm_epsilon,
            max_position_embeddings=self.seq_length,
            rope_parameters={"rope_type": "default", "rope_theta": self.rotary_emb_base},
        )


class QwenVLForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """Qwen-VL and Qwen-VL-Chat."""

    config_class = QwenVLConfig
    config: QwenVLConfig
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    def __init__(self, config: QwenVLConfig):
        super().__init__(config)
        self.visual = QwenVision(**config.visual)
        self.language_model = Qwen2Model(config.language_settings())
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_image_features(self, pixel_values: Float[Tensor, "f 3 h w"]) -> Float[Tensor, "f q d"]:
        """The tokens of images."""
        return self.visual(pixel_values)

    @override
    def forward(
        self,
        input_ids: Int[Tensor, "b s"],
        pixel_values: Float[Tensor, "f 3 h w"] | None = None,
        **inputs: Any,
    ) -> CausalLMOutputWithPast:
        """Hidden states' logits; images stand where ``input_ids`` has ``<imgpad>``."""
        embeds = self.language_model.embed_tokens(input_ids)
        here = input_ids == self.config.image_token_id
        if pixel_values is not None and here.any():
            embeds = embeds.masked_scatter(here[..., None], self.get_image_features(pixel_values))
        output = self.language_model(inputs_embeds=embeds, **inputs)
        logits = self.lm_head(output.last_hidden_state)
        return CausalLMOutputWithPast(logits=logits, past_key_values=output.past_key_values)


def layout() -> list[WeightConverter | WeightRenaming]:
    """How published names become this class's, and back."""
    prefixes = {"visual": "visual", "h": "language_model.layers", "wte": "language_model.embed_tokens"}
    prefixes["ln_f"] = "language_model.norm"
    inside = {"ln_1": "input_layernorm", "ln_2": "post_attention_layernorm", r"attn\.c_proj": "self_attn.o_proj"}
    inside |= {r"mlp\.w1": "mlp.up_proj", r"mlp\.w2": "mlp.gate_proj", r"mlp\.c_proj": "mlp.down_proj"}
    renamed = [WeightRenaming(rf"^transformer\.{old}\.", f"{new}.") for old, new in prefixes.items()]
    renamed += [WeightRenaming(rf"(layers\.\d+)\.{old}\.", rf"\1.{new}.") for old, new in inside.items()]
    parts = [[f".self_attn.{part}_proj.{kind}" for part in "qkv"] for kind in ("weight", "bias")]
    split = [
        WeightConverter(f".attn.c_attn.{kind}", names, [Chunk(0)])
        for kind, names in zip(("weight", "bias"), parts, strict=True)
    ]
    return [*renamed, *split]


AutoConfig.register(QwenVLConfig.model_type, QwenVLConfig, exist_ok=True)
AutoModelForImageTextToText.register(QwenVLConfig, QwenVLForConditionalGeneration, exist_ok=True)
register_checkpoint_conversion_mapping(QwenVLForConditionalGeneration.__name__, layout(), overwrite=True)
