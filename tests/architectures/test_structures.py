"""Every structure: frames encoded once, padding and the future change nothing, acting equals the window."""

import dataclasses

import numpy as np
import pytest
import torch
from test_policy_head import ACTION, CHUNK, OBSERVATION, STATISTICS, frames, windows

from robovlms.architectures.model import VLAConfig, structures
from robovlms.core.batch import Batch
from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.core.types import Observation
from robovlms.policies.vla import VLA, VLAManifest

HISTORY = 3
OVER_WINDOWS = ("interleaved_continuous", "video_continuous")
EVERY = ("one_step_continuous", "policy_head_continuous", *OVER_WINDOWS)
FAMILIES = ("paligemma", "kosmos", "qwen_vl-3", "blip2-t5", "florence", "instructblip", "flamingo", "idefics")


def create(structure, family="paligemma", **architecture):
    torch.manual_seed(0)
    history = 1 if structure == "one_step_continuous" else HISTORY
    settings = {"kind": structure, "history": history, "chunk": CHUNK, "max_text_tokens": 64, **architecture}
    groups = {"backbone": {"path": f"tiny:{family}"}, "architecture": settings, "head": {"num_slots": 2, "hidden": 32}}
    model = validate(VLAConfig, groups)
    manifest = VLAManifest(model=model, action_spec=ACTION, observation_spec=OBSERVATION)
    vla = VLA.create(manifest, {"robot": STATISTICS})
    vla.network.eval()
    return vla


def fit(batch, vla):
    """The same windows in frames of the VLM's size, and as long as its history."""
    size, steps = vla.image_spec.size, vla.manifest.model.architecture.history
    nearest = torch.arange(size) * 32 // size
    images = {camera: image[:, nearest][:, :, nearest] for camera, image in batch.images.items()}
    whole = {name: getattr(batch, name)[:, -steps:] for name in ("frame_index", "frame_valid", "state", "actions")}
    return dataclasses.replace(batch, images=images, action_mask=batch.action_mask[:, -steps:], **whole)


def window_of(batch, vla, row, steps):
    """The last ``steps`` of a window, by itself."""
    part = {name: getattr(batch, name)[row : row + 1, -steps:] for name in ("frame_index", "frame_valid", "state")}
    labels = {name: getattr(batch, name)[row : row + 1, -steps:] for name in ("actions", "action_mask")}
    index, dataset = batch.instruction_index[row : row + 1], batch.dataset_id[row : row + 1]
    return dataclasses.replace(batch, instruction_index=index, dataset_id=dataset, **part, **labels)


def test_the_structures_and_their_usual_heads():
    discrete = ("one_step_discrete", "interleaved_discrete", "policy_head_discrete")
    assert set(structures()) == {*EVERY, *discrete}
    heads = {name: validate(VLAConfig, {"architecture": {"kind": name}}).head.kind for name in structures()}
    usual = dict.fromkeys(EVERY, "mlp") | dict.fromkeys(discrete, "tokens")
    assert heads == usual | {"policy_head_continuous": "lstm"}
    assert VLAConfig().architecture.kind == "policy_head_continuous"


@pytest.mark.parametrize("structure", EVERY)
def test_it_trains_all_its_parts_and_comes_back_from_its_checkpoint(structure, tmp_path):
    vla = create(structure)
    batch = fit(windows(), vla)
    vla.network.train()
    vla.loss(batch).total.backward()
    assert vla.network.slot_vectors.grad.abs().amax(dim=1).min() > 0
    for part in (vla.network.backbone.vision_tower, vla.network.backbone.text_tower, vla.network.state):
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())
    vla.network.eval()
    vla.save_pretrained(tmp_path)
    again = VLA.from_pretrained(tmp_path)
    assert again.manifest == vla.manifest
    with torch.no_grad():
        assert torch.equal(again.network.features(batch).slots, vla.network.features(batch).slots)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("structure", OVER_WINDOWS)
