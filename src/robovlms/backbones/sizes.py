"""What is published of each family: hub ids, facts, and how each fact was verified.

Parameters are in billions, rounded as they are published or as far as the weight files' bytes give them. What could not
be verified is None and has no entry in ``verified``; nothing is from memory. The tests build every configuration of
``real_configs.py`` on the meta device and hold it against these figures and the sizes of the hub's files.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from robovlms.backbones.real_configs import REAL_CONFIGS
from robovlms.core.errors import UserError

HUB = "a stored copy of its hub page"
FILES = "the sizes of its weight files on the hub"
SIBLING = "the sizes of a sibling's weight files on the hub: the same configuration, trained otherwise"
QUOTED = "public repositories that pin or quote it"


@dataclass(frozen=True)
class Checkpoint:
    """A published checkpoint.

    ``licence`` is the hub's tag, None where it has none (``verified`` then says so) or none was seen; ``num_tokens`` is
    what one square image of ``image_size`` pixels becomes. ``verified`` says by fact where it was seen. ``whole`` is
    false where the hub has what was trained only, and ``docs/backbones.md`` says what to lay beside it.
    """

    family: str
    hub_id: str
    billions: float | None
    licence: str | None
    image_size: int
    num_tokens: int
    revision: str | None = None
    verified: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True


def _seen(billions: str | None, licence: str | None, revision: str | None) -> Mapping[str, str]:
    """Where these facts were seen; those that were not are left out."""
    where = {"billions": billions, "licence": licence, "revision": revision}
    return {fact: source for fact, source in where.items() if source}


CHECKPOINTS = (
    Checkpoint(
        "kosmos", "microsoft/kosmos-2-patch14-224", 1.66, "mit", 224, 64,
        "e91cfbcb4ce051b6a55bfb5f96165a3bbf5eb82c", _seen(FILES, QUOTED, QUOTED),
    ),
    Checkpoint(
        "llava", "llava-hf/llava-1.5-7b-hf", 7.06, "llama2", 336, 576,
        "b234b804b114d9e37bb655e11cbbb5f5e971b7a9", _seen(FILES, HUB, QUOTED),
    ),
    Checkpoint(
        "qwen_vl", "Qwen/Qwen2-VL-2B-Instruct", 2.21, "apache-2.0", 224, 64,
        "895c3a49bc3fa70a340399125c650a463535e71c", _seen(FILES, HUB, HUB),
    ),
    Checkpoint(
        "qwen_vl", "Qwen/Qwen2.5-VL-3B-Instruct", 3.75, "qwen-research", 224, 64,
        "66285546d2b821cf421d4f5eb2576359d3770cd3", _seen(QUOTED, QUOTED, QUOTED),
    ),
    Checkpoint(
        "qwen_vl", "Qwen/Qwen3-VL-2B-Instruct", 2.13, "apache-2.0", 224, 49,
        "89644892e4d85e24eaac8bacfd4f463576704203", _seen(QUOTED, QUOTED, QUOTED),
    ),
    Checkpoint(
        "qwen_vl", "Qwen/Qwen-VL", 9.66, None, 448, 256,
        "0547ed36a86561e2e42fecec8fd0c4f6953e33c4", _seen(FILES, HUB, HUB),
    ),
    Checkpoint(
        "paligemma", "google/paligemma-3b-pt-224", 2.92, "gemma", 224, 256,
        "35e4f46485b4d07967e7e9935bc3786aad50687c", _seen(FILES, QUOTED, QUOTED),
    ),
    Checkpoint(
        "paligemma", "google/paligemma2-3b-pt-224", 3.03, "gemma", 224, 256,
        "96eeb174da13ca1a2b247e4d0867436296c36420", _seen(QUOTED, QUOTED, QUOTED),
    ),
    Checkpoint(
        "instructblip", "Salesforce/instructblip-vicuna-7b", 7.91, "other", 224, 32,
        "19103d0c5b5263c8a7891012e08573439fb6607f", _seen(QUOTED, HUB, QUOTED),
    ),
    Checkpoint(
        "instructblip", "Salesforce/instructblip-flan-t5-xl", 4.02, "mit", 224, 32,
        "c5a007045893cdbc5a48eae134a68041cc22ba0f", _seen(FILES, HUB, HUB),
    ),
    Checkpoint(
        "blip2", "Salesforce/blip2-opt-2.7b", 3.74, "mit", 224, 32,
        "59a1ef6c1e5117b3f65523d1c6066825bcf315e3", _seen(FILES, QUOTED, QUOTED),
    ),
    Checkpoint(
        "blip2", "Salesforce/blip2-flan-t5-xl", 3.94, "mit", 224, 32,
        "0eb0d3b46c14c1f8c7680bca2693baafdb90bb28", _seen(FILES, HUB, QUOTED),
    ),
    Checkpoint(
        "flamingo", "openflamingo/OpenFlamingo-3B-vitl-mpt1b", 2.56, None, 224, 64,
        "ed3a0c3190b2fc2d1c39630738896d4e73ce1bbc", _seen(FILES, HUB, HUB), whole=False,
    ),
    Checkpoint(
        "flamingo", "openflamingo/OpenFlamingo-4B-vitl-rpj3b", 4.04, None, 224, 64,
        "df8d3f7e75bcf891ce2fbf5253a12f524692d9c2", _seen(SIBLING, None, QUOTED), whole=False,
    ),
    Checkpoint(
        "flamingo", "openflamingo/OpenFlamingo-9B-vitl-mpt7b", 8.13, None, 224, 64,
        "7e36809c73d038829ad5fba9d0cc949b4e180562", _seen(FILES, HUB, HUB), whole=False,
    ),
    Checkpoint(
        "otter", "luodian/OTTER-Image-MPT7B", 8.13, "mit", 224, 64,
        "af423fbd0fb44263e25227e3df13771aa3f300bc", _seen(FILES, HUB, HUB),
    ),
    Checkpoint(
        "otter", "luodian/OTTER-Image-LLaMA7B-LA-InContext", 8.22, "other", 224, 64,
        "977dec472d6200a2e09a0f9993234c3ef43fc6d8", _seen(FILES, HUB, HUB),
    ),
    Checkpoint(
        "idefics", "HuggingFaceM4/idefics-9b", 8.93, "other", 224, 64,
        "e4096a89ada8c5671e6c439fa57245efbc4809c0", _seen(FILES, HUB, HUB),
    ),
    Checkpoint(
        "mllama", "meta-llama/Llama-3.2-11B-Vision", 10.64, "llama3.2", 448, 1025,
        "3f2e93603aaa5dd142f27d34b06dfa2b6e97b8be", _seen(FILES, QUOTED, QUOTED),
    ),
    Checkpoint(
        "mllama", "meta-llama/Llama-3.2-11B-Vision-Instruct", 10.67, "llama3.2", 560, 1601,
        "9eb2daaa8597bf192a8b0e73f848f3a102794df5", _seen(QUOTED, QUOTED, QUOTED),
    ),
    Checkpoint(
        "florence", "florence-community/Florence-2-base", 0.23, "mit", 768, 577,
        "00921df66db728a9ceb750f5eca43e5c203a2051", _seen(FILES, QUOTED, QUOTED),
    ),
    Checkpoint(
        "llava_onevision", "llava-hf/llava-onevision-qwen2-0.5b-ov-hf", 0.89, "apache-2.0", 384, 730,
        "2c9ba3bdda7dd7bc8de92c66da6f448561ddf7c9", _seen(FILES, HUB, HUB),
    ),
    Checkpoint(
        "internvl", "OpenGVLab/InternVL3-1B-hf", 0.94, "qwen", 448, 256,
        "014c0583a0d4bedf29fbe2dbff4f865eb998e171", _seen(FILES, HUB, QUOTED),
    ),
    Checkpoint(
        "smolvlm", "HuggingFaceTB/SmolVLM2-500M-Video-Instruct", 0.51, "apache-2.0", 512, 64,
        "7b375e1b73b11138ff12fe22c8f2822d8fe03467", _seen(FILES, HUB, QUOTED),
    ),
    Checkpoint(
        "gemma3", "google/gemma-3-4b-it", 4.3, "gemma", 896, 256,
        "093f9f388b31de276ce2de164bdc2081324b9767", _seen(QUOTED, QUOTED, QUOTED),
    ),
    Checkpoint(
        "glm4v", "zai-org/GLM-4.1V-9B-Thinking", 10.29, "mit", 224, 64, None, _seen(SIBLING, HUB, None),
    ),
    Checkpoint(
        "cohere2_vision", "CohereLabs/command-a-vision-07-2025", 111.9, None, 512, 256, None, _seen(QUOTED, None, None),
    ),
)  # fmt: skip


def checkpoints_of(family: str) -> tuple[Checkpoint, ...]:
    """The published checkpoints of a family, the default first."""
    return tuple(known for known in CHECKPOINTS if known.family == family)


def default_checkpoint(family: str) -> str:
    """The hub id that stands for a family.

    Raises:
        UserError: none is known, or the hub has parts only.
    """
    known = checkpoints_of(family)
    if whole := [one.hub_id for one in known if one.whole]:
        return whole[0]
    if known:
        parts = ", ".join(one.hub_id for one in known)
        raise UserError(
            f"The hub has parts of '{family}' ({parts}): lay them out as docs/backbones.md says, and give the "
            "directory as path."
        )
    raise UserError(f"No checkpoint of '{family}' is known here: give a directory or hub id as path.")


def real_config(checkpoint: Checkpoint) -> Any:
    """The Hugging Face configuration at real size.

    Raises:
        UserError: it is not known here.
    """
    from transformers import AutoConfig

    if checkpoint.hub_id not in REAL_CONFIGS:
        raise UserError(f"The configuration of {checkpoint.hub_id} is not known here; load it from the hub.")
    importlib.import_module("robovlms.backbones.load")  # registers the model types that transformers does not have
    return AutoConfig.for_model(**REAL_CONFIGS[checkpoint.hub_id])


def meta_model(checkpoint: Checkpoint) -> Any:
    """The model at real size on the meta device: shapes and no memory."""
    import torch
    from transformers import AutoModelForImageTextToText

    config = real_config(checkpoint)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    if getattr(config.get_text_config(), "scale_decoder_outputs", None) is False:
        head = model.get_output_embeddings()  # Flan-T5 has its own; transformers ties it until it reads a checkpoint
        head.weight = torch.nn.Parameter(head.weight.detach().clone())
    return model


def count_parameters(checkpoint: Checkpoint) -> int:
    """How many parameters a checkpoint's configuration makes; tied weights count once."""
    return sum(parameter.numel() for parameter in meta_model(checkpoint).parameters())
