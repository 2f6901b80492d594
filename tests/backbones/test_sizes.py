"""What is said of published checkpoints, held against the models their configurations make (on the meta device)."""

import re

import pytest
import torch

from robovlms.backbones.load import FAMILIES, backbone_class, family_of
from robovlms.backbones.sizes import (
    CHECKPOINTS,
    Checkpoint,
    checkpoints_of,
    default_checkpoint,
    meta_model,
    real_config,
)
from robovlms.core.errors import UserError

REAL = [known for known in CHECKPOINTS if known.settings]
QUICK = ("kosmos", "paligemma", "florence")
BY_ID = [
    pytest.param(known, id=known.hub_id, marks=[] if known.family in QUICK else [pytest.mark.slow]) for known in REAL
]


@pytest.fixture(scope="module", params=BY_ID)
def real(request):
    return request.param, meta_model(request.param)


def test_the_parameter_count_is_the_published_one(real):
    known, model = real
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}
    if known.billions is None:
        pytest.skip(f"the published count of {known.hub_id} is not known here")
    decimals = len(str(known.billions).partition(".")[2])
    assert round(sum(parameter.numel() for parameter in model.parameters()) / 1e9, decimals) == known.billions


def test_an_image_becomes_as_many_tokens_as_said(real):
    known, model = real
    if known.settings["model_type"].startswith(
        "qwen2"
    ):  # its grid is read back from the device, which meta tensors have not
        visual = model.config.vision_config
        assert (known.image_size // (visual.patch_size * visual.spatial_merge_size)) ** 2 == known.num_tokens
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
    for known in REAL:
        assert backbone_class(real_config(known)) in family_of(known.family).classes


def test_facts_are_whole_or_absent():
    assert len({known.hub_id for known in CHECKPOINTS}) == len(CHECKPOINTS)
    for known in CHECKPOINTS:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", known.hub_id)
        assert known.revision is None or re.fullmatch(r"[0-9a-f]{40}", known.revision)
        assert known.licence != ""
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
