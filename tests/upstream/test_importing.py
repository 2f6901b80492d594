"""Importing a published checkpoint: every weight used or listed, nothing in a pickle run, bad input refused."""

import json
import pickle

import pytest
import torch
from published import INSTRUCTION, config, state, write

from robovlms.backbones.tiny import tiny_directory
from robovlms.core.errors import UserError
from robovlms.policies.vla import VLA
from robovlms.upstream.importing import import_checkpoint, read_policy
from robovlms.upstream.model_config import gripper_commands
from robovlms.upstream.settings import read_settings
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, observation_spec


@pytest.fixture
def weights():
    return state(config(), tiny_directory("kosmos"))


def test_an_imported_policy_is_saved_loaded_and_saved_again(tmp_path):
    source = write(tmp_path / "theirs", config())
    out = import_checkpoint(source, tmp_path / "ours")
    assert {path.name for path in out.iterdir()} >= {
        "config.json",
        "vlm",
        "model.safetensors",
        "action_statistics.json",
    }
    assert not list(tmp_path.glob(".*partial"))
    vla = VLA.from_pretrained(out)
    vla.save_pretrained(tmp_path / "again")
    again, theirs = VLA.from_pretrained(tmp_path / "again"), torch.load(source.checkpoint)["state_dict"]
    assert again.manifest == vla.manifest
    found = again.network.state_dict()
    for name, value in found.items():
        assert torch.equal(value, vla.network.state_dict()[name])
    assert torch.equal(found["action_token"], theirs["model.action_token"])
    assert torch.equal(found["head.rnn.weight_hh_l3"], theirs["model.act_head.rnn.weight_hh_l3"])
    embedding = "text_model.model.embed_tokens.weight"
    assert torch.equal(found[f"backbone.model.{embedding}"], theirs[f"model.backbone.{embedding}"])


def test_the_checkpoints_vlm_weights_win_over_the_directorys(tmp_path, weights):
    name = "model.backbone.image_to_text_projection.dense.bias"
    weights[name] = weights[name] + 1
    network = read_policy(write(tmp_path, config(), weights)).network
    assert torch.equal(network.state_dict()["backbone.model.image_to_text_projection.dense.bias"], weights[name])


@pytest.mark.parametrize(
    "rename", [lambda name: f"module.{name}", lambda name: name.removeprefix("model.")], ids=["module.", "bare"]
)
def test_names_from_parallel_training_and_without_a_prefix_are_understood(tmp_path, weights, rename):
    renamed = write(tmp_path, config(), {rename(name): value for name, value in weights.items()})
    assert torch.equal(read_policy(renamed).network.state_dict()["action_token"], weights["model.action_token"])


@pytest.mark.parametrize(
    ("missing", "extra"),
    [
        ("model.act_head.rnn.bias_ih_l2", "model.act_head.rnn.bias_ih_l4"),
        ("model.backbone.text_model.model.layers.0.ffn.fc1.weight", "model.backbone.text_model.novelty.weight"),
        ("model.action_token", "model.embed_state.weight"),
    ],
)
def test_missing_and_extra_weights_are_both_listed(tmp_path, weights, missing, extra):
    weights[extra] = weights.pop(missing)
    with pytest.raises(UserError) as refused:
        read_policy(write(tmp_path, config(), weights))
    for name in (missing, extra):
        assert name.removeprefix("model.").removeprefix("backbone.") in str(refused.value)


@pytest.mark.parametrize("name", ["act_head.gripper.mlp.6.bias", "backbone.image_to_text_projection.dense.bias"])
def test_a_weight_of_another_shape_is_named(tmp_path, weights, name):
    weights[f"model.{name}"] = torch.zeros(99)
    with pytest.raises(UserError, match=name.removeprefix("backbone.")):
        read_policy(write(tmp_path, config(), weights))


def test_weights_that_are_not_finite_are_refused(tmp_path, weights):
    weights["model.action_token"][0] = torch.nan
    with pytest.raises(UserError, match=r"action_token holds NaN"):
        read_policy(write(tmp_path, config(), weights))


