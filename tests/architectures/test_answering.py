"""Actions as words: decoding is what teacher forcing finds likeliest, and an answer is seen by its own step alone."""

import dataclasses

import pytest
import torch
from test_policy_head import ACTION, CHUNK, OBSERVATION, STATISTICS, windows
from test_structures import fit
from torch.nn import functional as F

from robovlms.architectures.model import VLAConfig
from robovlms.backbones.config import BackboneConfig
from robovlms.backbones.load import FAMILIES, load_backbone
from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.heads.head import Features
from robovlms.policies.vla import VLA, VLAManifest

STRUCTURES = ("one_step_discrete", "interleaved_discrete", "policy_head_discrete")
NAMES = [*(family.id for family in FAMILIES), "blip2-t5", "instructblip-t5", "qwen_vl-3", "flamingo-mpt-1b"]
BASES = ("paligemma", "idefics", "blip2-t5")


def create(structure, family="paligemma", history=3, **head):
    torch.manual_seed(0)
    history = 1 if structure == "one_step_discrete" else history
    settings = {"kind": structure, "history": history, "chunk": CHUNK, "max_text_tokens": 64}
    groups = {"backbone": {"path": f"tiny:{family}"}, "architecture": settings, "head": head}
    manifest = VLAManifest(model=validate(VLAConfig, groups), action_spec=ACTION, observation_spec=OBSERVATION)
    vla = VLA.create(manifest, {"robot": STATISTICS})
    vla.network.eval()
    return vla


def answered(network, batch, monkeypatch):
    """What is said for the newest step, as classes and logits."""
    heard = {}
    with monkeypatch.context() as patched:
        predict = network.head.predict
        patched.setattr(network.head, "predict", lambda f, **given: (heard.update(f=f), predict(f, **given))[1])
        network.predict(network.act(batch), batch)
    logits = heard["f"].logits[:, -1]
    return logits.argmax(dim=-1), logits


def told(network, batch, classes, monkeypatch):
    """The features of a batch whose newest answers are told as ``classes``."""
    with monkeypatch.context() as patched:
        right = network.right(batch)
        patched.setattr(network, "right", lambda _: torch.cat([right[:, :-1], classes[:, None]], dim=1))
        return network.features(batch)


@pytest.mark.parametrize("family", NAMES)
@pytest.mark.parametrize("structure", STRUCTURES[:2])
@torch.no_grad()
def test_what_is_said_is_what_teacher_forcing_finds_likeliest(structure, family, monkeypatch):
    vla = create(structure, family)
    network, batch = vla.network, fit(windows(), vla)
    classes, logits = answered(network, batch, monkeypatch)
    forced = told(network, batch, classes, monkeypatch).logits[:, -1]
    assert (forced - logits).abs().max() <= 2e-5
    assert torch.equal(forced.argmax(dim=-1), classes)


@torch.no_grad()
def test_a_policy_head_says_what_teacher_forcing_finds_likeliest(monkeypatch):
    vla = create("policy_head_discrete")
    network, batch = vla.network, fit(windows(), vla)
    classes, logits = answered(network, batch, monkeypatch)
    forced = told(network, batch, classes, monkeypatch).logits[:, -1]
    assert (forced - logits).abs().max() <= 1e-5
    assert torch.equal(forced.argmax(dim=-1), classes)


@pytest.mark.parametrize("family", NAMES)
@torch.no_grad()
def test_an_answer_is_seen_by_its_own_step_alone(family):
    vla = create("interleaved_discrete", family)
    network, batch = vla.network, fit(windows(), vla)
    before = network.features(batch).logits
    assert before.shape[1] == 3
    actions = batch.actions.clone()
    actions[:, 1] = -actions[:, 1]  # the middle of three steps
    after = network.features(dataclasses.replace(batch, actions=actions)).logits
    changed = (after - before).abs().amax(dim=(0, 2, 3))
    assert changed[1] > 1e-3
    assert max(changed[0], changed[2]) <= 1e-5


