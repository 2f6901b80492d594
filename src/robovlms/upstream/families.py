"""What the published code writes for each VLM, and which of them can be imported.

Source: ``get_text_function`` and ``get_prompt_builder`` in ``robovlms/data/data_utils.py``, ``robovlms/data/prompting``
and ``robovlms/model/backbone`` of Robot-VLAs/RoboVLMs (8adc1d2).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

from robovlms.actions.bins import UPSTREAM_RESERVE
from robovlms.architectures.upstream_layout import INSTRUCTION
from robovlms.core.errors import UnknownName, UserError
from robovlms.upstream.settings import UpstreamSettings
from robovlms.upstream.vlm_parts import copy_directory, flamingo_directory, flamingo_weights, plain_weights
from robovlms.upstream.weights import Weights


def _tokens_by_role(tokenizer: Any) -> tuple[int, int]:
    return int(tokenizer.bos_token is not None), int(tokenizer.eos_token is not None)


@dataclass(frozen=True)
class UpstreamFamily:
    """One VLM of the published code.

    Attributes:
        name: ``robovlm_name`` of its configuration.
        model_type: Hugging Face's name for the VLM.
        template: Tokenizer to the wording round an instruction.
        special_tokens: Whether the tokenizer adds its own round that.
        ends: Tokenizer to how many tokens of the text stand before the images, and how many behind the slots.
        around_image: What stands before and behind an image.
        marked: Whether one token of the text stands for all cameras of a step, beside which they are seen.
        last_layer: Settings of the language model to whether its last layer takes part.
        clip_pixels: Whether images are stretched to ``image_size`` and normalised as CLIP's, whatever the VLM's
            own processor says.
        scales_words: Whether the VLM multiplies words by the root of its width, outside of its decoder here.
        weights: Takes the VLM's weights out of a checkpoint's, by names that its directory may have.
        directory: Writes what describes the VLM without its weights.
        refused: Values of settings that the published code cannot run with this VLM, each with the reason.
    """

    name: str
    model_type: str
    template: Callable[[Any], str]
    special_tokens: bool = True
    ends: Callable[[Any], tuple[int, int]] = _tokens_by_role
    around_image: tuple[str, str] = ("", "")
    marked: bool = False
    last_layer: Callable[[Any], bool] = lambda _: True
    clip_pixels: bool = True
    scales_words: bool = False
    weights: Callable[[Weights], Weights] = plain_weights
    directory: Callable[[Path, Path], None] = copy_directory
    refused: Mapping[tuple[str, object], str] = field(default_factory=dict)

    def require(self, settings: UpstreamSettings) -> None:
        """Refuse settings of another family, or that this one cannot have.

        Raises:
            UserError: they are, with the reason.
        """
        if settings.robovlm_name != self.name:
            raise UserError(
                f"Model '{settings.model}' belongs to {self.name}, got robovlm_name '{settings.robovlm_name}'."
            )
        for (setting, value), reason in self.refused.items():
            if attrgetter(setting)(settings) == value:
                raise UserError(f"Setting '{setting}': {value} cannot be imported for {self.name}: {reason}.")


def _is_not_mpt_1b(text: Any) -> bool:
    return not (text.model_type == "mpt" and text.attn_config.qk_ln)


def _leading_tokens(tokenizer: Any) -> tuple[int, int]:
    return len(tokenizer("")["input_ids"]), 0


FAMILIES = {
    "kosmos": UpstreamFamily("RoboKosMos", "kosmos-2", lambda _: f"<grounding>An image of a robot {INSTRUCTION}"),
    "paligemma": UpstreamFamily(
        "RoboPaligemma",
        "paligemma",
        lambda tokenizer: f"{tokenizer.eos_token}{INSTRUCTION}\n",
        special_tokens=False,
        clip_pixels=False,
        scales_words=True,
    ),
    "flamingo": UpstreamFamily(
        "RoboFlamingo",
        "flamingo",
        lambda tokenizer: f"<image>{INSTRUCTION}<|endofchunk|>{tokenizer.eos_token}",
        ends=_leading_tokens,
        marked=True,
        last_layer=_is_not_mpt_1b,
        weights=flamingo_weights,
        directory=flamingo_directory,
        refused={
            ("act_head.action_space", "continuous"): "the original fails there, as it never makes its action token",
            ("act_head.action_space", "discrete"): "when the original acts it leaves the image out of the prompt",
            (
                "act_head.history_type",
                "pre",
            ): "the original trains it as post; set that, which acts on the newest frame",
            ("use_vision_resampler", True): "Flamingo has a resampler of its own; the original's is never called",
        },
    ),
    "qwen": UpstreamFamily(
        "RoboQwen",
        "qwen",
        lambda _: INSTRUCTION,
        ends=lambda _: (0, 0),  # the published tokenizer knows no token for them
        around_image=("<img>", "</img>"),
        clip_pixels=False,
        refused={
            ("act_head.action_space", "discrete"): "the original's labels ask for an image tag amid the image",
        },
    ),
}

NOT_IMPORTED = {
    "llava": "it takes LLaVA's MPT models, and no published class of theirs takes the arguments that it passes",
    "moondream": "there is no backbone for it here",
    "uform": "there is no backbone for it here",
}


def upstream_family(model: str) -> UpstreamFamily:
    """The family by the ``model`` of a configuration.

    Raises:
        UserError: a known one that cannot be imported.
        UnknownName: an unknown one.
    """
    if model in NOT_IMPORTED:
        raise UserError(f"Setting 'model': {model} cannot be imported: {NOT_IMPORTED[model]}.")
    if model not in FAMILIES:
        raise UnknownName("upstream model", model, FAMILIES)
    return FAMILIES[model]


def question(tokenizer: Any, chunk: int) -> str:
    """What is asked for a chunk of action tokens. The published code counts one action too many, also when it acts."""
    asked = f"What {chunk + 1} step actions should the robot take to {INSTRUCTION}?"
    return f"Input: {asked}\nOutput: \n{tokenizer.eos_token}"


def action_base(tokenizer: Any) -> int:
    """One above the ids of action tokens: the words, less one place a special token, less those reserved."""
    return tokenizer.vocab_size - num_special(tokenizer) - UPSTREAM_RESERVE


def num_special(tokenizer: Any) -> int:
    """Special tokens by role; a role with a list counts each."""
    return len(tokenizer.special_tokens_map) + len(tokenizer.extra_special_tokens)
