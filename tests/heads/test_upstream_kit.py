"""Our action maths and losses against the outputs of upstream RoboVLMs' own code, recorded on random weights."""

import numpy as np
import pytest
import torch

from robovlms.actions.bins import UPSTREAM_RESERVE, ActionTokens, UniformBins
from robovlms.actions.normalize import NormalizationConfig, Normalizer
from robovlms.actions.scaling import Affine, Clip, MuLaw
from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.actions.statistics import ActionStatistics
from robovlms.heads.losses import gripper_loss, pose_loss, token_loss

HEADS = ["fc_none", "fc_pool_k2", "lstm_none", "lstm_none_k2", "lstm_pool", "gpt_none", "gpt_pool_same"]
TOKENIZERS = ["kosmos.256", "kosmos.32", "small.256", "small.32"]
EXACT = {"rtol": 0, "atol": 1e-12}


def test_fixed_clip(heads_kit):
    given, theirs = heads_kit
    action = given["norm.action"].numpy()
    np.testing.assert_allclose(Clip().normalize(action), theirs["norm.normalize_all"], **EXACT)
    back = Clip().denormalize(theirs["norm.normalize_all"].numpy())
    np.testing.assert_allclose(back[:, :6], theirs["norm.unnormalize_all"][:, :6], **EXACT)


def test_fixed_clip_leaves_the_gripper_to_its_spec(heads_kit):
    """Upstream un-normalises the gripper too at evaluation (its bug); training keeps it, as our raw values do."""
    given, theirs = heads_kit
    spec = ActionSpec(
        components=(
            ActionComponent(name="pose", dims=6, kind="delta_position"),
            ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=0.0, gripper_open=1.0),
        ),
        rate_hz=30,
    )
    action = given["norm.action"].numpy()
    normalizer = Normalizer(spec, ActionStatistics.of(action), NormalizationConfig(default=(Clip(),)))
    np.testing.assert_allclose(normalizer.normalize(action), theirs["norm.normalize_maintain_last"], **EXACT)


def test_mu_law(heads_kit):
    given, theirs = heads_kit
    vector = given["norm.vector"].numpy()
    np.testing.assert_allclose(MuLaw().normalize(vector), theirs["mu_law.vector_all"], **EXACT)
    back = MuLaw().denormalize(theirs["mu_law.vector"].numpy())
    np.testing.assert_allclose(back[:-1], theirs["mu_law.vector_inverse"][:-1], **EXACT)


def test_given_mean_and_deviation(heads_kit):
    given, theirs = heads_kit
    vector, found = given["norm.vector"].numpy()[:-1], theirs["regularize.vector"].numpy()[:-1]
    slope = (found[1] - found[0]) / (vector[1] - vector[0])  # the kit does not name the two numbers it used
    scaling = Affine(offset=vector[0] - found[0] / slope, scale=1 / slope).fit({})
    np.testing.assert_allclose(scaling.normalize(vector), found, **EXACT)
    np.testing.assert_allclose(scaling.denormalize(found), theirs["regularize.vector_inverse"][:-1], **EXACT)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_action_tokens(heads_kit, name):
    given, theirs = heads_kit
    found = {key: theirs[f"tokenizer.{name}.{key}"].numpy() for key in ("base", "bins", "bin_centers", "encode")}
    num_edges = int(name.rpartition(".")[2])
    tokens = ActionTokens(UniformBins.upstream(num_edges), int(found["base"]))
    np.testing.assert_allclose(tokens.bins.edges, found["bins"], **EXACT)
    np.testing.assert_allclose(tokens.bins.centres, found["bin_centers"], **EXACT)
    for values in (given["tokenizer.values"].numpy(), given["tokenizer.values"]):
        np.testing.assert_array_equal(tokens.encode(values), found["encode"])
    ids = theirs[f"tokenizer.{name}.decode_ids"].numpy()
    np.testing.assert_allclose(tokens.decode(ids), theirs[f"tokenizer.{name}.decode_table"], **EXACT)
    # upstream's begin and end lie just outside its action ids
    assert (tokens.first - 1, tokens.base) == tuple(int(theirs[f"tokenizer.{name}.{k}_idx"]) for k in ("begin", "end"))


def test_the_base_of_the_published_tokenizer(heads_kit):
    _, theirs = heads_kit
    # KosMos-2's tokenizer: 64,002 words without added tokens and seven special ones
    tokens = ActionTokens.at_tail(UniformBins.upstream(), 64002, num_special=7, reserve=UPSTREAM_RESERVE)
    assert tokens.base == int(theirs["tokenizer.kosmos.256.base"])


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("name", HEADS)
def test_continuous_losses(heads_kit, name, masked):
    given, theirs = heads_kit
    mask = given[f"{name}.mask"] if masked else torch.ones_like(given[f"{name}.mask"])
    key = f"{name}.train.{'mask' if masked else 'nomask'}"
    arm = pose_loss(theirs[f"{name}.train.arm"], given[f"{name}.arm_label"], mask, "huber")
    torch.testing.assert_close(arm, theirs[f"{key}.loss_arm"], rtol=1e-5, atol=1e-6)
    label = given[f"{name}.gripper_label"][..., None]
    gripper = gripper_loss(theirs[f"{name}.train.gripper_logit"], label, mask)
    torch.testing.assert_close(gripper, theirs[f"{key}.loss_gripper"], rtol=1e-5, atol=1e-6)


def test_token_losses(heads_kit):
    given, theirs = heads_kit
    labels = given["discrete.labels"][:, 1:]
    loss = token_loss(given["discrete.logits"][:, :-1], labels, labels != -100)
    torch.testing.assert_close(loss, theirs["discrete.loss_arm"], rtol=1e-5, atol=1e-6)
