"""A run that also answers questions about images: the VLM learns them, and robots' batches stay what they were."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec
from robovlms.architectures.answer_loss import answer_loss
from robovlms.backbones.config import BackboneConfig
from robovlms.backbones.load import load_backbone
from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UserError
from robovlms.core.types import Episode
from robovlms.core.vl_batch import VLBatch
from robovlms.data.images import encode_image
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.policies.vla import VLA
from robovlms.training.experiment import Experiment
from robovlms.training.run import run

ACTION = ActionSpec(components=(ActionComponent(name="delta", dims=2, kind="delta_position"),), rate_hz=10)
SIZE = 32
FAMILIES = ["paligemma", "llava", "qwen_vl", "blip2-t5", "flamingo"]
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0)}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cotrain")
    camera = Camera(name="front", height=SIZE, width=SIZE)
    rng = np.random.default_rng(0)
    with LeRobotWriter(folder / "arm", ACTION, ObservationSpec(cameras=(camera,), rate_hz=10)) as writer:
        for number in range(4):
            images = rng.integers(0, 255, (6, SIZE, SIZE, 3), np.uint8)
            actions = rng.uniform(-1, 1, (6, 2)).astype(np.float32)
            writer.add(Episode({"front": images}, np.zeros((6, 0), np.float32), actions, f"go {number % 2}", "go"))
    entries = []
    for name, colour in COLOURS.items():
        (folder / f"{name}.png").write_bytes(encode_image(np.full((SIZE, SIZE, 3), colour, np.uint8)))
        asked = [{"from": "human", "value": "<image>\nWhich colour?"}, {"from": "gpt", "value": name}]
        entries.append({"id": name, "image": f"{name}.png", "conversations": asked})
    (folder / "vl.json").write_text(json.dumps(entries))
    return folder


def experiment(data, weight=None, **training) -> Experiment:
    architecture = {"kind": "one_step_continuous", "chunk": 2, "max_text_tokens": 64}
    model = {"kind": "vla", "backbone": {"path": "tiny:paligemma"}, "architecture": architecture}
    settings = {"batch_size": 4, "steps": 4, "log_every": 1, "augment": {"shift_px": 0}} | training
    asked = None if weight is None else {"path": str(data / "vl.json"), "weight": weight}
    entries = [{"kind": "lerobot", "path": str(data / "arm"), "holdout": 0.25}]
    return validate(
        Experiment, {"name": "both", "model": model, "data": entries, "vl_data": asked, "training": settings}
    )


def logged(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "training" / "metrics.jsonl").read_text().splitlines()]


def weights(folder):
    return {name: value.clone() for name, value in VLA.from_pretrained(folder).network.state_dict().items()}


def same(one, other) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def questions(answers=("red", "green"), **changes) -> VLBatch:
    images = torch.tensor([COLOURS["red"], COLOURS["green"]], dtype=torch.uint8)[:, None, None].expand(2, SIZE, SIZE, 3)
    asked = ("Which colour?", "Which colour is it, in a word?")
    return VLBatch(images, torch.ones(2, dtype=torch.bool), asked, tuple(answers), tuple(answers), **changes)


@pytest.fixture(params=FAMILIES)
def backbone(request):
    torch.manual_seed(0)
    return load_backbone(BackboneConfig(path=f"tiny:{request.param}")).eval()


def fitted(backbone, batch: VLBatch) -> VLBatch:
    size = backbone.image_spec.size
    return replace(batch, images=batch.images[:, :1, :1].expand(-1, size, size, 3))


def share(batch: VLBatch, rows: slice) -> VLBatch:
    """What a process asks of a batch."""
    parts = {name: getattr(batch, name)[rows] for name in ("images", "has_image", "questions", "answers")}
    return replace(batch, **parts)


@torch.no_grad()
def test_the_loss_is_the_mean_over_answer_tokens_whatever_shares_the_batch(backbone):
    both = fitted(backbone, questions())
    alone, tokens = [], []
    for row in range(2):
        one = slice(row, row + 1)
        alone.append(answer_loss(backbone, replace(share(both, one), all_answers=both.answers[one])).total)
        tokens.append(len(backbone.tokenizer(both.answers[row], add_special_tokens=False)["input_ids"]) + 1)
    expected = sum(loss * count for loss, count in zip(alone, tokens, strict=True)) / sum(tokens)
    torch.testing.assert_close(answer_loss(backbone, both).total, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(backbone):
    both = fitted(backbone, questions(("red", "green and a longer answer than that")))
    shares = torch.stack([answer_loss(backbone, share(both, slice(row, row + 1))).total for row in range(2)])
    torch.testing.assert_close(shares.mean(), answer_loss(backbone, both).total, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_an_answer_is_not_seen_before_it_is_said(backbone):
    """Later tokens of an answer change nothing of the loss of earlier ones."""
    first = fitted(backbone, questions(("red", "red"), max_answer_tokens=2))
    other = fitted(backbone, questions(("red", "red and green and blue"), max_answer_tokens=2))
    torch.testing.assert_close(answer_loss(backbone, first).total, answer_loss(backbone, other).total)


def test_a_tiny_vlm_learns_answers_that_depend_on_the_image(backbone):
    batch = fitted(backbone, questions(loss_weight=2.0))
    optimizer = torch.optim.AdamW(backbone.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        found = answer_loss(backbone, batch)
        torch.testing.assert_close(found.total, 2 * found.parts["answers"])
        found.total.backward()
        torch.nn.utils.clip_grad_norm_(backbone.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(found.total.item())
    assert losses[-1] < 0.5 * losses[0]


def test_both_kinds_of_batch_are_learned_and_logged(data, tmp_path):
    run(experiment(data, 0.5, steps=20), tmp_path / "run")
    lines = [line for line in logged(tmp_path / "run") if "loss" in line]
    assert "vl_loss" not in lines[0]
    spoken = [line["vl_loss"] for line in lines if "vl_loss" in line]
    assert len(spoken) == 19
    assert spoken[-1] < spoken[0]
    assert lines[-1]["loss"] < lines[0]["loss"]
    described = json.loads((tmp_path / "run" / "experiment.json").read_text())
    assert described["data"]["questions"]["number"] == 2


def test_without_weight_nothing_changes(data, tmp_path):
    run(experiment(data), tmp_path / "without")
    run(experiment(data, 0), tmp_path / "zero")
    run(experiment(data, 0.5), tmp_path / "half")
    assert same(weights(tmp_path / "without"), weights(tmp_path / "zero"))
    assert not same(weights(tmp_path / "without"), weights(tmp_path / "half"))


def test_a_run_with_questions_is_resumed_exactly(data, tmp_path, monkeypatch):
    from contextlib import contextmanager

    from robovlms.training import loop

    run(experiment(data, 0.4, steps=5), tmp_path / "whole")
    calls, real = [], loop.interruptible
    monkeypatch.setattr(
        loop, "interruptible", contextmanager(lambda: (yield lambda: calls.append(1) or len(calls) > 3))
    )
    with pytest.raises(KeyboardInterrupt):
        run(experiment(data, 0.4, steps=5), tmp_path / "cut")
    monkeypatch.setattr(loop, "interruptible", real)
    run(experiment(data, 0.4, steps=5), tmp_path / "cut", resume=True)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_processes_learn_what_one_does(data, tmp_path):
    """Chunks of one action have no padding, so that robots' losses are means over as many numbers in each process."""
    held_out, spoken = {}, {}
    for processes in (1, 2):
        config = experiment(data, 0.5, steps=8, validate_every=1, processes=processes).model_dump()
        config["model"]["architecture"]["chunk"] = 1
        run(validate(Experiment, config | {"executor": "chunk:1"}), out := tmp_path / str(processes))
        held_out[processes] = [line["val_loss"] for line in logged(out) if "val_loss" in line]
        network = VLA.from_pretrained(out).network.eval()
        with torch.no_grad():
            spoken[processes] = answer_loss(network.backbone, fitted(network.backbone, questions())).total.item()
    assert len(set(held_out[1])) >= 8
    assert held_out[2] == pytest.approx(held_out[1], rel=1e-3)
    assert spoken[2] == pytest.approx(spoken[1], rel=1e-3)


def test_what_cannot_be_asked_is_refused_and_the_folder_left_free(data, tmp_path):
    with pytest.raises(UserError, match=r"got model\.kind cnn, expected vla"):
        validate(Experiment, experiment(data, 0.5).model_dump() | {"model": {"kind": "cnn"}, "executor": "chunk:1"})
    missing = experiment(data, 0.5).model_dump() | {"vl_data": {"path": "nowhere.json"}}
    with pytest.raises(CorruptData, match=r"nowhere\.json is missing"):
        run(validate(Experiment, missing), tmp_path / "run")
    special = [{"conversations": [{"from": "human", "value": "a <eos> b"}, {"from": "gpt", "value": "c"}]}]
    (tmp_path / "vl.json").write_text(json.dumps(special))
    marked = experiment(data, 0.5).model_dump() | {"vl_data": {"path": str(tmp_path / "vl.json")}}
    with pytest.raises(UserError, match="special token"):
        run(validate(Experiment, marked), tmp_path / "run")
    assert not (tmp_path / "run" / "experiment.json").exists()
