"""The configuration file beside a published checkpoint, as far as it says what the policy computes.

Source: ``configs/`` and ``robovlms/model/backbone/base_backbone.py`` of Robot-VLAs/RoboVLMs (8adc1d2). What concerns
its training script only (paths, batch size, optimizer, logging) is passed over; what would make the policy another one
and has no counterpart here is refused.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field

from robovlms.core.config import Config, read_file, validate
from robovlms.core.errors import UserError


class _Part(Config):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ActionHead(_Part):
    """``act_head``. Its own ``window_size`` and ``fwd_pred_next_n`` are overwritten by those at the top."""

    type: Literal["FCDecoder", "LSTMDecoder", "GPTDecoder", "DiscreteDecoder"]
    hidden_size: int = Field(1024, ge=1)
    action_dim: int = 7
    down_sample: Literal["none", "pooling"] = "pooling"
    latent: int = Field(1, ge=1)
    action_space: Literal["continuous", "down_sample", "discrete"] = "continuous"
    history_type: Literal["post", "pre", "video"] = "post"
    token_source: Literal["text", "vision", "all"] = "all"
    fill_zero: bool = False
    n_bin: int = 256
    min_action: float = -1
    max_action: float = 1
    num_layers: int = 4
    """Of ``LSTMDecoder`` only."""


class Tokenizer(_Part):
    """``tokenizer``."""

    additional_special_tokens: tuple[str, ...] | None = None


class Dataset(_Part):
    """``train_dataset``."""

    type: str = "DiskCalvinDataset"
    data_mix: str | None = None


class TrainSetup(_Part):
    """``train_setup``."""

    lora_enable: bool = False


class UpstreamSettings(_Part):
    """The file."""

    robovlm_name: str
    model: str
    image_size: int = Field(224, ge=1)
    window_size: int = Field(ge=1)
    fwd_pred_next_n: int = Field(ge=1)
    arm_gripper_loss_ratio: float = 0.01
    use_hand_rgb: bool = False
    use_vision_resampler: bool = False
    use_clip_norm: bool = False
    act_head: ActionHead
    fwd_head: dict[str, Any] | None = None
    tokenizer: Tokenizer = Tokenizer()
    train_setup: TrainSetup = TrainSetup()
    train_dataset: Dataset = Dataset()
    parent: str | None = None
    norm_action: bool = False
    norm_min: float = -1
    norm_max: float = 1
    regular_action: bool = False
    use_mu_law: bool = False
    mu_val: float = Field(255, gt=0)
    tcp_rel: bool = False

    @property
    def learns_from_rlds(self) -> bool:
        """Whether its actions were normalised by a data set's statistics before ``norm_action``."""
        return self.train_dataset.type == "OpenVLADataset"

    @property
    def sees_hand(self) -> bool:
        """Whether it was given a hand camera; the loader of RLDS data gives none, whatever is set."""
        return self.use_hand_rgb and not self.learns_from_rlds


def read_settings(path: Path) -> UpstreamSettings:
    """Read the file.

    Raises:
        UserError: missing, damaged, not such a file, or it asks for something that cannot be imported.
    """
    settings = validate(UpstreamSettings, read_file(path))
    problem = _problem(settings)
    if problem:
        raise UserError(f"{path}: {problem}")
    return settings


def _problem(settings: UpstreamSettings) -> str | None:
    """Why a policy of these settings cannot be imported; None where it can."""
    head = settings.act_head
    refused = {
        "parent": (settings.parent is not None, "merge the parent file into this one"),
        "fwd_head": (settings.fwd_head is not None, "the published code lacks the module that it builds it from"),
        "use_clip_norm": (settings.use_clip_norm, "the auxiliary CLIP regression has no counterpart here"),
        "train_setup.lora_enable": (settings.train_setup.lora_enable, "merge the adapters into the weights first"),
        "tcp_rel": (settings.tcp_rel, "the original cannot evaluate such actions either"),
        "regular_action": (settings.regular_action, "the original does not undo it when it acts"),
        "act_head.fill_zero": (head.fill_zero, "action tokens that nobody may look at have no counterpart here"),
        "act_head.action_dim": (head.action_dim != 7, "six numbers of a pose and a gripper are expected"),
        "act_head.history_type": (
            head.history_type == "video",
            "the original's losses do not fit its outputs then, so there is no such checkpoint",
        ),
        "norm_max": (not settings.norm_min < settings.norm_max, "it must be above norm_min"),
        "act_head.action_space": (
            (head.action_space == "discrete") != (head.type == "DiscreteDecoder"),
            "discrete goes with DiscreteDecoder, and with nothing else",
        ),
        "window_size": (
            head.action_space == "discrete" and settings.window_size > 1,
            "action tokens over several frames are not built; the original acts on one frame, too",
        ),
        "act_head.down_sample": (
            head.down_sample == "none" and head.action_space == "down_sample",
            "without pooling the head's width would depend on the length of the text",
        ),
        "act_head.latent": (
            head.type == "GPTDecoder" and head.latent > 1,
            "the original's GPT head does not run with more than one",
        ),
    }
    for field, (applies, reason) in refused.items():
        if applies:
            return f"setting '{field}' cannot be imported: {reason}."
    return None
