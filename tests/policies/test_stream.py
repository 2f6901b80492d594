"""A stream gives what one forward over the whole episode gives, and its mask is the one of training."""

import dataclasses

import numpy as np
import pytest
import torch
from small_policies import ACTION, CAMERAS, OBSERVATION, STATISTICS

from robovlms.architectures.model import VLAConfig
from robovlms.backbones.load import BackboneConfig, load_backbone
from robovlms.backbones.tiny import tiny_directory, variants
from robovlms.core.batch import Batch
from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.core.types import Observation
from robovlms.policies.vla import VLA, VLAManifest

HISTORY, SPAN, CHUNK, TEXT = 4, 2, 4, 64
REFUSED = {"kosmos", "blip2", "blip2-t5", "instructblip-t5", "florence", "mllama"}
FAMILIES = sorted(set(variants()) - REFUSED)
SMALL = {"width": 16, "num_layers": 1, "num_attention_heads": 2}
HEADS = {"mlp": {"hidden": 32}, "lstm": {"hidden": 32, "recurrent": 16}, "gpt": {"hidden": 32, **SMALL}}
HEADS |= {sampling: {**SMALL, "sampling_steps": 3} for sampling in ("flow", "diffusion")}


def create(family, *, path=None, head=None, **architecture):
    torch.manual_seed(0)
    settings = {"kind": "interleaved_continuous", "streaming": "stream", "history": HISTORY, "attention_span": SPAN}
    settings |= {"chunk": CHUNK, "max_text_tokens": TEXT, **architecture}
    groups = {"backbone": {"path": path or f"tiny:{family}"}, "architecture": settings}
    groups["head"] = {"num_slots": 2, **(head or HEADS["mlp"])}
    manifest = VLAManifest(model=validate(VLAConfig, groups), action_spec=ACTION, observation_spec=OBSERVATION)
    vla = VLA.create(manifest, {"robot": STATISTICS})
    vla.network.eval()
    return vla


def seen(vla, episode, step):
    rng, size = np.random.default_rng([ord(episode), step]), vla.image_spec.size
    images = {name: rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for name in CAMERAS}
    return Observation(images, rng.normal(size=3))


def whole(vla, episode, steps, sentence):
    """A window of all these steps of an episode."""
    frames = [seen(vla, episode, step) for step in steps]
    index = torch.arange(len(frames))
    return Batch(
        images={name: torch.from_numpy(np.stack([frame.images[name] for frame in frames])) for name in CAMERAS},
        frame_id=index,
        frame_index=index[None],
        frame_valid=torch.ones(1, len(frames), dtype=torch.bool),
        instructions=(sentence,),
        instruction_index=torch.zeros(1, dtype=torch.long),
        state=torch.tensor(np.stack([frame.state for frame in frames]), dtype=torch.float32)[None],
        actions=torch.zeros(1, len(frames), CHUNK, 3),
        action_mask=torch.ones(1, len(frames), CHUNK, dtype=torch.bool),
        dataset_id=torch.zeros(1, dtype=torch.long),
    )


@torch.no_grad()
def planned(vla, episode, steps, sentence, generator=None):
    """What the head makes of the last window of one forward over these steps, left-padded."""
    features = vla.network.features(whole(vla, episode, steps, sentence))
    history = vla.manifest.model.architecture.history
    index = torch.arange(len(steps) - history, len(steps))
    last = {name: getattr(features, name)[:, index.clamp(min=0)] for name in ("slots", "state")}
    window = dataclasses.replace(features, valid=(index >= 0)[None], **last)
    head = vla.network.head
    return vla.normalizer().denormalize(head.predict(window, head.draw([generator])).actions[0].numpy())


def largest_difference(vla, lives, last, instructs=None, batch_size=4):
    """Play episodes that live from step to step and compare each plan with one forward over all since the sentence."""
    policy, begins, sentences, noise, largest = vla.policy("first", batch_size=batch_size), {}, {}, {}, 0.0
    for step in range(last):
        for name, (first, _) in lives.items():
            if step == first:
                begins[name], sentences[name] = step, f"open drawer {name[0]}"
                policy.start(name[0], sentences[name], seed=first)
                noise[name] = np.random.default_rng(first)
        for name in lives if step == instructs else ():
            begins[name], sentences[name] = step, f"now shut {name[0]}"
            policy.instruct(name[0], sentences[name])
        playing = [name for name, (first, end) in lives.items() if first <= step < end]
        decisions = policy.act({name[0]: seen(vla, name[0], step) for name in playing})
        for name in playing:
            expected = planned(vla, name[0], range(begins[name], step + 1), sentences[name], noise[name])
            largest = max(largest, float(np.abs(decisions[name[0]].plan.actions - expected).max()))
            if step == lives[name][1] - 1:
                policy.stop(name[0])
    return largest


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stream_is_one_forward_over_the_whole_episode(family):
    """Windows overflow several times; episodes of different ages share a batch of more rows than there are episodes."""
    assert largest_difference(create(family), {"a": (0, 7), "b": (3, 7)}, 7, batch_size=3) <= 1e-5


