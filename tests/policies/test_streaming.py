"""One frame a step gives the windows' answers, and an episode's own noise decides what it does."""

import numpy as np
import pytest
import torch

from robovlms.actions.normalize import ActionStatistics
from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.architectures.model import VLAConfig
from robovlms.architectures.policy_head import PolicyHeadConfig
from robovlms.backbones.load import BackboneConfig
from robovlms.core.batch import Batch
from robovlms.core.types import Observation
from robovlms.heads.diffusion import DiffusionConfig
from robovlms.heads.flow import FlowConfig
from robovlms.heads.gpt import GPTConfig
from robovlms.heads.lstm import LSTMConfig
from robovlms.heads.mlp import MLPConfig
from robovlms.policies.vla import VLA, VLAManifest

ACTION = ActionSpec(
    components=(
        ActionComponent(name="delta", dims=2, kind="delta_position"),
        ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1),
    ),
    rate_hz=10,
)
OBSERVATION = ObservationSpec(
    cameras=(Camera(name="static", height=32, width=32),), state=(StateComponent(name="tcp", dims=3),), rate_hz=10
)
STATISTICS = ActionStatistics.of(np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32))
HISTORY, CHUNK, TEXT = 3, 4, 40
SMALL = {"num_slots": 2, "width": 16, "num_layers": 1, "num_attention_heads": 2}
HEADS = {
    "lstm": (LSTMConfig(num_slots=2, hidden=16, recurrent=16), HISTORY),
    "gpt": (GPTConfig(**SMALL, hidden=16), HISTORY),
    "flow": (FlowConfig(**SMALL, sampling_steps=3), HISTORY),
    "diffusion": (DiffusionConfig(**SMALL, sampling_steps=3), HISTORY),
    "flow-memory": (FlowConfig(**SMALL, sampling_steps=3, attends="memory"), 1),
    "mlp": (MLPConfig(num_slots=2, hidden=16), 1),
}
SAMPLING = ["flow", "diffusion", "flow-memory"]


@pytest.fixture(scope="module")
def vlas(tiny_paligemma):
    made = {}
    for name, (head, history) in HEADS.items():
        torch.manual_seed(0)
        model = VLAConfig(
            backbone=BackboneConfig(path=str(tiny_paligemma)),
            architecture=PolicyHeadConfig(history=history, chunk=CHUNK, max_text_tokens=TEXT),
            head=head,
        )
        manifest = VLAManifest(model=model, action_spec=ACTION, observation_spec=OBSERVATION)
        made[name] = VLA.create(manifest, {"robot": STATISTICS})
        made[name].network.eval()
    return made


def observation(episode, step):
    rng = np.random.default_rng([ord(episode), step])
    return Observation({"static": rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)}, rng.normal(size=3))


def instruction(episode, number=0):
    return f"{('open', 'shut')[number]} drawer {episode}"


@torch.inference_mode()
def windowed(vla, episode, sentence, begin, step, generator):
    """What the network plans at ``step`` from the window since the sentence was given, at step ``begin``."""
    history = vla.manifest.model.architecture.history
    seen = [observation(episode, max(i, begin)) for i in range(step - history + 1, step + 1)]
    length = torch.arange(history)
    batch = Batch(
        images={"static": torch.from_numpy(np.stack([one.images["static"] for one in seen]))},
        frame_id=length,
        frame_index=length[None],
        frame_valid=(length + step - history + 1 >= begin)[None],
        instructions=(sentence,),
        instruction_index=torch.zeros(1, dtype=torch.long),
        state=torch.from_numpy(np.stack([one.state for one in seen]).astype(np.float32))[None],
        actions=torch.zeros(1, history, CHUNK, 3),
        action_mask=torch.zeros(1, history, CHUNK, dtype=torch.bool),
        dataset_id=torch.zeros(1, dtype=torch.long),
    )
    head = vla.network.head
    planned = head.predict(vla.network.features(batch), head.draw([generator])).actions[0]
    return vla.normalizer().denormalize(planned.numpy())


@pytest.mark.parametrize("name", HEADS)
def test_one_frame_a_step_equals_the_window(name, vlas):
    """Windows overflow, an instruction changes, episodes begin and end at different steps, and one begins anew."""
    vla = vlas[name]
    policy = vla.policy("first", batch_size=4)
    lives = {"a": (0, 9), "b": (2, 7), "c": (4, 9), "b2": (8, 9)}
    begins, sentences, generators, largest = {}, {}, {}, 0.0
    for step in range(9):
        for life, (first, _) in lives.items():
            if first == step:
                begins[life], sentences[life] = step, instruction(life[0])
                generators[life] = np.random.default_rng(first)
                policy.start(life[0], sentences[life], seed=first)
        if step == 5:
            begins["a"], sentences["a"] = step, instruction("a", 1)
            policy.instruct("a", sentences["a"])
        playing = [life for life, (first, last) in lives.items() if first <= step < last]
        decisions = policy.act({life[0]: observation(life[0], step) for life in playing})
        for life in playing:
            expected = windowed(vla, life[0], sentences[life], begins[life], step, generators[life])
            largest = max(largest, float(np.abs(decisions[life[0]].plan.actions - expected).max()))
            if step == lives[life][1] - 1:
                policy.stop(life[0])
    assert largest <= 1e-5


def play(vla, episodes, seeds, batch_size=4, steps=6, executor="chunk:2"):
    policy = vla.policy(executor, batch_size=batch_size)
    actions, sure = {e: [] for e in episodes}, {e: [] for e in episodes}
    for episode in episodes:
        policy.start(episode, instruction(episode), seed=seeds[episode])
    for step in range(steps):
        for episode, decision in policy.act({e: observation(e, step) for e in episodes}).items():
            actions[episode].append(decision.action)
            sure[episode].append(decision.confidence)
    return {e: np.stack(a) for e, a in actions.items()}, sure


@pytest.mark.parametrize("name", SAMPLING)
def test_a_seed_decides_alone_or_in_company(name, vlas):
    seeds = {"a": 1, "b": 2, "c": 3}
    together, _ = play(vlas[name], "abc", seeds)
    alone, _ = play(vlas[name], "c", seeds)
    other, _ = play(vlas[name], "c", {"c": 4})
    assert np.array_equal(together["c"], alone["c"])
    assert np.abs(other["c"] - alone["c"]).max() > 1e-3


def test_a_head_that_samples_nothing_ignores_the_seed(vlas):
    one, other = (play(vlas["lstm"], "c", {"c": seed})[0]["c"] for seed in (1, 2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("name", HEADS)
def test_every_head_says_how_sure_it_is(name, vlas):
    _, sure = play(vlas[name], "ab", {"a": 0, "b": 0})
    for values in sure.values():
        known = values if name in SAMPLING else values[2:]
        assert len(known) in (4, 6)
        assert all(0 <= value <= 1 for value in known)
        assert known == values or values[:2] == [None, None]  # nothing to compare the first plan with


def test_plans_that_share_no_action_cannot_be_compared(vlas):
    _, sure = play(vlas["lstm"], "a", {"a": 0}, executor="chunk:4", steps=8)
    assert sure["a"] == [None] * 8
