import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

from robovlms.core.errors import UserError, WorkFailed
from robovlms.pretraining.answering import Answerer
from robovlms.pretraining.batches import Encoder, Prompted, by_length, jitter, pixel_values
from robovlms.pretraining.cells import CellHeads, cell_loss, focus_subsampling
from robovlms.pretraining.frames import FRAME, POINTS
from robovlms.pretraining.imagined import imagined_frames
from robovlms.pretraining.losses import NUM_TARGETS, answer_loss, probe_targets
from robovlms.pretraining.model import build
from robovlms.pretraining.network import answer_logits, encode_images, spread_projection
from robovlms.pretraining.questions import ask_some
from robovlms.pretraining.run import main
from robovlms.pretraining.settings import PretrainingConfig
from robovlms.pretraining.trainer import Trainer


def frames_with_images(number):
    rng = np.random.default_rng(5)
    frames = imagined_frames(rng, number)
    for frame in frames:
        frame.record["images"] = rng.integers(0, 256, frame.images.shape)
    return frames


def questions_about(frames, number=3):
    rng = np.random.default_rng(6)
    return [Prompted(i, *question) for i, frame in enumerate(frames) for question in ask_some(frame, rng, number)]


def stock_inputs(tokenizer, tokens_per_image, question):
    """What anyone would give the plain Hugging Face model: image placeholders, <bos>, question, newline, answer."""
    image = [tokenizer.convert_tokens_to_ids("<image>")] * (2 * tokens_per_image)
    prefix = image + tokenizer(question.prompt + "\n")["input_ids"]
    suffix = tokenizer(question.answer, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    return torch.tensor([prefix + suffix]), torch.tensor([[0] * len(prefix) + [1] * len(suffix)]), len(suffix)


def test_training_pass_equals_the_stock_forward_of_the_saved_directory(saved, small):
    model = AutoModelForImageTextToText.from_pretrained(saved).eval()
    assert next(model.parameters()).dtype == torch.float32
    tokenizer = AutoTokenizer.from_pretrained(saved)
    frames = frames_with_images(3)
    asked = questions_about(frames)
    pixels = pixel_values(frames)
    with torch.inference_mode():
        texts = Encoder(tokenizer).texts(asked)
        ours, targets = answer_logits(model, encode_images(model, pixels)[0], texts)
        theirs = []
        for question in asked:
            ids, kinds, length = stock_inputs(tokenizer, small.tokens_per_image, question)
            pair = pixels[2 * question.frame : 2 * question.frame + 2]
            logits = model(input_ids=ids, pixel_values=pair, token_type_ids=kinds).logits
            theirs.append(logits[0, -length - 1 : -1])
    torch.testing.assert_close(ours, torch.cat(theirs), atol=2e-5, rtol=1e-4)
    assert len(targets) == len(ours)


def test_image_processor_gives_the_pixels_of_training(saved):
    frames = frames_with_images(2)
    processor = AutoImageProcessor.from_pretrained(saved, backend="pil")
    images = [image for frame in frames for image in frame.images]
    theirs = processor(images=images, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(pixel_values(frames), theirs, atol=1e-6, rtol=0)


def test_greedy_answers_equal_stepwise_argmax(saved):
    answerer = Answerer(saved)
    frames = frames_with_images(2)
    asked = questions_about(frames)
    images = answerer.look(frames)
    alone = [answerer.answer(images, [question])[0] for question in asked]
    assert answerer.answer(images, asked) == alone
    assert len(answerer.answer_blind(asked)) == len(asked)


def test_a_location_near_miss_costs_less(tokenizer):
    encoder = Encoder(tokenizer)
    logits = torch.zeros(3, len(tokenizer))
    for row, guess in enumerate((20, 21, 50)):
        logits[row, encoder.first_location + guess] = 8.0
    truth = torch.full((3,), encoder.first_location + 20)
    exact, near, far = answer_loss(encoder, logits, truth).tolist()
    assert exact < near < far
    word = torch.tensor([tokenizer.convert_tokens_to_ids("▁yes")])
    assert answer_loss(encoder, logits[:1], word) == pytest.approx(
        torch.nn.functional.cross_entropy(logits[:1], word).item(), abs=1e-5
    )


def test_groups_of_similar_length_lose_nothing(tokenizer):
    encoder, asked = Encoder(tokenizer), questions_about(imagined_frames(np.random.default_rng(0), 9))
    groups = by_length(encoder, asked, 2)
    assert sorted(map(id, asked)) == sorted(id(q) for group in groups for q in group)
    assert encoder.texts(groups[0]).ids.shape[1] < encoder.texts(groups[1]).ids.shape[1]


def test_probe_targets_have_documented_size():
    values, weights = probe_targets(imagined_frames(np.random.default_rng(0), 1)[0])
    assert values.shape == weights.shape == (NUM_TARGETS,)
    assert np.isfinite(values).all()


def test_cell_loss_is_small_for_the_right_cell_only():
    pixels = torch.zeros(1, len(POINTS), 2) + torch.tensor([40.0, 8.0])
    visible = torch.ones(1, len(POINTS), dtype=torch.bool)
    output = torch.zeros(1, 4, len(POINTS), 3)
    output[0, 1, :, 0] = 20.0  # upper right quarter
    output[0, 1, :, 1], output[0, 1, :, 2] = 40 / 32 - 1.5, 8 / 32 - 0.5
    assert cell_loss(output, pixels, visible) < 1e-3
    assert cell_loss(output.roll(1, dims=1), pixels, visible) > 10


def test_each_subsampling_head_begins_at_one_cell(tokenizer, small):
    tower = build(small, tokenizer).model.vision_tower
    focus_subsampling(tower)
    heads = CellHeads(tower)
    attention = next(m for m in tower.modules() if type(m).__name__ == "LevitAttentionSubsample")
    biases = attention.attention_biases[:, attention.attention_bias_idxs]
    assert len(heads.heads) == 3
    assert (biases[:, 0].softmax(-1).max(-1).values > 0.9).all()


def test_colour_jitter_keeps_shape_range_and_is_repeatable():
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, 2, 8, 8, 3)).astype(np.float32)
    once = jitter(pixels, np.random.default_rng(1))
    assert once.dtype == np.float32
    assert np.abs(once).max() <= 1
    np.testing.assert_array_equal(once, jitter(pixels, np.random.default_rng(1)))


