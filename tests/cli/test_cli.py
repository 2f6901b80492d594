"""The command line: bad input ends in one message and exit code 2, and help imports nothing heavy."""

import json
import subprocess
import sys
import time

import pytest

from robovlms.backbones.load import FAMILIES
from robovlms.cli import main as cli
from robovlms.core.errors import UserError, WorkFailed

STREAM = ["--model.architecture.kind", "interleaved_continuous", "--model.architecture.streaming", "stream"]
STREAM += ["--model.architecture.history", "4"]


def run(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["robovlms", *map(str, arguments)])
    code = cli.run(cli.app)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_help_imports_neither_torch_nor_other_heavy_packages():
    code = "import sys, robovlms.cli.main as m; m.run(m.app); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True)
    loaded = done.stdout.rsplit("\n[", 1)[1]
    for package in ("torch", "transformers", "mujoco", "numpy", "pyarrow", "pydantic"):
        assert f"'{package}'" not in loaded
    for command in ("quickstart", "demos", "train", "evaluate", "report", "backbones"):
        assert command in done.stdout


def test_help_is_fast():
    def fastest(*command: str) -> float:
        def seconds() -> float:
            started = time.perf_counter()
            subprocess.run([sys.executable, *command], capture_output=True, check=True)
            return time.perf_counter() - started

        return min(seconds() for _ in range(3))

    assert fastest("-m", "robovlms", "--help") <= 25 * fastest("-c", "pass")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "tabletop_quik", "--data", "x"], "Did you mean 'tabletop_quick'"),
        (["train"], "Name one recipe"),
        (["train", "tabletop_quick"], "No data"),
        (["train", "tabletop_quick", "--data", "x", "--training.batchsize", "4"], "Did you mean"),
        (["train", "tabletop_quick", "--data", "x", "--training.batch_size", "many"], "training.batch_size"),
        (["train", "tabletop_quick", "--data", "missing/folder"], "missing/folder"),
        (["train", "--config", "missing.yaml"], "does not exist"),
        (["train", "tabletop_quick", "--data", "x", "--normalization", "quantle"], "Did you mean 'quantile'"),
        (["train", "tabletop_quick", "--data", "x", "--normalization.default", "[clip, min_max]"], "first of a chain"),
        (["demos", "tabeltop", "--out", "x"], "Did you mean 'tabletop'"),
        (["demos", "tabletop", "--out", "x", "--tasks", "open_drawr"], "Did you mean 'open_drawer'"),
        (["demos", "tabletop", "--out", "x", "--scenes", "E"], "E"),
        (["demos", "tabletop", "--out", "x", "--format", "hdf4"], "Unknown format"),
        (["demos", "tabletop", "--out", "x", "--episodes", "0"], "at least 1"),
        (["evaluate", "missing/checkpoint", "--out", "x"], "missing/checkpoint"),
        (["evaluate", "baseline:cnm", "--out", "x"], "baseline"),
        (["evaluate", "baseline:zero", "--benchmark", "tabeltop"], "Did you mean 'tabletop'"),
        (["evaluate", "baseline:zero", "--scene", "Z", "--out", "x"], "Z"),
        (["evaluate", "baseline:zero", "--executor", "chunks:4", "--out", "x"], "chunk"),
        (["evaluate", "baseline:zero", "--executor", "chunk:4@-1", "--out", "x"], "after '@'"),
        (["evaluate", "baseline:cnn", "--tasks", "open_drawer,close_drawer", "--out", "x"], "named task set"),
        (["evaluate", "baseline:cnn_gruu", "--out", "x"], "Did you mean 'cnn_gru'"),
        (["evaluate", "baseline:cnn", "--scene", "Z", "--out", "x"], "Z"),
        (["evaluate", "baseline:zero", "--world-python", "p", "--out", "x"], "the tabletop runs in this interpreter"),
        (["evaluate", "baseline:cnn", "--benchmark", "libero", "--out", "x"], "expected metaworld or tabletop"),
        (["evaluate", "baseline:cnn", "--benchmark", "metaworld", "--tasks", "reach", "--out", "x"], "'reach-v3'"),
        (["train", "metaworld_mt10", "--data", "x", "--model", "cnm"], "Did you mean 'cnn'"),
        (["demos", "tabletop", "--out", "x", "--world-python", "p"], "the tabletop runs in this interpreter"),
        (["quickstart", "--model", "cnngru", "--out", "x"], "Did you mean 'cnn_gru'"),
        (["train", "tabletop_quick", "--data", "x", "--model.kind", "act", "--model.architecture.history", "2"], "ACT"),
        (["quickstart", "--tasks", "twelfe", "--out", "x"], "Did you mean 'twelve'"),
        (["quickstart", "--minutes", "-1", "--out", "x"], "above 0"),
        (["quickstart", "--minutes", "nan", "--out", "x"], "above 0"),
        (["quickstart", "--chains", "0", "--out", "x"], "expected 1 to 10000"),
        (["quickstart", "--out", "/proc/nowhere"], "cannot be written"),
        (["evaluate", "baseline:zero", "--chains", "99999999", "--out", "x"], "expected 1 to 10000"),
        (["evaluate", "baseline:zero", "--workers", "-2", "--out", "x"], "--workers"),
        (["evaluate", "baseline:zero", "--tasks", "", "--out", "x"], "Unknown task ''"),
        (["evaluate", "baseline:zero", "--scene", "d", "--out", "x"], "Did you mean 'D'"),
        (["evaluate", "baseline:zero", "--chains", "1", "--out", "/proc/nowhere"], "cannot be written"),
        (["evaluate", "baseline:zero", "--shard", "3/2", "--out", "x"], "Got shard '3/2'"),
        (["evaluate", "baseline:zero", "--reply-timeout", "0", "--out", "x"], "reply timeout of 0 s"),
        (["evaluate", "baseline:zero", "--alpha", "0.1", "--out", "x"], "without --against"),
        (["merge", "nowhere", "--out", "x"], "nowhere does not exist"),
        (["evaluate", "a b/c", "--out", "x"], "neither a local checkpoint nor a reachable hub id"),
        (["train", "tabletop_quick", "--data", "x", "--training.optimizer", "{a: 1"], "expected a number, a word"),
        (["train", "tabletop_quick", "--data", "x", "--model.head.kind", "lstmm"], "model.head.kind 'lstmm'"),
        (["report", "missing"], "missing"),
        (["tarin"], "No such command"),
        (["demos", "tabletop"], "--out"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(monkeypatch, capsys, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = run(monkeypatch, capsys, *arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_launcher_that_is_not_installed_is_refused_before_anything_is_written(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, err = run(monkeypatch, capsys, "evaluate", "baseline:zero", "--launcher", "ray", "--out", tmp_path / "x")
    assert code == 2
    assert "pip install 'robovlms[ray]'" in err
    assert not list(tmp_path.iterdir())


def test_exit_codes():
    def raising(error: BaseException):
        def command():
            raise error

        return command

    assert cli.run(raising(UserError("x"))) == 2
    assert cli.run(raising(WorkFailed("x"))) == 1
    assert cli.run(raising(KeyboardInterrupt())) == 130
    assert cli.run(raising(OSError(28, "No space left on device"))) == 2
    assert cli.run(raising(PermissionError(13, "Permission denied", "there"))) == 2
    with pytest.raises(OSError, match="unforeseen"):
        cli.run(raising(OSError("unforeseen")))
    assert cli.run(lambda: None) == 0


def test_a_dry_run_prints_the_experiment_with_its_overrides(monkeypatch, capsys):
    code, out, _ = run(
        monkeypatch, capsys, "train", "tabletop_quick", "--data", "a", "b", "--seed", 3, "--minutes", 2, "--dry-run",
        "--model.kind", "cnn", "--model.architecture.chunk", 4, "--executor", "chunk:4",
    )  # fmt: skip
    assert code == 0
    assert '"kind": "cnn"' in out
    assert '"seed": 3' in out
    assert out.count('"path"') == 2
    assert "digest" in out


def test_the_normalisation_is_a_setting(monkeypatch, capsys):
    code, out, _ = run(
        monkeypatch, capsys, "train", "tabletop_quick", "--data", "a", "--dry-run",
        "--normalization.default", "[quantile, {kind: clip, low: -0.5, high: 0.5}]",
        "--normalization.components.delta_orientation", "mean_std",
    )  # fmt: skip
    assert code == 0
    chosen = json.loads(out[: out.rindex("}") + 1])["normalization"]
    assert [scaling["kind"] for scaling in chosen["default"]] == ["quantile", "clip"]
    assert chosen["components"] == {"delta_orientation": [{"kind": "mean_std"}]}


def test_an_output_folder_with_something_else_is_refused(monkeypatch, capsys, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    for command in (
        ["quickstart"],
        ["demos", "tabletop", "--episodes", 1],
        ["evaluate", "baseline:zero", "--chains", 1],
    ):
        code, _, err = run(monkeypatch, capsys, *command, "--out", tmp_path)
        assert code == 2
        assert "notes.txt" in err or "already holds" in err or "not empty" in err
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_table_of_demonstrations_is_whole_at_80_columns():
    import io
    from collections import Counter

    from rich.console import Console

    from robovlms.cli.tabletop_demos import summary
    from robovlms.demos.collect import Tally
    from robovlms.worlds.tabletop.tasks import TASKS

    numbers = {task: 1000 + index for index, task in enumerate(TASKS)}
    thrice = {task: 3 * number for task, number in numbers.items()}
    stream = io.StringIO()
    tally = Tally(Counter(numbers), Counter(thrice), Counter(numbers), Counter(thrice))
    Console(file=stream, width=80).print(summary(tally))
    rows = {cells[1].strip(): cells for line in stream.getvalue().splitlines() if len(cells := line.split("│")) > 2}
    for task, number in numbers.items():
        assert [cell.strip() for cell in rows[task][2:-1]] == [str(number), "3.0", "33.3%", str(3 * number)]


def test_the_catalogue_of_backbones_is_json_and_a_table(monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "backbones", "--json")
    assert code == 0
    listed = {family["id"]: family for family in json.loads(out)}
    assert list(listed) == [family.id for family in FAMILIES]
    paligemma = listed["paligemma"]
    assert paligemma["name"] == "PaliGemma"
    assert paligemma["tiny"] == ["tiny:paligemma"]
    assert paligemma["checkpoints"][0]["hub_id"] == "google/paligemma-3b-pt-224"
    assert paligemma["checkpoints"][0]["billions"] == 2.92
    assert paligemma["checkpoints"][0]["verified"].keys() == {"billions", "licence", "revision"}
    assert all(family["tiny"] and family["checkpoints"] for family in listed.values())
    code, out, _ = run(monkeypatch, capsys, "backbones")
    assert "…" not in out
    assert code == 0
    for family in listed.values():
        assert f"{family['id']} ({family['name']})" in out
        assert all(known["hub_id"] in out for known in family["checkpoints"])
    assert run(monkeypatch, capsys, "backbones", "--jsn")[0] == 2


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["demos", "tabletop", "--scenes", ""], "one or more scenes"),
        (["quickstart", "--seed", "-1"], "--seed"),
        (["train", "tabletop_quick", "--executor", "chunk:0", "--data", "nowhere"], "chunk"),
        (["train", "tabletop_quick", "--executor", "chunks:3", "--data", "nowhere"], "chunk:5"),
        (["train", "tabletop_quick", "--executor", "chunk:6@3", "--data", "nowhere"], "at least 9 actions"),
        (["train", "tabletop_quick", "--executor", "rtc:4@1", "--data", "nowhere"], "flow or diffusion. Use chunk:4"),
        (["train", "tabletop_quick", *STREAM, "--model.architecture.stride", "4", "--data", "nowhere"], "chunk:4"),
        (["evaluate", "baseline:zero", "--video", "-1"], "--video"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_any_work(command, said, tmp_path):
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "robovlms",
            *command,
            *([] if command[0] == "train" else ["--out", str(tmp_path / "o")]),
        ],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert said in ended.stderr + ended.stdout
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "o").exists()
