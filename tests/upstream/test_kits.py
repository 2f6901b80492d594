"""What the published code recorded is reproduced: kits of whole policies, of heads, and further configurations."""

import sys

import pytest
import torch
from golden_kits import CONFIGURATIONS, assemble
from published import KITS

from robovlms.cli import main as cli
from robovlms.core.errors import UserError
from robovlms.upstream.check import check_policy
from robovlms.upstream.check_heads import check_heads
from robovlms.upstream.importing import Source, import_checkpoint
from robovlms.upstream.kit import TOLERANCE, Comparison

needs_kits = pytest.mark.skipif(not KITS.is_dir(), reason="needs the shared kits (set ROBOVLMS_SHARED)")


def source(kit):
    return Source(kit / "checkpoint.pt", kit / "config.json", kit / "vlm", max_text_tokens=96)


@needs_kits
@pytest.mark.parametrize("name", ["kosmos_lstm", "kosmos_discrete"])
def test_every_output_of_a_policys_kit_is_reproduced(name, tmp_path):
    found = check_policy(import_checkpoint(source(KITS / name), tmp_path / "ours"), KITS / name)
    assert [difference for difference in found.found if not difference.holds] == []
    assert found.left_out == []
    assert len(found.found) > 35
    if torch.backends.cpu.get_cpu_capability().startswith("AVX"):  # as recorded; other kernels round otherwise
        assert max(difference.largest for difference in found.found) <= TOLERANCE  # of large values, too


@needs_kits
def test_every_head_and_table_of_the_heads_kit_is_reproduced():
    kit = KITS / "heads"
    found = check_heads(kit / "checkpoint.pt", kit / "config.json", kit)
    assert [difference for difference in found.found if not difference.holds] == []
    assert found.left_out == []


@needs_kits
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_further_configurations_of_the_published_code(name, tmp_path):
    kit = assemble(tmp_path / name, name)
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


@needs_kits
def test_a_kit_of_another_policy_does_not_check_it(tmp_path):
    with pytest.raises(UserError, match=r"another policy: window_size, .*act_head.* differ"):
        check_policy(import_checkpoint(source(KITS / "kosmos_lstm"), tmp_path / "ours"), KITS / "kosmos_discrete")


def test_ids_must_be_the_same_and_shapes_too():
    found = Comparison({"ids": torch.tensor([40000]), "x": torch.zeros(2), "big": torch.full((1,), 100.0)})
    found.add("ids", torch.tensor([40001]))
    found.add("x", torch.zeros(3))
    found.add("big", torch.full((1,), 100.0005))
    assert [difference.holds for difference in found.found] == [False, False, True]
    assert found.left_out == ["x"]
