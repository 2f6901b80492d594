"""The policy-head structure: shared frames are encoded once, and answers do not depend on how frames are shared."""

import dataclasses

import numpy as np
import pytest
import torch

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.actions.statistics import ActionStatistics
from robovlms.architectures.model import CNNConfig, VLAConfig
from robovlms.backbones.load import BackboneConfig
from robovlms.core.batch import Batch
from robovlms.core.errors import UserError
from robovlms.core.types import Observation
from robovlms.heads.lstm import LSTMConfig
from robovlms.policies.vla import VLA, VLAManifest

ACTION = ActionSpec(
    components=(
        ActionComponent(name="delta", dims=2, kind="delta_position"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1),
    ),
    rate_hz=10,
)
OBSERVATION = ObservationSpec(
    cameras=(Camera(name="static", height=32, width=32), Camera(name="wrist", height=32, width=32)),
    state=(StateComponent(name="tcp", dims=3),),
    rate_hz=10,
)
STATISTICS = ActionStatistics.of(np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32))
HISTORY, CHUNK = 3, 4


@pytest.fixture(scope="module")
def vla(tiny_paligemma):
    torch.manual_seed(0)
    architecture = {"history": HISTORY, "chunk": CHUNK, "max_text_tokens": 40}
    model = VLAConfig(
        backbone=BackboneConfig(path=str(tiny_paligemma)),
        architecture=VLAConfig.model_fields["architecture"].annotation(**architecture),
        head=LSTMConfig(num_slots=2, hidden=32, recurrent=16),
    )
    made = VLA.create(VLAManifest(model=model, action_spec=ACTION, observation_spec=OBSERVATION), {"robot": STATISTICS})
    made.network.eval()
    return made


def frames(count, seed=0):
    rng = np.random.default_rng(seed)
    return {c: torch.from_numpy(rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)) for c in ("static", "wrist")}


def windows() -> Batch:
    """Two overlapping windows of one episode, the first left-padded."""
    index = torch.tensor([[0, 0, 1], [0, 1, 2]])
    state = torch.randn(3, 3, generator=torch.Generator().manual_seed(0))[index]
    return Batch(
        images=frames(3),
        frame_id=torch.arange(3),
        frame_index=index,
        frame_valid=torch.tensor([[False, True, True], [True, True, True]]),
        instructions=("open the drawer",),
        instruction_index=torch.zeros(2, dtype=torch.long),
        state=state,
        actions=torch.rand(2, 3, CHUNK, 3),
        action_mask=torch.ones(2, 3, CHUNK, dtype=torch.bool),
        dataset_id=torch.zeros(2, dtype=torch.long),
    )


def test_a_shared_frame_is_encoded_once(vla, monkeypatch):
    rows = []
    think = vla.network.backbone.think
    monkeypatch.setattr(vla.network.backbone, "think", lambda s, c=None: (rows.append(len(s.embeds)), think(s, c))[1])
    features = vla.network.features(windows())
    assert rows == [3]
    assert features.slots.shape == (2, HISTORY, 2, 24)
    assert torch.equal(features.slots[0, 1], features.slots[1, 0])


@torch.no_grad()
def test_sharing_frames_never_changes_an_answer(vla):
    batch = windows()
    flat = batch.frame_index.flatten()
    apart = dataclasses.replace(
        batch,
        images={name: image[flat] for name, image in batch.images.items()},
        frame_id=torch.arange(6),
        frame_index=torch.arange(6).view(2, 3),
    )
    assert (vla.network.features(batch).slots - vla.network.features(apart).slots).abs().max() <= 1e-5
    assert vla.loss(batch).total.item() == pytest.approx(vla.loss(apart).total.item(), abs=1e-5)


@torch.no_grad()
def test_a_frame_is_seen_once_for_each_instruction_where_the_text_matters(vla, monkeypatch):
    backbone, plain = vla.network.backbone, vla.network.features(windows()).slots
    see = backbone.see

    def see_by_text(images, text):
        media = see(images)
        return dataclasses.replace(media, tokens=media.tokens + text.ids.float().std(dim=1)[:, None, None])

    monkeypatch.setattr(type(backbone), "sees_by_text", True)
    monkeypatch.setattr(backbone, "see", see_by_text)
    batch = windows()
    texts, index = ("open the drawer", "shut the window"), torch.arange(2)
    both = vla.network.features(dataclasses.replace(batch, instructions=texts, instruction_index=index)).slots
    for row, text in enumerate(texts):
        alone = vla.network.features(dataclasses.replace(batch, instructions=(text,))).slots
        assert (both[row] - alone[row]).abs().max() <= 1e-5
    assert (both[0] - plain[0]).abs().max() > 1e-4