class Malicious:
    """Reading this pickle naively writes a file."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


@pytest.mark.parametrize("save", ["torch", "pickle"])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, save):
    source, target = write(tmp_path, config()), tmp_path / "written"
    stored = {"state_dict": {"model.action_token": torch.zeros(2)}, "hyper_parameters": Malicious(target)}
    if save == "torch":
        torch.save(stored, source.checkpoint)
    else:
        source.checkpoint.write_bytes(pickle.dumps(stored, protocol=2))
    with pytest.raises(UserError, match=r"could run code|no checkpoint that torch saved"):
        read_policy(source)
    assert not target.exists()


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        ({"weights": {}}, "expected one of state_dict"),
        ([1, 2], "expected a table"),
        ({"state_dict": {"model.action_token": 3}}, "no tensors: model.action_token"),
        ({"state_dict": {"model.a": torch.zeros(1), "a": torch.zeros(1)}}, "mean the same weight"),
    ],
)
def test_files_without_a_table_of_weights_are_refused(tmp_path, stored, message):
    source = write(tmp_path, config())
    torch.save(stored, source.checkpoint)
    with pytest.raises(UserError, match=message):
        read_policy(source)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_damaged_files_are_refused(tmp_path, content):
    source = write(tmp_path, config())
    source.checkpoint.unlink() if content is None else source.checkpoint.write_bytes(content)
    with pytest.raises(UserError, match=r"checkpoint\.pt"):
        read_policy(source)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (config(model="llava"), "llava cannot be imported"),
        (config(model="flamingo"), "belongs to RoboFlamingo"),
        (config(model="kosmoss"), "Did you mean 'kosmos'"),
        (config(robovlm_name="RoboLLaVA"), "belongs to RoboKosMos"),
        (config(window_size=0), "window_size"),
        (config({"type": "DiffusionDecoder"}), "act_head.type"),
        (config({"history_type": "video"}), "act_head.history_type"),
        (config({"type": "DiscreteDecoder"}), "discrete goes with DiscreteDecoder"),
        (config({"action_space": "down_sample"}), "act_head.down_sample"),
        (config({"type": "GPTDecoder", "latent": 2}), "act_head.latent"),
        (config(fwd_head={"type": "x"}), "fwd_head"),
        (config(tcp_rel=True), "tcp_rel"),
        (config(norm_min=1, norm_max=-1), "norm_max"),
        (config({"hidden_size": 8}), "of another shape"),
        (config({"type": "DiscreteDecoder", "action_space": "discrete"}), "'window_size' cannot be imported"),
        (config({"type": "DiscreteDecoder", "action_space": "discrete"}, window_size=1), "tokenizer with more words"),
        (config(train_dataset={"type": "OpenVLADataset"}), "--conventions"),
        ({"model": "kosmos"}, "robovlm_name"),
    ],
)
def test_configurations_that_do_not_fit_are_refused(tmp_path, weights, settings, message):
    with pytest.raises(UserError, match=message):
        read_policy(write(tmp_path, settings, weights))


def test_the_directory_of_another_vlm_is_refused(tmp_path):
    import dataclasses

    source = write(tmp_path, config())
    with pytest.raises(UserError, match=r"is a llava; this checkpoint was built on kosmos-2"):
        read_policy(dataclasses.replace(source, vlm=tiny_directory("llava")))
    with pytest.raises(UserError, match="missing folder"):
        read_policy(dataclasses.replace(source, vlm=tmp_path / "nowhere"))


def test_an_output_folder_that_holds_something_is_left_alone(tmp_path):
    source = write(tmp_path / "theirs", config())
    with pytest.raises(UserError, match="not empty"):
        import_checkpoint(source, tmp_path / "theirs")


@pytest.mark.parametrize(
    ("low", "high", "commands"), [(-0.65, 0.65, (0, 1)), (-0.4, 0.4, (0, 0)), (0.5, 2.0, (1, 1)), (-0.3, 0.9, (0, 1))]
)
def test_what_the_published_evaluation_makes_of_the_gripper(tmp_path, low, high, commands):
    """By hand: 0 and 1 become (low + high) / 2 and high, of which those above 0.5 open."""
    source = write(tmp_path, config(norm_min=low, norm_max=high))
    assert gripper_commands(read_settings(source.config)) == commands


def test_parity_is_an_option_and_the_default_is_right(tmp_path):
    narrow = config({"history_type": "pre"}, norm_min=-0.4, norm_max=0.4)
    right = read_policy(write(tmp_path, narrow)).manifest.model
    same = read_policy(write(tmp_path, narrow, parity=True)).manifest.model
    assert (right.architecture.padding, right.architecture.acts_on) == ("masked", "newest")
    assert (same.architecture.padding, same.architecture.acts_on) == ("counted", "oldest")
    assert (right.head.gripper_commands, same.head.gripper_commands) == ((0, 1), (0, 0))


def test_conventions_may_be_the_tabletops(tmp_path):
    policy = read_policy(write(tmp_path, config(), conventions="tabletop")).policy("first")
    policy.bind(ACTION_SPEC, observation_spec())
    assert [camera.name for camera in policy.cameras] == ["wrist", "static"]
    with pytest.raises(UserError, match="different conventions"):
        read_policy(write(tmp_path, config())).policy("first").bind(ACTION_SPEC, observation_spec())


def test_the_command_line(tmp_path, monkeypatch, capsys):
    import sys

    from robovlms.cli import main as cli

    source = write(tmp_path, config())

    def run(*arguments):
        monkeypatch.setattr(
            sys, "argv", ["robovlms", "import-checkpoint", str(source.checkpoint), *map(str, arguments)]
        )
        code = cli.run(cli.app)
        return code, capsys.readouterr()

    code, said = run("--config", source.config, "--vlm", source.vlm, "--out", tmp_path / "ours")
    assert code == 0
    assert str(tmp_path / "ours") in said.out
    assert json.loads((tmp_path / "ours" / "config.json").read_text())["model"]["kind"] == "upstream"
    code, said = run("--config", source.config, "--vlm", source.vlm, "--out", tmp_path / "ours")
    assert (code, "not empty" in said.err) == (2, True)
    code, said = run("--config", source.config, "--out", tmp_path / "x")
    assert (code, "--vlm" in said.err) == (2, True)
    code, said = run("--config", source.config, "--vlm", source.vlm, "--out", tmp_path / "y", "--check", tmp_path)
    assert (code, "no parity kit" in said.err) == (2, True)


def test_an_instruction_that_is_too_long_or_holds_a_special_token_is_refused(tmp_path):
    network = read_policy(write(tmp_path, config())).network
    network.require_readable([INSTRUCTION])
    for instruction, message in {"word " * 200: "too long", "<image> now": "special token", " ": "Empty"}.items():
        with pytest.raises(UserError, match=message):
            network.require_readable([instruction])
