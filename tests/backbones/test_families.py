"""Every family against Hugging Face's own forward, and what must never change a slot's hidden state."""

import numpy as np
import pytest
import torch
from families import CASES, WITH_OWN_FORWARD
from PIL import Image as PILImage

from robovlms.backbones.encoder_decoder import EncoderDecoderBackbone
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.own_forward import own_forward, own_inputs, placeholder, token_ids
from robovlms.backbones.prompt import Action, Image, Slot, State, Text, TokenKind
from robovlms.data.images import fit_image

LOADED = {}


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


@pytest.fixture
def backbone(case):
    if case.name not in LOADED:
        LOADED[case.name] = load_backbone(BackboneConfig(path=f"tiny:{case.name}")).eval()
    return LOADED[case.name]


def frames(backbone, count, seed=0):
    size = backbone.image_spec.size
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def yes(rows):
    return torch.ones(rows, dtype=torch.bool)


def vectors(backbone, *shape, seed=0):
    words = backbone.read(torch.arange(8)[None])[0].detach()
    return words.std() * torch.randn(*shape, backbone.hidden_size, generator=torch.Generator().manual_seed(seed))


def slots_of(backbone, segments, num_steps=1):
    sequence = backbone.compose(segments)
    hidden, _ = backbone.think(sequence)
    return backbone.slots(hidden, sequence.layout, num_steps)


def prompt(backbone, text, rows=2):
    """Image, state, text, two slots."""
    media = backbone.see(frames(backbone, 2)[:rows], text)
    state = State(vectors(backbone, 2, 1, seed=1)[:rows])
    return [Image(media, yes(rows)), state, text, Slot(vectors(backbone, 2))]


def two_steps(backbone, text):
    media = backbone.see(frames(backbone, 4), Text(text.ids.repeat(2, 1), text.valid.repeat(2, 1)))
    (first, second), slots = media.chunk(2), vectors(backbone, 2)
    one = [text, Image(first, yes(2), 0), Slot(slots, 0)]
    return one, [Image(second, yes(2), 1), State(vectors(backbone, 2, 1), 1), Slot(slots, 1)]


@pytest.mark.parametrize("case", WITH_OWN_FORWARD, ids=lambda case: case.name)
@torch.no_grad()
def test_hidden_states_equal_the_own_forward(case, backbone):
    text = backbone.tokenize(["open the drawer", "shut the drawer"])
    images = frames(backbone, 2)
    segments = [Image(backbone.see(images, text), yes(2)), text]
    ids = token_ids(backbone, segments)
    inputs = own_inputs(backbone, images, text) | case.own(ids, placeholder(backbone))
    if isinstance(backbone, EncoderDecoderBackbone):
        start = backbone.model.config.get_text_config().decoder_start_token_id
        answer = torch.tensor([[start, 7, 9], [start, 8, 7]])
        inputs["decoder_input_ids"] = answer
        segments.append(Action(answer[:, 1:]))
    hidden, logits = own_forward(backbone, ids, **inputs)
    ours, _ = backbone.think(backbone.compose(segments))
    ours = ours[:, -hidden.shape[1] :]
    assert (ours - hidden).abs().max().item() <= case.tolerance
    assert (backbone.speak(ours) - logits).abs().max() <= 1e-5
    assert (backbone.speak(ours, torch.tensor([7, 5])) - logits[..., [7, 5]]).abs().max() <= 1e-5


def test_the_prompt_is_what_the_family_writes(case, backbone):
    text = backbone.tokenize(["open"])
    media = backbone.see(frames(backbone, 1), text)
    ids = token_ids(backbone, [Image(media, yes(1)), text])[0]
    words = [backbone.tokenizer.decode(run) for run in _runs(ids.tolist(), placeholder(backbone))]
    assert "[image]".join(words) == case.prompt
    sequence = backbone.compose([Image(media, yes(1)), text])
    written = sequence.layout.kind == TokenKind.TEXT
    assert torch.equal(sequence.embeds[:, written], backbone.read(ids[ids != placeholder(backbone)][None]))


