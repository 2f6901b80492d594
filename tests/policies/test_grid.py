"""Every structure with every head: it trains and streams, or is refused when it is built, with the reason."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_policies import ACTION, CAMERAS, OBSERVATION, STATISTICS, seen

from robovlms.architectures.model import VLAConfig, structures
from robovlms.core.batch import Batch
from robovlms.core.config import validate
from robovlms.core.types import Observation
from robovlms.data.images import fit_image
from robovlms.policies.combinations import combinations, table
from robovlms.policies.create import RoboVLMs
from robovlms.policies.vla import VLA, VLAManifest

SAMPLING, WORDS = ("diffusion", "flow"), ("tokens", "fast")
BASES = ["paligemma", "idefics", "blip2-t5"]
"""A splice, a cross-attention and an encoder-decoder VLM."""
HISTORY, CHUNK, STEPS = 3, 4, 150


def settings(structure, head, family="paligemma"):
    history = 1 if structure.startswith("one_step") else HISTORY
    lengths = {"history": history, "chunk": CHUNK, "max_text_tokens": 64, "state_noise": 0.0}
    return {
        "backbone": {"path": f"tiny:{family}"},
        "architecture": {"kind": structure, **lengths},
        "head": {"kind": head, "draws": 16} if head in SAMPLING else {"kind": head},
    }


GRID = [(structure, head, reason) for structure, row in combinations().items() for head, reason in row.items()]
BUILT = [(structure, head) for structure, head, reason in GRID if reason is None]
USUAL = {(structure, config.usual_head) for structure, config in structures().items()}
CELLS = [(*cell, family) for cell in BUILT for family in BASES]


def slow_unless(quick):
    """All cells; those that are not ``quick`` run with the long checks."""
    return [pytest.param(*cell, marks=() if quick(*cell) else pytest.mark.slow) for cell in CELLS]


def usual_or_splice(structure, head, family):
    return family == BASES[0] or (structure, head) in USUAL


def usual_on_splice(structure, head, family):
    return family == BASES[0] and (structure, head) in USUAL


def create(structure, head, family="paligemma"):
    torch.manual_seed(0)
    model = validate(VLAConfig, settings(structure, head, family))
    manifest = VLAManifest(model=model, action_spec=ACTION, observation_spec=OBSERVATION)
    vla = VLA.create(manifest, {"robot": STATISTICS})
    vla.network.eval()
    return vla


def observed(vla, episode, step):
    """What an episode shows, in frames of the VLM's size."""
    one = seen(episode, step)
    return Observation({name: fit_image(image, vla.image_spec) for name, image in one.images.items()}, one.state)


def window(vla, episode, begin, step, sentence):
    """The window that ends at ``step`` of an episode whose sentence was given at ``begin``."""
    history = vla.manifest.model.architecture.history
    steps = range(step - history + 1, step + 1)
    frames = [observed(vla, episode, max(at, begin)) for at in steps]
    chunk = np.random.default_rng([ord(episode), step]).uniform(-1, 1, (1, history, CHUNK, 3)).astype(np.float32)
    chunk[..., 2] = chunk[..., 2] > 0
    return Batch(
        images={name: torch.from_numpy(np.stack([frame.images[name] for frame in frames])) for name in CAMERAS},
        frame_id=torch.arange(history),
        frame_index=torch.arange(history)[None],
        frame_valid=torch.tensor([[at >= begin for at in steps]]),
        instructions=(sentence,),
        instruction_index=torch.zeros(1, dtype=torch.long),
        state=torch.from_numpy(np.stack([frame.state for frame in frames]).astype(np.float32))[None],
        actions=torch.from_numpy(chunk),
        action_mask=torch.tensor([[at >= begin for at in steps]])[..., None].expand(1, history, CHUNK),
        dataset_id=torch.zeros(1, dtype=torch.long),
    )


@pytest.mark.parametrize(("structure", "head", "reason"), GRID)
def test_a_cell_is_refused_for_its_action_space_alone(structure, head, reason):
    """Token heads belong to discrete structures, all others to continuous ones; nothing else is refused."""
    fits = structure.endswith("_discrete") == (head in WORDS)
    assert (reason is None) == fits
    assert fits or "head" in reason


def test_the_documented_combinations_are_these():
    assert table() in (Path(__file__).parents[2] / "docs/structures.md").read_text()
    assert RoboVLMs({"size": "tiny"}).combinations == combinations()


@torch.no_grad()
def planned(vla, batch, generator):
    """The last step's chunk from whole windows."""
    return vla.network.plan(batch, noise=vla.network.head.draw([generator])).actions[0]


@pytest.mark.parametrize(("structure", "head", "family"), slow_unless(usual_or_splice))
def test_acting_a_frame_at_a_time_equals_the_window(structure, head, family):
    """Windows overflow, an instruction changes, an episode joins late, ends and begins anew in the same batch."""
    vla = create(structure, head, family)
    policy = vla.policy("first", batch_size=2)
    plans, begins, sentences, draws = {}, {}, {}, {}

    def begin(episode, step, sentence, new=True):
        begins[episode], sentences[episode] = step, sentence
        if new:
            draws[episode] = np.random.default_rng(step)
        (policy.start(episode, sentence, seed=step) if new else policy.instruct(episode, sentence))

    for step in range(2 * HISTORY):
        if step == 0:
            begin("a", step, "open drawer")
        if step == HISTORY + 1:
            begin("a", step, "shut drawer", new=False)
        if step in (2, 4):
            if step == 4:
                policy.stop("b")
            begin("b", step, "push the block")
        plans = policy.act({episode: observed(vla, episode, step) for episode in begins})
        for episode, decision in plans.items():
            batch = window(vla, episode, begins[episode], step, sentences[episode])
            expected = vla.normalizer().denormalize(planned(vla, batch, draws[episode]).numpy())
            assert np.abs(decision.plan.actions - expected).max() <= 1e-5, (step, episode)


def together(one, other):
    """Two windows as one batch."""
    rows = ("frame_valid", "state", "actions", "action_mask", "dataset_id")
    return Batch(
        images={name: torch.cat([one.images[name], other.images[name]]) for name in CAMERAS},
        frame_id=torch.arange(2 * len(one.frame_id)),
        frame_index=torch.cat([one.frame_index, other.frame_index + len(one.frame_id)]),
        instructions=(*one.instructions, *other.instructions),
        instruction_index=torch.tensor([0, 1]),
        **{name: torch.cat([getattr(one, name), getattr(other, name)]) for name in rows},
    )


@pytest.mark.parametrize(("structure", "head", "family"), slow_unless(usual_on_splice))
def test_a_cell_learns_a_batch_by_heart(structure, head, family):
    vla = create(structure, head, family)
    network = vla.network  # as when acting: dropout would only blur what is to be learned
    rate, steps = (1e-2, 400) if family == "blip2-t5" and head in WORDS else (3e-3, STEPS)  # T5's words are large
    windows = [window(vla, "a", 0, 4, "open drawer"), window(vla, "b", 3, 4, "shut drawer")]
    batch = together(*windows)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * min(1, 2 * (1 - step / steps))
        optimizer.zero_grad()
        network.loss(batch).total.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    chunks = torch.stack([planned(vla, one, np.random.default_rng(row)) for row, one in enumerate(windows)])
    largest = 0.1 if head in SAMPLING else 0.05
    assert (chunks - batch.actions[:, -1]).abs().mean() < largest
