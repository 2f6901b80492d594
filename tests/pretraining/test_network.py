import numpy as np
import pytest
import torch
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

from robovlms.pretraining.answering import Answerer
from robovlms.pretraining.batches import Encoder, Prompted, by_length, jitter, pixel_values
from robovlms.pretraining.cells import cell_loss
from robovlms.pretraining.frames import POINTS
from robovlms.pretraining.imagined import imagined_frames
from robovlms.pretraining.losses import NUM_TARGETS, answer_loss, probe_targets
from robovlms.pretraining.model import build
from robovlms.pretraining.network import answer_logits, encode_images, spread_projection, summary_state
from robovlms.pretraining.questions import ask_some


def questions_about(frames, number=3):
    rng = np.random.default_rng(6)
    return [Prompted(i, *question) for i, frame in enumerate(frames) for question in ask_some(frame, rng, number)]


def stock_inputs(tokenizer, tokens_per_image, question):
    """What anyone would give the plain Hugging Face model: image placeholders, <bos>, question, newline, answer."""
    image = [tokenizer.convert_tokens_to_ids("<image>")] * (2 * tokens_per_image)
    prefix = image + tokenizer(question.prompt + "\n")["input_ids"]
    suffix = tokenizer(question.answer, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    return torch.tensor([prefix + suffix]), len(suffix)


def test_training_pass_equals_the_stock_forward_of_the_saved_directory(saved, small, frames_with_images):
    model = AutoModelForImageTextToText.from_pretrained(saved).eval()
    assert next(model.parameters()).dtype == torch.float32
    tokenizer = AutoTokenizer.from_pretrained(saved)
    frames = frames_with_images(3)
    asked = questions_about(frames)
    pixels = pixel_values(frames)
    with torch.inference_mode():
        texts = Encoder(tokenizer).texts(asked)
        ours, targets = answer_logits(model, encode_images(model, pixels), texts)
        theirs = []
        for question in asked:
            ids, length = stock_inputs(tokenizer, small.tokens_per_image, question)
            pair = pixels[2 * question.frame : 2 * question.frame + 2]
            logits = model(input_ids=ids, pixel_values=pair).logits
            theirs.append(logits[0, -length - 1 : -1])
    torch.testing.assert_close(ours, torch.cat(theirs), atol=2e-5, rtol=1e-4)
    assert len(targets) == len(ours)


def test_image_processor_gives_the_pixels_of_training(saved, frames_with_images):
    frames = frames_with_images(2)
    processor = AutoImageProcessor.from_pretrained(saved, backend="pil")
    images = [image for frame in frames for image in frame.images]
    theirs = processor(images=images, return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(pixel_values(frames), theirs, atol=1e-6, rtol=0)


def test_greedy_answers_equal_stepwise_argmax(saved, frames_with_images):
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


def test_colour_jitter_keeps_shape_range_and_is_repeatable():
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, 2, 8, 8, 3)).astype(np.float32)
    once = jitter(pixels, np.random.default_rng(1))
    assert once.dtype == np.float32
    assert np.abs(once).max() <= 1
    np.testing.assert_array_equal(once, jitter(pixels, np.random.default_rng(1)))


def test_the_summary_is_what_bos_holds_after_the_first_layer_of_the_stock_model(saved, frames_with_images):
    model = AutoModelForImageTextToText.from_pretrained(saved).eval()
    with torch.inference_mode():
        images = encode_images(model, pixel_values(frames_with_images(2)))
        begin = torch.tensor([[model.config.get_text_config().bos_token_id]] * 2)
        language = model.model.language_model
        both = torch.cat([images, language.embed_tokens(begin)], dim=1)
        kept = []
        hook = language.layers[0].register_forward_hook(lambda *call: kept.append(call[2]))
        language(inputs_embeds=both, use_cache=False)
        hook.remove()
        torch.testing.assert_close(summary_state(model, images), kept[0][:, -1])


def test_the_connector_begins_spread_out(tokenizer, small, frames_with_images):
    model = build(small, tokenizer).eval()
    projector = model.model.multi_modal_projector
    with torch.inference_mode():
        features = model.model.vision_tower(pixel_values(frames_with_images(40))).last_hidden_state
        spread_projection(model, features)
        inner = projector.linear_1(projector.pixel_shuffle(features)).flatten(0, 2)
    assert inner.mean(0).norm() < 0.01 * inner.std(0).norm()
