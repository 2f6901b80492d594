import numpy as np
import pytest
import torch

from robovlms.core.errors import UserError, WorkFailed
from robovlms.pretraining.batches import pixel_values
from robovlms.pretraining.frames import FRAME
from robovlms.pretraining.model import build
from robovlms.pretraining.network import paired
from robovlms.pretraining.run import main
from robovlms.pretraining.settings import PretrainingConfig
from robovlms.pretraining.still import StillTower
from robovlms.pretraining.trainer import Trainer


@pytest.fixture
def pool(frames_with_images):
    return np.array([frame.record for frame in frames_with_images(40)], dtype=FRAME)


def config(small, **changes):
    sizes = dict.fromkeys(("pairs", "tower_pairs", "language_pairs"), 6)
    return PretrainingConfig(
        model=small, num_frames=40, first_frames=40, questions=24, warmup_steps=5, **sizes, **changes
    )


def test_training_learns_a_few_frames_and_resumes_exactly(tmp_path, tokenizer, small, pool):
    trainer = Trainer(config(small), tokenizer)
    assert set(trainer.step(pool, 0.0)) == {"probe", "cells", "reader", "rate"}
    first = trainer.step(pool, 0.5)
    assert set(first) == {"answers", "reader", "rate"}
    later = [trainer.step(pool, 0.71) for _ in range(25)]
    assert set(later[0]) == {"answers", "probe", "cells", "reader", "rate"}
    assert np.mean([losses["answers"] for losses in later[-5:]]) < first["answers"] - 0.4
    trainer.save(tmp_path / "state.pt", 12.5)
    again = Trainer(config(small), tokenizer)
    assert again.load(tmp_path / "state.pt") == 12.5
    assert again.step(pool, 0.8) == trainer.step(pool, 0.8)


def test_a_state_of_other_settings_is_refused(tmp_path, tokenizer, small):
    Trainer(config(small), tokenizer).save(tmp_path / "state.pt", 1.0)
    with pytest.raises(UserError, match="seed is 0, asked for 3"):
        Trainer(config(small, seed=3), tokenizer).load(tmp_path / "state.pt")
    assert Trainer(config(small, minutes=1.0), tokenizer).load(tmp_path / "state.pt") == 1.0


def test_another_run_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "state.pt").touch()
    assert main(["--out", str(tmp_path)]) == 2
    assert "--resume" in capsys.readouterr().err


def test_the_tower_stands_still_while_the_language_model_learns(tokenizer, small, pool):
    trainer = Trainer(config(small), tokenizer)
    tower = trainer.model.model.vision_tower
    before = {name: t.clone() for name, t in tower.state_dict().items()}
    words = trainer.model.lm_head.weight.clone()
    trainer.step(pool, 0.41)
    trainer.step(pool, 0.5)
    assert all(torch.equal(before[name], t) for name, t in tower.state_dict().items())
    assert not torch.equal(words, trainer.model.lm_head.weight)


def test_still_features_are_the_towers_own_and_are_kept(tokenizer, small, frames_with_images):
    tower = build(small, tokenizer).model.vision_tower.eval()
    still, frames, places = StillTower(tower, 9), frames_with_images(3), np.array([1, 4, 8])
    with torch.no_grad():
        direct = paired(tower(pixel_values(frames)).last_hidden_state)
    torch.testing.assert_close(still(places, frames), direct, atol=1e-3, rtol=1e-3)
    kept = still(places, frames)
    with torch.no_grad():
        next(tower.parameters()).zero_()
    assert torch.equal(still(places, frames), kept)
    assert not torch.allclose(still(np.array([0]), frames[:1]), kept[:1])


def test_a_loss_that_is_not_finite_stops(tokenizer, small, pool):
    trainer = Trainer(config(small), tokenizer)
    with torch.no_grad():
        trainer.teachers.probe.layers[1].weight.fill_(float("nan"))
    with pytest.raises(WorkFailed, match="step 0"):
        trainer.step(pool, 0.8)


def test_stages_follow_each_other(tokenizer, small):
    trainer = Trainer(config(small), tokenizer)
    assert [trainer.stage(at) for at in (0.0, 0.39, 0.41, 0.5, 0.69, 0.71, 1.0)] == [
        "tower", "tower", "words", "language", "language", "both", "both"
    ]  # fmt: skip