@pytest.mark.parametrize("family", NAMES)
@torch.no_grad()
def test_earlier_answers_take_up_no_place(family):
    """Later steps are thought about as if no earlier answer stood between."""
    vla = create("interleaved_discrete", family)
    network, batch = vla.network, fit(windows(), vla)
    frames = network.act(batch)
    bare = network.lay_out(frames, batch, None)
    hidden, _ = network.backbone.think(bare)
    expected = network.backbone.slots(hidden, bare.layout, 3)
    assert (network.features(batch).slots - expected)[batch.frame_valid].abs().max() <= 2e-5


@pytest.mark.parametrize("family", [*BASES, "florence"])
@torch.no_grad()
def test_every_step_learns_what_is_said_there_when_acting(family, monkeypatch):
    """In a window that goes on, each step asks for what a policy says whose window ends there."""
    vla = create("interleaved_discrete", family)
    network, batch = vla.network, fit(windows(), vla)
    rows = ("frame_index", "frame_valid", "state", "actions", "action_mask")
    ended = [
        dataclasses.replace(batch, **{name: getattr(batch, name)[:, : end + 1] for name in rows}) for end in range(3)
    ]
    said = [answered(network, one, monkeypatch) for one in ended]
    monkeypatch.setattr(network, "right", lambda _: torch.stack([classes for classes, _ in said], dim=1))
    asked = network.features(batch).logits
    for step, (_, logits) in enumerate(said):
        there = batch.frame_valid[:, step]
        assert (asked[there, step] - logits[there]).abs().max() <= 2e-5


@torch.no_grad()
def test_answers_beyond_the_places_of_a_decoder_are_refused():
    vla = create("interleaved_discrete", "florence")
    batch, decoder = fit(windows(), vla), vla.network.backbone.decoder
    places = 3 * (2 + vla.network.head.num_tokens - 1)  # a start, a slot and an answer's tokens but the last, a step
    learned = decoder.embed_positions
    learned.weight.data = learned.weight.data[: places + learned.offset]
    vla.network.features(batch)
    learned.weight.data = learned.weight.data[:-1]
    with pytest.raises(UserError, match=f"Answers of {places} tokens in all; the decoder of this VLM has {places - 1}"):
        vla.network.features(batch)


@pytest.mark.parametrize("structure", STRUCTURES)
@torch.no_grad()
def test_no_step_sees_a_later_frame(structure):
    vla = create(structure)
    batch = fit(windows(), vla)
    before = vla.network.features(batch).logits
    images = {camera: image.clone() for camera, image in batch.images.items()}
    images["wrist"][-1] = 255 - images["wrist"][-1]  # the last frame of the second window
    after = vla.network.features(dataclasses.replace(batch, images=images)).logits
    assert (after[1, -1] - before[1, -1]).abs().max() > 1e-4
    assert (after[:, :-1] - before[:, :-1]).abs().amax() <= 1e-5 if before.shape[1] > 1 else True


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("family", BASES)
def test_every_part_learns_and_comes_back_from_a_checkpoint(structure, family, tmp_path):
    vla = create(structure, family)
    batch = fit(windows(), vla)
    vla.network.train()
    vla.loss(batch).total.backward()
    assert vla.network.slot_vectors.grad.abs().amax(dim=1).min() > 0
    for part in (vla.network.backbone.vision_tower, vla.network.backbone.text_tower, vla.network.state):
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())
    vla.network.eval()
    vla.save_pretrained(tmp_path)
    again = VLA.from_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(again.network.features(batch).logits, vla.network.features(batch).logits)


@pytest.mark.parametrize("structure", STRUCTURES)
@torch.no_grad()
def test_a_plan_is_made_without_a_look_at_the_labels(structure):
    vla = create(structure)
    batch = fit(windows(), vla)
    other = dataclasses.replace(batch, actions=-batch.actions)
    assert torch.equal(vla.network.plan(batch).actions, vla.network.plan(other).actions)


@torch.no_grad()
def test_answers_take_up_no_positions():
    """A sequence may be longer than the VLM's positions where answers alone make it so."""
    vla = create("interleaved_discrete")
    batch, backbone = fit(windows(), vla), vla.network.backbone
    whole = vla.network.lay_out(vla.network.act(batch), batch, vla.network.right(batch)).layout
    bare = vla.network.lay_out(vla.network.act(batch), batch, None).layout
    needed = whole.answers_apart().num_places
    assert needed <= len(bare.kind) + vla.network.head.num_tokens - 1 < len(whole.kind)
    config = backbone.model.config.get_text_config()
    config.max_position_embeddings = needed
    vla.network.features(batch)
    config.max_position_embeddings = needed - 1
    with pytest.raises(UserError, match="positions"):
        vla.network.features(batch)