def pool_of(number):
    return np.array([frame.record for frame in frames_with_images(number)], dtype=FRAME)


def config(small, **changes):
    return PretrainingConfig(
        model=small, num_frames=40, first_frames=40, pairs=6, tower_pairs=6, warmup_steps=5, **changes
    )


def test_training_learns_a_few_frames_and_resumes_exactly(tmp_path, tokenizer, small):
    pool = pool_of(40)
    trainer = Trainer(config(small), tokenizer)
    assert set(trainer.step(pool, 0.0)) == {"probe", "cells", "rate"}
    first = trainer.step(pool, 0.5)
    assert set(first) == {"answers", "rate"}
    later = [trainer.step(pool, 0.71) for _ in range(25)]
    assert set(later[0]) == {"answers", "probe", "cells", "rate"}
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


def test_the_tower_stands_still_while_the_language_model_learns(tokenizer, small):
    trainer = Trainer(config(small), tokenizer)
    tower = trainer.model.model.vision_tower
    before = {name: t.clone() for name, t in tower.state_dict().items()}
    words = trainer.model.lm_head.weight.clone()
    trainer.step(pool_of(40), 0.5)
    assert all(torch.equal(before[name], t) for name, t in tower.state_dict().items())
    assert not torch.equal(words, trainer.model.lm_head.weight)


def test_a_run_may_start_from_the_tower_of_another(tmp_path, tokenizer, small):
    first = Trainer(config(small), tokenizer)
    first.step(pool_of(40), 0.0)
    first.save(tmp_path / "state.pt", 1.0)
    second = Trainer(config(small, seed=1), tokenizer)
    second.start_from(tmp_path / "state.pt")
    one, other = (trainer.model.model.vision_tower.state_dict() for trainer in (first, second))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(first.model.lm_head.weight, second.model.lm_head.weight)
    assert second.step_count == 0
    wider = Trainer(config(small.model_copy(update={"width": 96})), tokenizer)
    wider.start_from(tmp_path / "state.pt")
    assert torch.equal(wider.model.model.vision_tower.state_dict()[next(iter(one))], one[next(iter(one))])


def test_image_tokens_begin_spread_out(tokenizer, small):
    model = build(small, tokenizer).eval()
    pixels = pixel_values(frames_with_images(40))
    spread_projection(model, pixels)
    with torch.inference_mode():
        tokens = model.model.multi_modal_projector(model.model.vision_tower(pixels).last_hidden_state).flatten(0, 1)
    assert tokens.mean(0).norm() < 0.01 * tokens.std(0).norm()


def test_a_loss_that_is_not_finite_stops(tokenizer, small):
    trainer = Trainer(config(small), tokenizer)
    with torch.no_grad():
        trainer.probe.layers[1].weight.fill_(float("nan"))
    with pytest.raises(WorkFailed, match="step 0"):
        trainer.step(pool_of(40), 0.8)
