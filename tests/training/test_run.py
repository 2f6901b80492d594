"""Runs: resume is exact, and whatever goes wrong leaves the last checkpoint whole."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.torch import load_file

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.architectures.film_cnn import FilmCNNConfig
from robovlms.architectures.model import CNNConfig, VLAConfig
from robovlms.backbones.load import BackboneConfig
from robovlms.backbones.pretrained import PretrainedBackbone
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UnknownName, UserError
from robovlms.core.types import Episode
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.sources import LeRobotConfig
from robovlms.heads.mlp import MLPConfig
from robovlms.policies.checkpoint_files import locate
from robovlms.policies.vla import VLA
from robovlms.training import checkpoint, loop
from robovlms.training.experiment import Experiment, TrainingConfig
from robovlms.training.metrics import MetricsLog
from robovlms.training.run import claim, run

ACTION = ActionSpec(
    components=(
        ActionComponent(name="delta", dims=2, kind="delta_position"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1),
    ),
    rate_hz=10,
)
SIZE = 40


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Twelve episodes in which a bright square's column is the action."""
    path = tmp_path_factory.mktemp("data") / "squares"
    camera = Camera(name="static", height=SIZE, width=SIZE)
    spec = ObservationSpec(cameras=(camera,), state=(StateComponent(name="tcp", dims=2),), rate_hz=10)
    rng = np.random.default_rng(0)
    with LeRobotWriter(path, ACTION, spec) as writer:
        for number in range(12):
            columns = rng.integers(0, SIZE - 8, 6)
            images = np.zeros((6, SIZE, SIZE, 3), np.uint8)
            for image, column in zip(images, columns, strict=True):
                image[10:18, column : column + 8] = 255
            x = columns / (SIZE - 8) * 2 - 1
            actions = np.stack([x, -x, np.where(x > 0, 1, -1)], axis=1).astype(np.float32)
            state = rng.normal(size=(6, 2)).astype(np.float32)
            writer.add(Episode({"static": images}, state, actions, f"follow the square {number % 3}", "follow"))
    return path


def experiment(data: Path, **training) -> Experiment:
    settings = {"batch_size": 8, "steps": 6, "validate_every": 2, "log_every": 1} | training
    return Experiment(
        name="squares",
        model=CNNConfig(
            architecture=FilmCNNConfig(chunk=1, channels=(8, 8, 8), width=16, text_width=8), head=MLPConfig(hidden=16)
        ),
        data=(LeRobotConfig(path=data, holdout=0.2),),
        training=TrainingConfig(**settings),
    )


def weights(path: Path):
    return load_file(str(locate(path) / "model.safetensors"))