@torch.no_grad()
def test_the_loss_is_cross_entropy_over_what_counts():
    vla = create("policy_head_discrete")
    batch = fit(windows(), vla)
    features = vla.network.features(batch)
    right = vla.network.head.answers(batch.actions, batch.action_mask).classes
    counts = batch.action_mask[..., None].expand_as(batch.actions).flatten(2)
    expected = F.cross_entropy(features.logits[counts], right[counts])
    assert torch.allclose(vla.network.loss(batch).total, expected)
    nothing = dataclasses.replace(batch, action_mask=torch.zeros_like(batch.action_mask))
    assert vla.network.loss(nothing).total == 0


@torch.no_grad()
def test_what_stands_behind_an_episode_counts_nothing():
    vla = create("one_step_discrete")
    batch = fit(windows(), vla)
    mask = batch.action_mask.clone()
    mask[:, :, -1] = False
    actions = batch.actions.clone()
    actions[:, :, -1] = 0.7
    losses = [
        vla.network.loss(dataclasses.replace(batch, actions=one, action_mask=mask)).total
        for one in (batch.actions, actions)
    ]
    assert torch.allclose(*losses)


def test_bins_come_back_within_half_a_bin_and_grippers_exactly():
    head = create("one_step_discrete", num_bins=100).network.head
    actions = torch.rand(5, CHUNK, 3) * 2 - 1
    actions[..., 2] = (actions[..., 2] > 0).float()
    classes = head.answers(actions, torch.ones(5, CHUNK, dtype=torch.bool)).classes
    back = head.meant(classes, torch.zeros(5, 3 * CHUNK))
    assert (back.actions - actions)[..., :2].abs().max() <= 1 / 100 + 1e-6
    assert torch.equal(back.actions[..., 2], actions[..., 2])
    assert torch.equal(back.confidence, torch.ones(5, CHUNK))


def test_confidence_is_how_likely_the_tokens_of_an_action_are():
    head = create("one_step_discrete", num_bins=4).network.head
    logits = torch.full((1, 1, 3 * CHUNK, 4), 0.0)
    logits[..., :3, 2] = 100.0  # the first action is certain, the others are guesses among four
    sure = head.predict(Features(torch.zeros(1, 1, 1, 8), torch.ones(1, 1, dtype=torch.bool), logits=logits)).confidence
    assert torch.allclose(sure[0], torch.tensor([1.0] + [0.25] * (CHUNK - 1)))


@pytest.mark.parametrize("family", NAMES)
def test_words_are_ordinary_and_the_rarest(family):
    backbone = load_backbone(BackboneConfig(path=f"tiny:{family}"))
    words = backbone.ordinary_words
    assert words.tolist() == sorted(set(words.tolist()))
    assert not set(words.tolist()) & {*backbone.tokenizer.all_special_ids, *backbone.tokenizer.added_tokens_decoder}
    assert len(words) >= 256
    hidden = torch.randn(2, backbone.hidden_size)
    assert torch.allclose(backbone.speak(hidden, words), backbone.speak(hidden)[:, words], atol=1e-5)
    answering = create("one_step_discrete", family, num_bins=20).network
    assert answering.words.tolist() == words.tolist()[-20:]


def test_a_vocabulary_that_is_too_small_is_refused():
    with pytest.raises(UserError, match=r"head\.num_bins asks for 1000 different tokens"):
        create("one_step_discrete", num_bins=1000)


@pytest.mark.parametrize(
    ("structure", "head", "remedy"),
    [
        ("one_step_discrete", "lstm", "set head.kind to tokens"),
        ("video_continuous", "tokens", "or a discrete structure"),
    ],
)
def test_heads_of_the_other_action_space_are_refused(structure, head, remedy):
    with pytest.raises(UserError, match=f"head.kind {head} does not go with architecture.kind {structure}.*{remedy}"):
        validate(VLAConfig, {"architecture": {"kind": structure}, "head": {"kind": head}})
