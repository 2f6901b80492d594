"""What the published code writes for each VLM, and which of them can be imported.

Source: ``get_text_function`` and ``get_prompt_builder`` in ``robovlms/data/data_utils.py``, ``robovlms/data/prompting``
and ``robovlms/model/backbone`` of Robot-VLAs/RoboVLMs (8adc1d2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from robovlms.actions.bins import UPSTREAM_RESERVE
from robovlms.architectures.upstream_layout import INSTRUCTION
from robovlms.core.errors import UnknownName, UserError


@dataclass(frozen=True)
class UpstreamFamily:
    """One VLM of the published code.

    Attributes:
        name: ``robovlm_name`` of its configuration.
        model_type: Hugging Face's name for the VLM.
        template: Tokenizer to the wording round an instruction.
        special_tokens: Whether the tokenizer adds its own round that.
        clip_pixels: Whether images are stretched to ``image_size`` and normalised as CLIP's, whatever the VLM's
            own processor says.
        scales_words: Whether the VLM multiplies words by the root of its width, outside of its decoder here.
    """

    name: str
    model_type: str
    template: Callable[[Any], str]
    special_tokens: bool = True
    clip_pixels: bool = True
    scales_words: bool = False


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
}

NOT_IMPORTED = {
    "flamingo": "its prompts and names of weights are not built yet",
    "llava": "it was built on LLaVA's MPT models, for which there is no backbone here",
    "qwen": "its prompts and names of weights are not built yet",
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