def same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_interrupted_and_resumed_equals_uninterrupted(data, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    run(experiment(data), whole)

    cut = tmp_path / "cut"
    real = loop.interruptible

    class Flag:
        calls = 0

        def __call__(self):
            Flag.calls += 1
            return Flag.calls > 3

    from contextlib import contextmanager

    monkeypatch.setattr(loop, "interruptible", contextmanager(lambda: (yield Flag())))
    with pytest.raises(KeyboardInterrupt):
        run(experiment(data), cut)
    assert locate(cut).name == "step_00000003"
    monkeypatch.setattr(loop, "interruptible", real)
    run(experiment(data), cut, resume=True)
    assert same(weights(whole), weights(cut))
    steps = [json.loads(line)["step"] for line in (cut / "training" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)
    assert steps[-1] == 6


def test_a_run_learns_and_validates(data, tmp_path):
    still = experiment(data).training.augment.model_copy(update={"shift_px": 0})
    run(experiment(data, steps=150, validate_every=50, augment=still), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "training" / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    assert sum("val_loss" in line for line in lines) == 4
    described = json.loads((tmp_path / "run" / "experiment.json").read_text())
    assert described["model"]["trainable"] > 0
    assert described["data"]["tasks"] == ["follow"]


@pytest.mark.parametrize(("clock", "uses_it_up"), [("wall", True), ("cpu", False)])
def test_a_budget_of_cpu_time_is_not_used_up_by_waiting(clock, uses_it_up, data, tmp_path, monkeypatch):
    real = loop._update

    def waiting(*arguments):
        time.sleep(1.5)
        real(*arguments)

    monkeypatch.setattr(loop, "_update", waiting)
    run(experiment(data, steps=2, minutes=1.2 / 60, clock=clock), tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "training" / "metrics.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == (1 if uses_it_up else 2)


def test_weights_are_for_all_entries_or_none(data):
    entries = [{"kind": "lerobot", "path": str(data), "weight": weight} for weight in (2.0, None)]
    with pytest.raises(UserError, match=r"data\.1 has no weight and another entry has one"):
        validate(Experiment, experiment(data).model_dump() | {"data": entries})


def test_gradient_clipping_is_applied(data, tmp_path, monkeypatch):
    norms = []
    real = torch.optim.AdamW.step

    def step(self, closure=None):
        grads = [p.grad for g in self.param_groups for p in g["params"] if p.grad is not None]
        norms.append(torch.linalg.vector_norm(torch.stack([g.norm() for g in grads])).item())
        return real(self, closure)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    limited = experiment(data).training.optimizer.model_copy(update={"max_grad_norm": 1e-3})
    run(experiment(data, steps=2, optimizer=limited), tmp_path / "run")
    assert norms == pytest.approx([1e-3, 1e-3], rel=1e-2)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(data, tmp_path, monkeypatch):
    from robovlms.architectures.film_cnn import FilmCNN

    real, calls = FilmCNN.loss, []

    def poisoned(self, batch):
        losses = real(self, batch)
        if self.training:
            calls.append(1)
        return losses if len(calls) < 4 else type(losses)(losses.total * float("nan"), losses.parts)

    monkeypatch.setattr(FilmCNN, "loss", poisoned)
    with pytest.raises(UserError, match=r"not finite at step 3.*last good checkpoint is .*step_0000000[123]"):
        run(experiment(data, checkpoint_every_s=1e-6), tmp_path / "run")
    VLA.from_pretrained(tmp_path / "run")


def test_an_update_that_ruins_the_weights_is_never_saved(data, tmp_path):
    ruinous = experiment(data, steps=1, optimizer={"learning_rate": 1e30, "max_grad_norm": 1e30, "warmup": 0})
    with pytest.raises(UserError, match="not finite"):
        run(ruinous, tmp_path / "run")
    assert not list((tmp_path / "run").glob("checkpoints/step_*"))
    assert not (tmp_path / "run" / "finished").exists()


def test_data_that_is_not_there_leaves_the_folder_free(data, tmp_path):
    with pytest.raises(UserError):
        run(experiment(tmp_path / "nowhere", steps=1), tmp_path / "run")
    run(experiment(data, steps=1), tmp_path / "run")


def test_the_normalisation_travels_with_the_checkpoint(data, tmp_path):
    chain = [{"kind": "quantile", "rare_motion": 0.0}, {"kind": "clip", "low": -0.65, "high": 0.65}]
    config = validate(Experiment, experiment(data, steps=1).model_dump() | {"normalization": {"default": chain}})
    run(config, tmp_path / "run")
    vla = VLA.from_pretrained(tmp_path / "run")
    assert vla.manifest.normalization == config.normalization
    statistics = vla.statistics["squares"]
    half = 0.65 * (np.array(statistics.q99) - np.array(statistics.q01))[:2] / 2
    middle = (np.array(statistics.q99) + np.array(statistics.q01))[:2] / 2
    acted = vla.policy("first").normalizer.denormalize(np.array([[1.0, -1.0, 1.0], [0.0, 9.0, 0.0]]))
    np.testing.assert_allclose(acted, [[*(middle + half * [1, -1]), 1], [middle[0], middle[1] + half[1], -1]])


def test_a_head_of_fast_tokens_is_fitted_to_the_training_chunks(data, tmp_path):
    model = {
        "kind": "vla",
        "backbone": {"path": "tiny:paligemma"},
        "architecture": {"kind": "one_step_discrete", "chunk": 3, "max_text_tokens": 64},
        "head": {"kind": "fast"},
    }
    config = validate(Experiment, experiment(data, steps=1).model_dump() | {"model": model, "executor": "chunk:2"})
    run(config, tmp_path / "run")
    vla = VLA.from_pretrained(tmp_path / "run")
    fitted = vla.network.head.tokenizer
    untrained = config.model.build(ACTION, vla.manifest.observation_spec).head.tokenizer
    assert fitted.pairs.to_str() != untrained.pairs.to_str()
    again = validate(Experiment, config.model_dump() | {"name": "again"})
    run(again, tmp_path / "again")
    assert VLA.from_pretrained(tmp_path / "again").network.head.tokenizer.pairs.to_str() == fitted.pairs.to_str()


def test_a_normalisation_of_nothing_leaves_the_folder_free(data, tmp_path):
    chosen = {"normalization": {"components": {"delte": "clip"}}}
    config = validate(Experiment, experiment(data, steps=1).model_dump() | chosen)
    with pytest.raises(UnknownName, match="Did you mean 'delta'"):
        run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_bad_settings_leave_the_folder_free(data, tmp_path):
    nowhere = VLAConfig(backbone=BackboneConfig(path="tiny:lava"))
    with pytest.raises(UserError, match="Did you mean 'llava'"):
        run(experiment(data, steps=1).model_copy(update={"model": nowhere}), tmp_path / "run")
    assert not list(tmp_path.iterdir())
    run(experiment(data, steps=1), tmp_path / "run")


def test_data_that_is_refused_leaves_nothing_new(data, tmp_path):
    narrow = ACTION.components[0].model_copy(update={"high": 0.1})
    stated = ACTION.model_copy(update={"components": (narrow, ACTION.components[1])})
    config = experiment(data).model_copy(update={"data": (LeRobotConfig(path=data, action_spec=stated),)})
    (tmp_path / "mine").mkdir()
    for out, cache in (("runs/one", None), ("runs/one", tmp_path / "caches" / "one"), ("mine", None)):
        with pytest.raises(CorruptData, match=r"'delta' is .* at most 0\.1"):
            run(config, tmp_path / out, cache=cache)
        assert list(tmp_path.rglob("*")) == [tmp_path / "mine"]


@pytest.mark.parametrize(
    ("lengths", "named"),
    [({"chunk": 500}, "architecture.chunk is 500"), ({"history": 2, "stride": 400}, "architecture.stride 400")],
)
def test_windows_longer_than_every_episode_are_refused(lengths, named, data, tmp_path):
    model = {"kind": "cnn_gru", "architecture": {"chunk": 2, **lengths}}
    config = experiment(data, steps=1).model_dump() | {"model": model}
    with pytest.raises(UserError, match=named):
        run(validate(Experiment, config), tmp_path / "run")
    run(experiment(data, steps=1), tmp_path / "run")


def test_a_prompt_that_the_vlm_has_no_room_for_is_refused_before_training(data, tmp_path, monkeypatch):
    monkeypatch.setattr(PretrainedBackbone, "num_positions", 50)  # what is trained on would fit, padded words do not
    architecture = {"kind": "one_step_continuous", "chunk": 1, "max_text_tokens": 50}
    model = {"kind": "vla", "backbone": {"path": "tiny:paligemma"}, "architecture": architecture}
    config = validate(Experiment, experiment(data, steps=1).model_dump() | {"model": model})
    with pytest.raises(UserError, match=r"prompt of \d+ tokens; this VLM has 50 positions.*architecture\.max_text_tok"):
        run(config, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["cache"]  # the frames serve the next try
    monkeypatch.undo()
    run(config, tmp_path / "run")


def test_a_claimed_folder_says_by_what_before_anything_else_happens(data, tmp_path):
    """A quickstart killed here must find its budget again, which depended on the time used so far."""
    claim(tmp_path / "run", experiment(data, steps=1), resume=False)
    held = json.loads((tmp_path / "run" / "experiment.json").read_text())
    assert validate(Experiment, held["experiment"]) == experiment(data, steps=1)


def test_a_folder_with_other_things_is_refused(data, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"already holds .*notes\.txt"):
        run(experiment(data, steps=1), tmp_path)


@pytest.mark.parametrize("content", ['{"digest', "[1]"])
def test_a_damaged_description_of_the_run_is_named(data, tmp_path, content):
    run(experiment(data, steps=1), tmp_path / "run")
    (tmp_path / "run" / "experiment.json").write_text(content)
    with pytest.raises(CorruptData, match=r"experiment\.json.*another --out"):
        run(experiment(data, steps=1), tmp_path / "run", resume=True)


@pytest.mark.parametrize("file", ["progress.json", "optimizer.safetensors"])
@pytest.mark.parametrize("content", ["", '{"step": "many"}'])
def test_a_damaged_training_state_is_named(data, tmp_path, file, content):
    checkpoint_folder = run(experiment(data, steps=1), tmp_path / "run")
    (checkpoint_folder / "training" / file).write_text(content)
    with pytest.raises(CorruptData, match=rf"{file}.*--resume from the one before"):
        run(experiment(data, steps=1), tmp_path / "run", resume=True)


def test_a_full_disk_keeps_the_last_checkpoint(data, tmp_path, monkeypatch):
    run(experiment(data, steps=2), tmp_path / "run")
    vla = VLA.from_pretrained(tmp_path / "run")
    optimizer = torch.optim.AdamW(vla.network.parameters())

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "_sync", full)
    with pytest.raises(UserError, match="disk is full"):
        checkpoint.save(vla, optimizer, checkpoint.Progress(step=3), tmp_path / "run")
    assert [p.name for p in (tmp_path / "run" / "checkpoints").iterdir()] == ["step_00000002"]


def test_a_folder_with_another_run_is_refused(data, tmp_path):
    run(experiment(data, steps=1), tmp_path / "run")
    with pytest.raises(UserError, match="already holds a run"):
        run(experiment(data, steps=1), tmp_path / "run")
    with pytest.raises(UserError, match="holds another experiment"):
        run(experiment(data, steps=2), tmp_path / "run", resume=True)


def test_an_exported_checkpoint_cannot_be_resumed(data, tmp_path):
    run(experiment(data, steps=1), tmp_path / "run")
    vla = VLA.from_pretrained(tmp_path / "run")
    vla.save_pretrained(tmp_path / "export")
    with pytest.raises(UserError, match="no training/ folder"):
        checkpoint.load_training(vla, torch.optim.AdamW(vla.network.parameters()), tmp_path / "export")


SCRIPT = """
import sys
from pathlib import Path
from robovlms.core.config import validate, read_file
from robovlms.training.experiment import Experiment
from robovlms.training.run import claim, run
if __name__ == "__main__":
    try:
        run(validate(Experiment, read_file(Path(sys.argv[1]))), Path(sys.argv[2]), "--resume" in sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)
"""


def start(tmp_path: Path, config: Experiment, *extra: str) -> subprocess.Popen:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "experiment.json").write_text(config.model_dump_json())
    command = [
        sys.executable,
        str(tmp_path / "train.py"),
        str(tmp_path / "experiment.json"),
        str(tmp_path / "run"),
        *extra,
    ]
    return subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})


def wait_for_checkpoint(process: subprocess.Popen, run_folder: Path) -> None:
    deadline = time.monotonic() + 120
    while not list((run_folder / "checkpoints").glob("step_*")):
        assert process.poll() is None, "training ended early"
        assert time.monotonic() < deadline, "no checkpoint was written"
        time.sleep(0.05)


def test_only_one_process_writes_the_log(tmp_path):
    path = tmp_path / "training" / "metrics.jsonl"
    MetricsLog(path).write({"step": 1})
    MetricsLog(path, enabled=False)
    assert path.read_text() == '{"step": 1}\n'


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_ctrl_c_saves_with_two_processes_and_kill_9_leaves_a_whole_checkpoint(data, tmp_path):
    config = experiment(data, steps=100_000, processes=2, checkpoint_every_s=0.5)
    process = start(tmp_path, config)
    wait_for_checkpoint(process, tmp_path / "run")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    stopped = checkpoint.Progress(**json.loads((locate(tmp_path / "run") / "training" / "progress.json").read_text()))
    process = start(tmp_path, config, "--resume")
    time.sleep(12)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.kill()
    process.wait()
    assert not psutil.wait_procs(children, timeout=30)[1], "training goes on without the process that started it"
    VLA.from_pretrained(tmp_path / "run")
    after = checkpoint.Progress(**json.loads((locate(tmp_path / "run") / "training" / "progress.json").read_text()))
    assert after.step >= stopped.step > 0