@torch.no_grad()
def test_acting_frame_by_frame_equals_the_window(vla):
    batch = windows()
    policy = vla.policy("first", batch_size=3)
    policy.start("a", "open the drawer", seed=0)
    for step in range(3):
        images = {name: image[step].numpy() for name, image in batch.images.items()}
        observation = Observation(images, batch.state[1, step].numpy().astype(np.float64))
        decision = policy.act({"a": observation})["a"]
    windowed = vla.normalizer().denormalize(vla.network.head.predict(vla.network.features(batch)).actions[1].numpy())
    assert np.abs(decision.plan.actions - windowed).max() <= 1e-5


def test_episodes_sharing_a_batch_never_change_an_action(vla):
    def play(names, batch_size):
        policy = vla.policy("chunk:2", batch_size=batch_size)
        actions = {name: [] for name in names}
        for name in names:
            policy.start(name, f"open drawer {name}", seed=0)
        for step in range(5):
            pictures = {name: frames(1, seed=100 * step + ord(name)) for name in names}
            seen = {
                name: Observation({c: p[0].numpy() for c, p in picture.items()}, np.full(3, step / 5.0))
                for name, picture in pictures.items()
            }
            for name, decision in policy.act(seen).items():
                actions[name].append(decision.action)
        return {name: np.stack(a) for name, a in actions.items()}

    together, alone = play("abcde", 4), play("c", 4)
    assert np.array_equal(together["c"], alone["c"])


def test_a_new_instruction_starts_a_new_history(vla):
    policy = vla.policy("first", batch_size=1)
    pictures = [{c: f[0].numpy() for c, f in frames(1, seed=s).items()} for s in range(2)]
    policy.start("a", "open", seed=0)
    policy.act({"a": Observation(pictures[0], np.zeros(3))})
    policy.instruct("a", "close")
    after = policy.act({"a": Observation(pictures[1], np.zeros(3))})["a"].action
    policy.start("b", "close", seed=0)
    fresh = policy.act({"b": Observation(pictures[1], np.zeros(3))})["b"].action
    assert np.array_equal(after, fresh)


def test_saved_and_loaded_is_the_same_policy(vla, tmp_path):
    vla.save_pretrained(tmp_path / "checkpoint")
    again = VLA.from_pretrained(tmp_path / "checkpoint")
    batch = windows()
    assert torch.equal(again.network.features(batch).slots, vla.network.features(batch).slots)
    assert again.manifest == vla.manifest
    assert again.statistics == vla.statistics
    assert not list((tmp_path / "checkpoint").rglob("*.bin")) + list((tmp_path / "checkpoint").rglob("*.pt"))


def test_weights_that_do_not_fit_are_listed(vla, tmp_path):
    from safetensors.torch import load_file, save_file

    vla.save_pretrained(tmp_path / "checkpoint")
    weights = load_file(str(tmp_path / "checkpoint" / "model.safetensors"))
    weights["surplus"] = weights.pop("slot_vectors")
    save_file(weights, str(tmp_path / "checkpoint" / "model.safetensors"))
    with pytest.raises(UserError, match=r"missing \['slot_vectors'\], unexpected \['surplus'\]"):
        VLA.from_pretrained(tmp_path / "checkpoint")


def test_the_cnn_baseline_has_the_same_face():
    torch.manual_seed(0)
    observation = OBSERVATION.model_copy(
        update={"cameras": tuple(c.model_copy(update={"height": 64, "width": 64}) for c in OBSERVATION.cameras)}
    )
    made = VLA.create(
        VLAManifest(model=CNNConfig(), action_spec=ACTION, observation_spec=observation), {"robot": STATISTICS}
    )
    rng = np.random.default_rng(0)
    images = {c: rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for c in ("static", "wrist")}
    policy = made.policy("first", batch_size=2)
    policy.start("a", "open the drawer", seed=0)
    assert policy.act({"a": Observation(images, np.zeros(3))})["a"].action.shape == (3,)


@pytest.mark.parametrize("state_in", ["prompt", "head", "both"])
def test_the_state_reaches_the_action_whichever_way_it_goes(state_in, tiny_paligemma):
    torch.manual_seed(0)
    model = VLAConfig(
        backbone=BackboneConfig(path=str(tiny_paligemma)),
        architecture=VLAConfig.model_fields["architecture"].annotation(state_in=state_in, max_text_tokens=40),
        head=LSTMConfig(hidden=32, recurrent=16),
    )
    network = model.build(ACTION, OBSERVATION).eval()
    batch = windows()
    features = network.features(batch)
    assert (features.state is None) == (state_in == "prompt")
    moved = network.head.predict(network.features(dataclasses.replace(batch, state=batch.state + 1.0))).actions
    assert not torch.allclose(moved, network.head.predict(features).actions)
    assert (network.features(dataclasses.replace(batch, state=batch.state + 1.0)).slots == features.slots).all() == (
        state_in == "head"
    )


def test_sentences_a_policy_could_not_act_on_are_refused_before_training(vla):
    vla.network.require_readable(["open it"])
    with pytest.raises(UserError, match="max_text_tokens"):
        vla.network.require_readable(["open it", "word " * 60])
