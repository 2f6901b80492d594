"""What is said of published checkpoints, held against the models their configurations make (on the meta device)."""

import re

import pytest
import torch

from robovlms.backbones.load import FAMILIES, backbone_class, family_of
from robovlms.backbones.real_configs import REAL_CONFIGS
from robovlms.backbones.sizes import (
    CHECKPOINTS,
    QUOTED,
    Checkpoint,
    checkpoints_of,
    default_checkpoint,
    meta_model,
    real_config,
)
from robovlms.core.errors import UserError

QUICK = ("kosmos", "paligemma", "florence", "internvl")
BY_ID = [
    pytest.param(known, id=known.hub_id, marks=[] if known.family in QUICK else [pytest.mark.slow])
    for known in CHECKPOINTS
]
WEIGHT_FILES = {  # as the hub lists them: gigabytes in all, bytes a number, how many files that was added up from
    "microsoft/kosmos-2-patch14-224": (6.66, 4, 1),
    "llava-hf/llava-1.5-7b-hf": (14.13, 2, 3),
    "Qwen/Qwen2-VL-2B-Instruct": (4.42, 2, 1),
    "Qwen/Qwen2.5-VL-3B-Instruct": (7.51, 2, 2),
    "Qwen/Qwen-VL": (19.29, 2, 10),
    "google/paligemma-3b-pt-224": (11.69, 4, 3),
    "Salesforce/instructblip-vicuna-7b": (31.66, 4, 4),
    "Salesforce/instructblip-flan-t5-xl": (16.09, 4, 2),
    "Salesforce/blip2-opt-2.7b": (14.98, 4, 1),
    "Salesforce/blip2-flan-t5-xl": (15.77, 4, 2),
    "openflamingo/OpenFlamingo-3B-vitl-mpt1b": (4.19, 4, 1),
    "openflamingo/OpenFlamingo-4B-vitl-rpj3b": (4.87, 4, 1),  # its langinstruct sibling's
    "openflamingo/OpenFlamingo-9B-vitl-mpt7b": (5.54, 4, 1),
    "luodian/OTTER-Image-MPT7B": (32.54, 4, 4),
    "luodian/OTTER-Image-LLaMA7B-LA-InContext": (32.89, 4, 4),
    "HuggingFaceM4/idefics-9b": (17.86, 2, 2),
    "meta-llama/Llama-3.2-11B-Vision": (21.30, 2, 5),
    "meta-llama/Llama-3.2-11B-Vision-Instruct": (21.35, 2, 5),
    "florence-community/Florence-2-base": (0.46, 2, 1),
    "llava-hf/llava-onevision-qwen2-0.5b-ov-hf": (1.79, 2, 1),
    "OpenGVLab/InternVL3-1B-hf": (1.88, 2, 1),
    "HuggingFaceTB/SmolVLM2-500M-Video-Instruct": (2.03, 4, 1),
    "Qwen/Qwen3-VL-2B-Instruct": (4.26, 2, 1),
    "zai-org/GLM-4.1V-9B-Thinking": (20.58, 2, 4),  # GLM-4.1V-9B-Base's
    "CohereLabs/command-a-vision-07-2025": (223.7, 2, 10),
}
TRAINED = re.compile("perceiver|gated_cross_attn|wte|embed_in|lm_head")
"""What OpenFlamingo's checkpoint.pt holds, by the names of the parameters."""


@pytest.fixture(scope="module", params=BY_ID)
def real(request):
    return request.param, meta_model(request.param)


def test_the_parameter_count_is_the_published_one(real):
    known, model = real
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
    decimals = len(str(known.billions).partition(".")[2])
    assert round(sum(parameter.numel() for parameter in model.parameters()) / 1e9, decimals) == known.billions


def test_the_weights_are_as_large_as_the_files_on_the_hub(real):
    known, model = real
    if known.hub_id not in WEIGHT_FILES:
        assert known.verified["billions"] == QUOTED
        pytest.skip(f"the files of {known.hub_id} were not seen")
    gigabytes, width, files = WEIGHT_FILES[known.hub_id]
    stored = [p.numel() for name, p in model.named_parameters() if known.whole or TRAINED.search(name)]
    assert abs(width * sum(stored) / 1e9 - gigabytes) <= 0.005 * files + 0.002  # rounding of each file, and its header


def test_an_image_becomes_as_many_tokens_as_said(real):
    known, model = real
    visual = getattr(model.config, "vision_config", None)
    if hasattr(visual, "spatial_merge_size"):  # the grid is read back from the device, which meta tensors have not
        assert (known.image_size // (visual.patch_size * visual.spatial_merge_size)) ** 2 == known.num_tokens
        return
    if known.family == "smolvlm":  # it looks for empty images among the pixels
        side = visual.image_size // (visual.patch_size * model.config.scale_factor)
        assert (visual.image_size, side**2) == (known.image_size, known.num_tokens)
        return
    if known.family in ("blip2", "instructblip"):  # the mask of its querying transformer is read back, too
        assert model.config.num_query_tokens == known.num_tokens
        assert model.config.vision_config.image_size == known.image_size
        return
    if known.family in ("flamingo", "otter"):  # their prompt form is read off a tokenizer
        assert model.config.num_latents == known.num_tokens
        assert model.config.vision_config.image_size == known.image_size
        return
    chosen = backbone_class(model.config)
    backbone = chosen(model, None, None)
    size, device = known.image_size, torch.device("meta")
    backbone.pixels = lambda images: torch.zeros(len(images), 3, size, size, device=device)
    media = backbone.see(torch.zeros(1, size, size, 3, dtype=torch.uint8, device=device))
    assert media.tokens.shape[:2] == (1, known.num_tokens)


def test_every_checkpoint_is_of_the_family_it_is_listed_under():
    assert set(REAL_CONFIGS) == {known.hub_id for known in CHECKPOINTS}
    for known in CHECKPOINTS:
        assert backbone_class(real_config(known)) in family_of(known.family).classes


def test_facts_are_whole_or_absent():
    assert len({known.hub_id for known in CHECKPOINTS}) == len(CHECKPOINTS)
    for known in CHECKPOINTS:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", known.hub_id)
        assert known.revision is None or re.fullmatch(r"[0-9a-f]{40}", known.revision)
        assert known.licence != ""
        facts = {"billions": known.billions, "licence": known.licence, "revision": known.revision}
        assert {fact for fact, value in facts.items() if value is not None} <= set(known.verified) <= set(facts)
    for family in FAMILIES:
        if checkpoints_of(family.id):
            whole = [known.hub_id for known in checkpoints_of(family.id) if known.whole]
            assert not whole or default_checkpoint(family.id) == whole[0]


def test_what_is_not_known_is_an_error_that_says_so():
    with pytest.raises(UserError, match="No checkpoint of 'nobody' is known here"):
        default_checkpoint("nobody")
    with pytest.raises(UserError, match=r"The hub has parts of 'flamingo' \(openflamingo/OpenFlamingo-3B"):
        default_checkpoint("flamingo")
    with pytest.raises(UserError, match="configuration of a/b is not known"):
        real_config(Checkpoint("llava", "a/b", None, "MIT", 224, 1))