@torch.no_grad()
def test_a_padded_window_is_the_shorter_one_and_frames_are_seen_once(structure, family, monkeypatch):
    vla = create(structure, family)
    network, batch, seen = vla.network, fit(windows(), vla), []
    see = network.backbone.see
    monkeypatch.setattr(network.backbone, "see", lambda f, text=None: (seen.append(len(f)), see(f, text))[1])
    whole = network.features(batch)
    assert seen == [6]  # three frames, two cameras
    steps = whole.slots.shape[1]
    assert steps == (1 if structure == "video_continuous" else HISTORY)
    short = network.features(window_of(batch, vla, 0, 2))  # the first window's first frame is padding
    last = min(steps, 2)
    assert (whole.slots[:1, -last:] - short.slots).abs().max() <= 1e-5
    assert (whole.slots[1] - whole.slots[0]).abs().max() > 1e-3


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_no_step_of_a_sequence_sees_a_later_one(family):
    vla = create("interleaved_continuous", family)
    batch = fit(windows(), vla)
    before = vla.network.features(batch)
    state = batch.state.clone()
    state[1, -1] += 3.0
    images = {camera: image.clone() for camera, image in batch.images.items()}
    images["wrist"][-1] = 255 - images["wrist"][-1]  # the last frame of the second window, as its state
    after = vla.network.features(dataclasses.replace(batch, state=state, images=images))
    earlier = batch.frame_valid[:, :-1]
    assert (after.slots[:, :-1] - before.slots[:, :-1])[earlier].abs().max() <= 1e-5
    assert (after.slots[1, -1] - before.slots[1, -1]).abs().max() > 1e-3
    assert (before.slots[1, 1] - before.slots[1, 2]).abs().max() > 1e-3


@pytest.mark.parametrize("structure", OVER_WINDOWS)
@torch.no_grad()
def test_earlier_frames_and_the_instruction_are_read(structure):
    vla = create(structure)
    batch = fit(windows(), vla)
    plan = vla.network.head.predict(vla.network.features(batch)).actions[1]
    images = {camera: image.clone() for camera, image in batch.images.items()}
    images["static"][0] = 255 - images["static"][0]
    for changed in ({"images": images}, {"instructions": ("close the slider",)}):
        other = vla.network.head.predict(vla.network.features(dataclasses.replace(batch, **changed))).actions[1]
        assert (other - plan).abs().max() > 1e-4


@pytest.mark.parametrize("structure", EVERY)
@torch.no_grad()
def test_acting_frame_by_frame_equals_the_window_before_and_after_it_is_full(structure):
    """Two episodes of different length share the network; the window overflows."""
    vla = create(structure)
    history = vla.manifest.model.architecture.history
    pictures = frames(2 * HISTORY, seed=4)
    states = torch.randn(2 * HISTORY, 3, generator=torch.Generator().manual_seed(2))
    policy = vla.policy("first", batch_size=2)
    for name in "ab":
        policy.start(name, f"open drawer {name}", seed=0)
    for step in range(2 * HISTORY):
        names = "ab" if step % 2 == 0 else "a"
        images = {camera: picture[step].numpy() for camera, picture in pictures.items()}
        observation = Observation(images, states[step].numpy().astype(np.float64))
        planned = policy.act(dict.fromkeys(names, observation))["a"].plan.actions
        index = torch.arange(step - history + 1, step + 1)
        batch = Batch(
            images=pictures,
            frame_id=torch.arange(2 * HISTORY),
            frame_index=index.clamp(min=0)[None],
            frame_valid=(index >= 0)[None],
            instructions=("open drawer a",),
            instruction_index=torch.zeros(1, dtype=torch.long),
            state=states[index.clamp(min=0)][None],
            actions=torch.zeros(1, history, CHUNK, 3),
            action_mask=torch.ones(1, history, CHUNK, dtype=torch.bool),
            dataset_id=torch.zeros(1, dtype=torch.long),
        )
        windowed = vla.network.head.predict(vla.network.features(batch)).actions[0].numpy()
        assert np.abs(planned - vla.normalizer().denormalize(windowed)).max() <= 1e-5


@torch.no_grad()
def test_frames_encoded_beforehand_give_the_same_windows():
    vla = create("interleaved_continuous", "qwen_vl-3")
    batch = fit(windows(), vla)
    packed = torch.stack([vla.network.backbone.see(images).packed() for images in batch.images.values()], dim=1)
    kept = dataclasses.replace(batch, images={}, media=packed)
    assert (vla.network.features(kept).slots - vla.network.features(batch).slots).abs().max() <= 1e-5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "one_step_continuous", "history": 2}, "history"),
        ({"kind": "interleaved_continuous", "history": 0}, "history"),
        ({"kind": "interleaved_contiguous"}, "interleaved_continuous"),
        ({"kind": "video_continuous", "histroy": 3}, "Did you mean 'architecture.history'"),
    ],
)
def test_settings_a_structure_has_not_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        validate(VLAConfig, {"architecture": settings})


def test_a_window_longer_than_the_vlm_has_positions_for_is_refused():
    vla = create("interleaved_continuous")
    vla.network.backbone.config.text_config.max_position_embeddings = 40
    with pytest.raises(UserError, match="this VLM has 40 positions"):
        vla.network.features(fit(windows(), vla))
