"""Flamingo and Qwen-VL of the published code: names of weights, directories, and what cannot be imported."""

import dataclasses
import json

import pytest
import torch
from golden_kits import CONFIGURATIONS, checkpoint, source

from robovlms.core.errors import UserError
from robovlms.policies.vla import VLA
from robovlms.upstream.importing import import_checkpoint, read_policy


@pytest.fixture(scope="module")
def flamingo():
    return checkpoint(CONFIGURATIONS["flamingo_lstm"])


def test_the_clip_text_tower_is_all_that_flamingo_does_not_use(tmp_path, flamingo):
    found = read_policy(source(tmp_path, "flamingo_lstm")).network.state_dict()
    ours = {tuple(value.flatten()[:3].tolist()) for value in found.values()}
    unread = [name for name, value in flamingo.items() if tuple(value.flatten()[:3].tolist()) not in ours]
    clip = ("positional_embedding", "text_projection", "logit_scale", "token_embedding", "ln_final", "transformer")
    prefixes = tuple(f"model.vision_encoder.{name}" for name in (*clip, "visual.proj"))
    assert [name for name in unread if not name.startswith(prefixes)] == []


@pytest.mark.parametrize(
    ("missing", "extra"),
    [
        ("model.perceiver.layers.3.0.to_q.weight", "model.perceiver.novelty"),
        ("model.vision_encoder.visual.ln_pre.bias", "model.vision_encoder.visual.novelty"),
        ("model.act_head.rnn.bias_ih_l2", "model.vision_encoder.novelty"),
        ("model.vision_encoder.visual.conv1.weight", "model.backbone.novelty.weight"),
    ],
)
def test_flamingos_missing_and_extra_weights_are_listed(tmp_path, flamingo, missing, extra):
    weights = dict(flamingo)
    weights[extra] = weights.pop(missing)
    with pytest.raises(UserError) as refused:
        read_policy(source(tmp_path, "flamingo_lstm", weights))
    assert "novelty" in str(refused.value)


@pytest.mark.parametrize("dropped", ["model.model.", "model.backbone."])
def test_one_of_the_names_of_flamingos_language_model_is_enough(tmp_path, flamingo, dropped):
    """DeepSpeed's conversion keeps one name of a weight that has several."""
    weights = {name: value for name, value in flamingo.items() if not name.startswith(dropped)}
    both, one = (
        read_policy(source(tmp_path / str(len(given)), "flamingo_lstm", given)).network for given in (flamingo, weights)
    )
    for name, value in both.state_dict().items():
        assert torch.equal(one.state_dict()[name], value)


@pytest.mark.parametrize(
    "name", ["model.model.gpt_neox.embed_in.weight", "model.backbone.old_decoder_blocks.0.attention.dense.bias"]
)
def test_names_of_one_weight_must_agree(tmp_path, flamingo, name):
    weights = flamingo | {name: flamingo[name] + 1}
    with pytest.raises(UserError, match="several names"):
        read_policy(source(tmp_path, "flamingo_lstm", weights))


def test_a_flamingo_may_lie_in_parts(tmp_path):
    """As for any Flamingo, its settings may name directories of its towers; no weights are needed there."""
    whole = source(tmp_path / "whole", "flamingo_lstm")
    parts = tmp_path / "parts"
    described = json.loads((whole.vlm / "config.json").read_text())
    for place in ("language", "clip"):
        (parts / place).mkdir(parents=True)
    (parts / "language" / "config.json").write_text(json.dumps(described.pop("text_config")))
    for file in whole.vlm.glob("tokenizer*"):
        (parts / "language" / file.name).write_bytes(file.read_bytes())
    (parts / "clip" / "config.json").write_text(json.dumps(described.pop("vision_config")))
    described |= {"language_model": "language", "vision_tower": "clip"}
    (parts / "config.json").write_text(json.dumps(described))
    out = import_checkpoint(dataclasses.replace(whole, vlm=parts), tmp_path / "ours")
    expected = read_policy(whole).network.state_dict()
    for name, value in VLA.from_pretrained(out).network.state_dict().items():
        assert torch.equal(expected[name], value)


@pytest.mark.parametrize(
    ("name", "head", "top", "message"),
    [
        ("flamingo_lstm", {"action_space": "continuous"}, {}, "never makes its action token"),
        ("flamingo_lstm", {"history_type": "pre"}, {}, "trains it as post"),
        ("flamingo_lstm", {}, {"use_vision_resampler": True}, "resampler of its own"),
        (
            "flamingo_fc",
            {"type": "DiscreteDecoder", "action_space": "discrete"},
            {"window_size": 1},
            "leaves the image out",
        ),
        ("qwen_fc", {"type": "DiscreteDecoder", "action_space": "discrete"}, {"window_size": 1}, "image tag"),
    ],
)
def test_what_the_published_code_cannot_run_is_refused_with_the_reason(tmp_path, name, head, top, message):
    given = source(tmp_path, name)
    settings = json.loads(given.config.read_text())
    settings["act_head"] |= head
    given.config.write_text(json.dumps(settings | top))
    with pytest.raises(UserError, match=message):
        read_policy(given)


@pytest.mark.parametrize("name", ["flamingo_lstm", "qwen_fc"])
def test_a_directory_without_a_tokenizer_is_refused(tmp_path, name):
    given = source(tmp_path, name)
    for file in (*given.vlm.glob("*token*"), *given.vlm.glob("*tiktoken")):
        file.unlink(missing_ok=True)
    with pytest.raises(UserError, match="no tokenizer that can be read"):
        read_policy(given)