def _runs(ids, image):
    """The ids before and after the image's tokens."""
    first, last = ids.index(image), len(ids) - ids[::-1].index(image)
    assert set(ids[first:last]) == {image}
    return ids[:first], ids[last:]


def test_pixels_equal_the_own_image_processor(case, backbone):
    large = np.random.default_rng(1).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    theirs = case.processed(backbone.image_processor, PILImage.fromarray(large))
    ours = backbone.image_inputs(torch.from_numpy(fit_image(large, backbone.image_spec).copy())[None])
    theirs = theirs if isinstance(theirs, torch.Tensor) else theirs["pixel_values"]
    assert (ours["pixel_values"] - theirs).abs().max().item() == 0.0


@torch.no_grad()
def test_two_chunks_with_a_cache_equal_one(backbone):
    for first, second in (
        (prompt(backbone, backbone.tokenize(["open the drawer", "open"]))[:3], [Slot(vectors(backbone, 2))]),
        two_steps(backbone, backbone.tokenize(["open the drawer", "open"])),
    ):
        whole = slots_of(backbone, [*first, *second], 1)
        _, cache = backbone.think(backbone.compose(first), backbone.new_cache())
        sequence = backbone.compose(second, cache)
        hidden, _ = backbone.think(sequence, cache)
        pieces = backbone.slots(hidden, sequence.layout)
        assert (pieces - whole[:, :, -pieces.shape[2] :]).abs().max() <= 1e-5


def test_a_window_in_runs_of_steps_equals_one_forward(backbone, monkeypatch):
    """Steps of unequal length, the last one padding, thought about in three calls of the decoder."""
    text = backbone.tokenize(["open the drawer"])
    media, slots = (
        backbone.see(frames(backbone, 4), Text(text.ids.repeat(4, 1), text.valid.repeat(4, 1))),
        vectors(backbone, 2),
    )
    first, second, third, fourth = media.chunk(4)
    segments = [text, Image(first, yes(1), 0), Slot(slots, 0), Image(second, yes(1), 1), Image(third, yes(1), 1)]
    segments += [State(vectors(backbone, 1, 1), 1), Slot(slots, 1), Image(fourth, ~yes(1), 2), Slot(slots, 2)]
    sequence, calls, decode = backbone.compose(segments), [], backbone.decode
    monkeypatch.setattr(backbone, "decode", lambda embeds, known: calls.append(1) or decode(embeds, known))
    monkeypatch.setattr("robovlms.backbones.runs.RUN_TOKENS", 1)
    with torch.enable_grad():
        whole, _ = backbone.think(sequence)
    with torch.no_grad():
        pieces, cache = backbone.think(sequence)
    assert len(calls) == 1 + (1 if isinstance(backbone, EncoderDecoderBackbone) else 3)
    assert cache is None
    seen = sequence.layout.valid
    assert (pieces - whole)[seen].abs().max() <= 1e-5


@pytest.mark.parametrize("case", WITH_OWN_FORWARD, ids=lambda case: case.name)
@torch.no_grad()
def test_greedy_decoding_equals_generate(case, backbone):
    text, images = backbone.tokenize(["open the drawer"]), frames(backbone, 1)
    segments = [Image(backbone.see(images, text), yes(1)), text]
    ids = token_ids(backbone, segments)
    inputs = own_inputs(backbone, images, text) | case.own(ids, placeholder(backbone))
    never = {"eos_token_id": len(backbone.tokenizer), "pad_token_id": 0}
    theirs = backbone.model.generate(input_ids=ids, attention_mask=ids > -1, **inputs, **never, max_new_tokens=5)

    cache, said = backbone.new_cache(), [*segments, Action(torch.zeros(1, 0, dtype=torch.long))]
    ours = []
    for _ in range(5):
        hidden, cache = backbone.think(backbone.compose(said, cache), cache)
        ours.append(int(backbone.speak(hidden[0, -1]).argmax()))
        said = [Action(torch.tensor([[ours[-1]]]))]
    assert ours == theirs[0, -5:].tolist()


