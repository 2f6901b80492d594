"""What the published code recorded is reproduced: kits of whole policies, of heads, and further configurations."""

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from published import GOLDEN, KITS, weight
from safetensors.torch import load_file, save_file

from robovlms.cli import main as cli
from robovlms.core.errors import UserError
from robovlms.upstream.check import check_policy
from robovlms.upstream.check_heads import check_heads
from robovlms.upstream.importing import Source, import_checkpoint
from robovlms.upstream.kit import Comparison

needs_kits = pytest.mark.skipif(not KITS.is_dir(), reason="needs the shared kits (set ROBOVLMS_SHARED)")
CONFIGURATIONS = json.loads((GOLDEN / "configurations.json").read_text())


def source(kit):
    return Source(kit / "checkpoint.pt", kit / "config.json", kit / "vlm")


@needs_kits
@pytest.mark.parametrize("name", ["kosmos_lstm", "kosmos_discrete"])
def test_every_output_of_a_policys_kit_is_reproduced(name, tmp_path):
    found = check_policy(import_checkpoint(source(KITS / name), tmp_path / "ours"), KITS / name)
    assert [difference for difference in found.found if not difference.holds] == []
    assert found.left_out == []
    assert len(found.found) > 35


@needs_kits
def test_every_head_and_table_of_the_heads_kit_is_reproduced():
    kit = KITS / "heads"
    found = check_heads(kit / "checkpoint.pt", kit / "config.json", kit)
    assert [difference for difference in found.found if not difference.holds] == []
    assert found.left_out == []


@needs_kits
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_further_configurations_of_the_published_code(name, tmp_path):
    kit = _assemble(tmp_path / name, name)
    found = check_policy(import_checkpoint(source(kit), tmp_path / "ours"), kit)
    assert [difference for difference in found.found if not difference.holds] == []
    assert found.left_out == []


@needs_kits
def test_a_checkpoint_that_is_not_the_kits_fails_the_check(tmp_path, monkeypatch, capsys):
    kit, changed = KITS / "kosmos_lstm", tmp_path / "checkpoint.pt"
    stored = torch.load(kit / "checkpoint.pt", weights_only=True)
    stored["state_dict"]["model.act_head.gripper.mlp.6.bias"] += 1e-3
    torch.save(stored, changed)
    arguments = [changed, "--config", kit / "config.json", "--vlm", kit / "vlm", "--out", tmp_path / "ours"]
    monkeypatch.setattr(sys, "argv", ["robovlms", "import-checkpoint", *map(str, arguments), "--check", str(kit)])
    assert cli.run(cli.app) == 1
    said = capsys.readouterr()
    assert "stream_a.gripper_logit" in said.err
    assert "stream_a.arm" not in said.err
    assert "DIFFERS" in said.out


@needs_kits
def test_a_heads_kit_needs_no_vlm_and_writes_nothing(tmp_path, monkeypatch, capsys):
    kit = KITS / "heads"
    arguments = [str(kit / "checkpoint.pt"), "--config", str(kit / "config.json"), "--check", str(kit)]
    monkeypatch.setattr(sys, "argv", ["robovlms", "import-checkpoint", *arguments])
    assert cli.run(cli.app) == 0
    assert "outputs agree; largest difference" in capsys.readouterr().out


@needs_kits
def test_a_kit_of_heads_does_not_check_a_policy(tmp_path):
    with pytest.raises(UserError, match="kit of heads"):
        check_policy(import_checkpoint(source(KITS / "kosmos_lstm"), tmp_path / "ours"), KITS / "heads")


def test_ids_must_be_the_same_and_shapes_too():
    found = Comparison({"ids": torch.tensor([40000]), "x": torch.zeros(2), "big": torch.full((1,), 100.0)})
    found.add("ids", torch.tensor([40001]))
    found.add("x", torch.zeros(3))
    found.add("big", torch.full((1,), 100.0005))
    assert [difference.holds for difference in found.found] == [False, False, True]
    assert found.left_out == ["x"]


def _assemble(kit, name):
    """A kit of one further configuration, from the shared one, weights by rule and golden outputs."""
    shared, settings = KITS / "kosmos_discrete", CONFIGURATIONS[name]
    shutil.copytree(GOLDEN / settings["vlm"] if "vlm" in settings else shared / "vlm", kit / "vlm")
    config = json.loads((shared / "config.json").read_text()) | settings["config"]
    (kit / "config.json").write_text(json.dumps(config))
    (kit / "cases.json").write_text(json.dumps(settings["cases"]))
    stored = {} if "vlm" in settings else torch.load(shared / "checkpoint.pt", weights_only=True)["state_dict"]
    spread = settings.get("spread", 1.5)
    stored |= {f"model.{key}": _value(key, shape, spread) for key, shape in settings["shapes"].items()}
    torch.save({"state_dict": stored}, kit / "checkpoint.pt")
    with np.load(GOLDEN / "configurations.npz") as golden:
        for part in ("inputs", "outputs"):
            prefix = f"{name}/{part}/"
            kept = {k.removeprefix(prefix): torch.from_numpy(golden[k]) for k in golden.files if k.startswith(prefix)}
            save_file(kept, kit / f"{part}.safetensors")
    frames = {k: v for k, v in load_file(shared / "inputs.safetensors").items() if k.startswith("frames.")}
    if "vlm" in settings:  # its pixels are not CLIP's
        frames = {k: v for k, v in frames.items() if not k.endswith("preprocessed")}
    save_file(frames | load_file(kit / "inputs.safetensors"), kit / "inputs.safetensors")
    return kit


def _value(key, shape, spread):
    if key.endswith(".attn.masked_bias"):
        return torch.tensor(-1e4)
    if key.endswith(".attn.bias"):
        return torch.ones(shape, dtype=torch.uint8).tril()
    return weight(key.replace("language_model.model.embed_tokens", "language_model.lm_head"), shape, spread)  # tied
