"""A published configuration and its VLM's tokenizer as a model configuration of ours."""

from typing import Any

from robovlms.architectures.upstream_model import UpstreamConfig
from robovlms.core.config import validate
from robovlms.upstream.families import UpstreamFamily, action_base, question
from robovlms.upstream.settings import UpstreamSettings

TRUNKS = {"FCDecoder": "upstream_fc", "LSTMDecoder": "upstream_lstm", "GPTDecoder": "upstream_gpt"}


def model_config(
    settings: UpstreamSettings,
    family: UpstreamFamily,
    tokenizer: Any,
    path: str,
    text: Any,
    parity: bool = False,
    max_text_tokens: int | None = None,
) -> UpstreamConfig:
    """What to build; ``path`` is where the VLM came from, ``text`` its language model's settings.

    See ``importing.Source`` for the rest.

    Raises:
        UserError: a value out of range.
    """
    backbone: dict[str, Any] = {"path": path}
    if settings.use_vision_resampler:  # the published code ignores the sizes in its own configuration
        backbone["resampler"] = {"num_latents": 64, "depth": 6, "num_heads": 8, "head_dim": 64}
    discrete = settings.act_head.action_space == "discrete"
    describe = _tokens if discrete else _continuous
    architecture, head = describe(settings, family, tokenizer, parity)
    if not discrete:
        architecture["last_layer"] = family.last_layer(text)
    if family.scales_words and not discrete:
        architecture["slot_scale"] = text.hidden_size**0.5
    shared = {"history": settings.window_size, "chunk": settings.fwd_pred_next_n, "state_noise": 0.0}
    shared |= {"max_text_tokens": max_text_tokens} if max_text_tokens else {}
    return validate(UpstreamConfig, {"backbone": backbone, "architecture": shared | architecture, "head": head})


def gripper_commands(settings: UpstreamSettings) -> tuple[int, int]:
    """What the published evaluation makes of a gripper that is closed and of one that is open.

    It scales 0 or 1 like the arm and then asks whether the result is above 0.5.
    """
    if not settings.norm_action:
        return 0, 1
    half = (settings.norm_max - settings.norm_min) / 2
    closed, opened = (half * (value + 1) + settings.norm_min > 0.5 for value in (0, 1))
    return int(closed), int(opened)


def _continuous(
    settings: UpstreamSettings, family: UpstreamFamily, tokenizer: Any, parity: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    upstream = settings.act_head
    begin, end = family.ends(tokenizer)
    pooled = "all" if family.marked else upstream.token_source
    architecture: dict[str, Any] = {
        "kind": "upstream_prompt",
        "template": family.template(tokenizer),
        "special_tokens": family.special_tokens,
        "begin": begin,
        "around_image": family.around_image,
        "marked": family.marked,
        "end": end,
        "read_out": pooled if upstream.action_space == "down_sample" else "slots",
        "padding": "counted" if parity else "masked",
    }
    if upstream.history_type == "pre":
        architecture |= {"kind": "upstream_interleaved", "acts_on": "oldest" if parity else "newest"}
    head = {
        "kind": TRUNKS[upstream.type],
        "num_slots": upstream.latent,
        "hidden": upstream.hidden_size,
        "gripper_weight": settings.arm_gripper_loss_ratio,
        "gripper_commands": gripper_commands(settings) if parity else (0, 1),
    }
    if upstream.type == "LSTMDecoder":
        head["num_layers"] = upstream.num_layers
    return architecture, head


def _tokens(
    settings: UpstreamSettings, family: UpstreamFamily, tokenizer: Any, parity: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    upstream, end = settings.act_head, tokenizer.eos_token_id
    architecture = {
        "kind": "upstream_tokens_prompt",
        "template": question(tokenizer, settings.fwd_pred_next_n),
        "end": int(end is not None),
    }
    head = {
        "kind": "upstream_tokens",
        "base": action_base(tokenizer),
        "num_bins": upstream.n_bin,
        "low": upstream.min_action,
        "high": upstream.max_action,
        "end_id": end,
    }
    return architecture, head