def test_slots_and_towers_receive_gradients(backbone):
    segments = prompt(backbone, backbone.tokenize(["open", "open"]))
    slots = segments[3].vectors.requires_grad_()
    read_out = slots_of(backbone, segments)
    (read_out * vectors(backbone, *read_out.shape[:3], seed=5)).sum().backward()
    assert slots.grad.abs().amax(dim=1).min() > 0
    for tower in (backbone.vision_tower, backbone.text_tower):
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in tower.parameters())
    backbone.zero_grad()


@torch.no_grad()
def test_padding_and_batch_never_change_a_slot(backbone):
    text = backbone.tokenize(["open the drawer", "open"])
    plain = slots_of(backbone, prompt(backbone, text))
    longer = backbone.tokenize(["open the drawer", "open"], length=text.ids.shape[1] + 7)
    left = Text(longer.ids.roll(7, 1), longer.valid.roll(7, 1))
    for padded in (longer, left):
        assert (slots_of(backbone, prompt(backbone, padded)) - plain).abs().max() <= 1e-5
    alone = slots_of(backbone, prompt(backbone, backbone.tokenize(["open the drawer"]), rows=1))
    assert (plain[0] - alone[0]).abs().max() <= 1e-5


@torch.no_grad()
def test_an_unused_camera_never_changes_a_slot(backbone):
    text = backbone.tokenize(["open the drawer", "open"])
    image, *rest = prompt(backbone, text)
    absent = Image(backbone.see(frames(backbone, 2, seed=3), text), ~yes(2))
    without = slots_of(backbone, [image, *rest])
    for cameras in ([image, absent], [absent, image]):
        assert (slots_of(backbone, [*cameras, *rest]) - without).abs().max() <= 1e-5


@torch.no_grad()
def test_steps_are_causal(backbone):
    text = backbone.tokenize(["open the drawer", "open"])
    one, two = two_steps(backbone, text)
    both = slots_of(backbone, one + two, 2)
    assert (both[:, 0] - slots_of(backbone, one)[:, 0]).abs().max() <= 1e-5
    assert (both[:, 1] - both[:, 0]).abs().max() > 1e-2


@torch.no_grad()
def test_every_camera_of_a_step_is_seen(backbone):
    text = backbone.tokenize(["open the drawer", "open"])
    image, *rest = prompt(backbone, text)
    plain = slots_of(backbone, [image, image, *rest])
    other = Image(backbone.see(frames(backbone, 2, seed=3), text), yes(2))
    for cameras in ([other, image], [image, other]):
        assert (slots_of(backbone, [*cameras, *rest]) - plain).abs().max() > 1e-2


@torch.no_grad()
def test_cameras_and_steps_share_a_sequence(backbone):
    """Two cameras, two steps; the second row lacks a camera at the second step."""
    text = backbone.tokenize(["open the drawer", "open"])
    media = backbone.see(frames(backbone, 8), Text(text.ids.repeat(4, 1), text.valid.repeat(4, 1))).chunk(4)
    slots, first_row = vectors(backbone, 2), torch.tensor([True, False])
    first = [text, Image(media[0], yes(2), 0), Image(media[1], yes(2), 0), Slot(slots, 0)]
    camera, slot = Image(media[2], yes(2), 1), Slot(slots, 1)

    without = slots_of(backbone, [*first, camera, slot], 2)
    whole = slots_of(backbone, [*first, camera, Image(media[3], first_row, 1), slot], 2)
    assert (whole[:, 0] - without[:, 0]).abs().max() <= 1e-5
    assert (whole[1] - without[1]).abs().max() <= 1e-5
    assert (whole[0, 1] - without[0, 1]).abs().max() > 1e-2