@pytest.mark.parametrize("head", HEADS)
def test_it_is_so_after_resets_and_new_instructions(head):
    vla = create("paligemma", head={"kind": head, **HEADS[head]}, attention_span=3)
    lives = {"a": (0, 9), "b": (2, 6), "c": (4, 9), "b2": (6, 9)}
    assert largest_difference(vla, lives, 9, instructs=5, batch_size=2) <= 1e-5


def test_more_than_the_span_reaches_a_step_and_the_first_frames_count():
    """A check that the comparisons can fail: neither the span alone nor the last window gives the stream's plans."""
    vla = create("paligemma")
    everything = planned(vla, "a", range(7), "open")
    for steps in (range(7 - SPAN, 7), range(7 - HISTORY, 7)):
        assert np.abs(planned(vla, "a", steps, "open") - everything).max() > (1e-3 if len(steps) == SPAN else 0)


def test_company_never_changes_a_bit():
    """Younger and older episodes beside it leave the shapes of an episode's arithmetic as they are."""
    vla = create("qwen_vl")
    alone, together = (vla.policy("first", batch_size=3) for _ in range(2))
    for policy in (alone, together):
        policy.start("a", "open", seed=0)
    company = []
    for step in range(6):
        if step in (1, 3):
            company.append("bc"[step // 2])
            together.start(company[-1], "push the red block", seed=0)
        one = alone.act({"a": seen(vla, "a", step)})["a"]
        other = together.act({name: seen(vla, name, step) for name in ["a", *company]})["a"]
        assert np.array_equal(one.plan.actions, other.plan.actions)


@pytest.fixture(scope="module")
def shallow(tmp_path_factory):
    """A PaliGemma whose language model has one layer."""
    directory = tmp_path_factory.mktemp("shallow")
    backbone = load_backbone(BackboneConfig(path=str(tiny_directory("paligemma"))))
    backbone.text_tower.layers = backbone.text_tower.layers[:1]
    backbone.config.text_config.num_hidden_layers = 1
    backbone.save(directory)
    return directory


@torch.no_grad()
def test_training_has_the_mask_of_the_stream(shallow):
    """With one layer a step depends on the instruction and on the span, in the loss as when acting."""
    vla = create("paligemma", path=str(shallow))
    vla.network.backbone.eval()
    batch = whole(vla, "a", range(HISTORY), "open the drawer")
    slots = vla.network.features(batch).slots[0]
    for frame in range(HISTORY):
        images = {name: image.clone() for name, image in batch.images.items()}
        images["wrist"][frame] = 255 - images["wrist"][frame]
        changed = (vla.network.features(dataclasses.replace(batch, images=images)).slots[0] - slots).abs().amax((1, 2))
        reached = [frame <= step < frame + SPAN for step in range(HISTORY)]
        assert (changed > 1e-4).tolist() == reached
    other = vla.network.features(dataclasses.replace(batch, instructions=("close the slider",))).slots[0]
    assert ((other - slots).abs().amax((1, 2)) > 1e-4).all()


def test_it_trains_and_comes_back_from_its_checkpoint(tmp_path):
    vla = create("qwen_vl-3")
    batch = whole(vla, "a", range(HISTORY), "open")
    vla.network.train()
    vla.loss(batch).total.backward()
    assert vla.network.slot_vectors.grad.abs().amax(dim=1).min() > 0
    vla.network.eval()
    vla.save_pretrained(tmp_path)
    again = VLA.from_pretrained(tmp_path)
    assert again.manifest == vla.manifest
    assert np.array_equal(planned(again, "a", range(6), "open"), planned(vla, "a", range(6), "open"))


@torch.no_grad()
def test_a_padded_window_learns_what_the_beginning_of_an_episode_shows():
    vla = create("qwen_vl")
    short = whole(vla, "a", range(2), "open")
    index, valid = torch.tensor([[0, 0, 0, 1]]), torch.tensor([[False, False, True, True]])
    wide = {name: getattr(short, name)[:, index[0]] for name in ("state", "actions", "action_mask")}
    padded = dataclasses.replace(short, frame_index=index, frame_valid=valid, **wide)
    assert (vla.network.features(padded).slots[:, 2:] - vla.network.features(short).slots).abs().max() <= 1e-5


def test_what_is_kept_is_bounded_and_goes_with_the_episode():
    vla = create("paligemma", attention_span=3)
    policy = vla.policy("first", batch_size=1)
    policy.start("a", "open", seed=0)
    kept = []
    for step in range(6):
        policy.act({"a": seen(vla, "a", step)})
        stream = policy._running["a"].stream
        kept.append([block.states.numel() for block in (stream.instruction, *stream.steps)])
    assert [len(blocks) for blocks in kept] == [2, 3, 3, 3, 3, 3]  # the instruction and what the next step sees
    assert len({tuple(blocks) for blocks in kept[1:]}) == 1
    policy.instruct("a", "shut")
    assert policy._running["a"].stream is None


def test_a_stream_that_has_used_up_the_positions_begins_anew():
    vla = create("paligemma", max_text_tokens=17)
    per_step = 2 * 4 + 1 + 2  # cameras, state, slots
    vla.network.backbone.config.text_config.max_position_embeddings = 1 + 17 + 5 * per_step  # the family counts from 1
    policy = vla.policy("first", batch_size=1)
    policy.start("a", "open the drawer", seed=0)  # 17 tokens: five steps fit
    for step in range(12):
        decision = policy.act({"a": seen(vla, "a", step)})["a"]
        begin = step // 5 * 5
        slots = vla.network.features(whole(vla, "a", range(begin, step + 1), "open the drawer"))
        expected = vla.network.head.predict(slots).actions[0].detach().numpy()
        assert np.abs(decision.plan.actions - vla.normalizer().denormalize(expected)).max() <= 1e-5


@torch.no_grad()
def test_frames_of_the_stride_are_seen_and_no_others():
    vla = create("paligemma", stride=2)
    policy = vla.policy("chunk:4", batch_size=1)
    policy.start("a", "open", seed=0)
    for step in range(10):
        assert policy.needs_observation("a") == (step % 2 == 0)
        decision = policy.act({"a": seen(vla, "a", step)})["a"]
        if step % 4 == 0:
            expected = planned(vla, "a", range(0, step + 1, 2), "open")
            assert np.abs(decision.plan.actions - expected).max() <= 1e-5
    for executor in ("first", "chunk:3", "chunk:2@1"):
        with pytest.raises(UserError, match=r"architecture\.stride"):
            vla.policy(executor)


@pytest.mark.parametrize("family", sorted(REFUSED))
def test_families_that_cannot_are_refused_with_their_reason(family):
    reasons = {"kosmos": "absolute", "blip2": "absolute", "mllama": "images"}
    with pytest.raises(UserError, match=f"architecture.streaming.*{reasons.get(family, 'encoder')}"):
        create(family)
    assert create(family, streaming="recompute", attention_span=None).network.span is None


@pytest.mark.parametrize("family", sorted(set(FAMILIES) | {"kosmos", "blip2"}))
@torch.no_grad()
def test_a_family_streams_if_its_attention_knows_differences_of_positions_only(family):
    """Moving a whole prompt by 50 positions changes nothing then, and else does."""
    backbone = load_backbone(BackboneConfig(path=f"tiny:{family}")).eval()
    sequence = backbone.compose(prompt_of(backbone))
    skipped = torch.full_like(sequence.layout.valid, 50, dtype=torch.long)
    moved = dataclasses.replace(sequence, layout=dataclasses.replace(sequence.layout, skipped=skipped))
    difference = (backbone.think(moved)[0] - backbone.think(sequence)[0]).abs().max()
    assert (difference < 1e-4) == (not backbone.unstreamable)


def prompt_of(backbone):
    from robovlms.backbones.prompt import Image

    size, text = backbone.image_spec.size, backbone.tokenize(["open"])
    frame = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    return [Image(backbone.see(torch.from_numpy(frame), text), torch.ones(1, dtype=torch.bool)), text]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"history": 3, "attention_span": 4}, "history 3"),
        ({"history": 1, "attention_span": None}, "history 1"),
        ({"streaming": "recompute"}, "attention_span"),
        ({"attention_span": 1}, "attention_span"),
        ({"streaming": "streem"}, "stream"),
    ],
)
def test_settings_that_contradict_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        create("paligemma", **settings)
