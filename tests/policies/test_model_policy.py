"""A policy refuses a world that means something else, before anything moves or is written."""

import json

import numpy as np
import pytest
import torch

from robovlms.actions.statistics import ActionStatistics
from robovlms.architectures.film_cnn import FilmCNNConfig
from robovlms.architectures.model import CNNConfig
from robovlms.core.errors import SpecMismatch, UserError
from robovlms.core.types import Observation
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.results import Checkpoint
from robovlms.evaluation.tabletop import tabletop_benchmark, tabletop_protocol
from robovlms.heads.mlp import MLPConfig
from robovlms.policies.eyes import Eyes
from robovlms.policies.sound import require_frame, require_sentence
from robovlms.policies.vla import VLA, VLAManifest
from robovlms.worlds.tabletop.conventions import ACTION_SPEC, observation_spec

STATISTICS = ActionStatistics.of(np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32))


def make(action_spec=ACTION_SPEC, spec=None, history=1):
    torch.manual_seed(0)
    model = CNNConfig(
        architecture=FilmCNNConfig(chunk=4, channels=(8, 8, 8), width=16, text_width=8, history=history),
        head=MLPConfig(hidden=16),
    )
    manifest = VLAManifest(model=model, action_spec=action_spec, observation_spec=spec or observation_spec(64))
    return VLA.create(manifest, {"tabletop": STATISTICS})


def other_scale():
    first = ACTION_SPEC.components[0].model_copy(update={"scale": 0.02})
    return ACTION_SPEC.model_copy(update={"components": (first, *ACTION_SPEC.components[1:])})


def test_another_action_convention_is_refused_before_anything_is_written(tmp_path):
    policy = make(other_scale()).policy("chunk:2", batch_size=2)
    protocol = tabletop_protocol(num_chains=1, batch=2, executor="chunk:2")
    with pytest.raises(SpecMismatch, match=r"delta_position\.scale: 0\.02 against 0\.04"):
        run(policy, tabletop_benchmark(protocol), checkpoint=Checkpoint("x", "y"), out=tmp_path / "out", workers=0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((64, 64, 3), np.float32),
        np.full((64, 64, 3), np.nan),
        np.zeros((3, 64, 64), np.uint8),
        np.zeros((64, 64), np.uint8),
        np.zeros((64, 64, 4), np.uint8),
    ],
    ids=["floats", "NaN", "channels first", "grey", "alpha"],
)
def test_a_frame_that_is_no_rgb_bytes_is_refused(frame):
    with pytest.raises(UserError, match=r"frame of camera 'wrist' is .*, a policy wants uint8 RGB: height x width x 3"):
        require_frame(frame, "wrist")


def test_nothing_that_is_not_finite_is_seen_or_commanded():
    policy = make().policy("first", batch_size=1)
    policy.start("a", "open the drawer", seed=0)
    seen = looking()
    with pytest.raises(UserError, match=r"state of an observation has numbers that are not finite: .*nan"):
        policy.act({"a": Observation(seen.images, np.full_like(seen.state, np.nan))})
    policy.network.head.gripper.bias.data.fill_(torch.nan)
    with pytest.raises(UserError, match=r"planned action has numbers that are not finite: .*nan.* weights are damaged"):
        policy.act({"a": seen})


@pytest.mark.parametrize(("closed", "opened"), [(-1.0, 1.0), (1.0, 0.0), (0.08, 0.0)])
@pytest.mark.parametrize("executor", ["first", "ensemble:0"])
def test_the_gripper_is_commanded_to_exactly_open_or_closed(closed, opened, executor):
    changes = {"gripper_closed": closed, "gripper_open": opened}
    gripper = ACTION_SPEC.components[2].model_copy(update=changes)
    spec = ACTION_SPEC.model_copy(update={"components": (*ACTION_SPEC.components[:2], gripper)})
    policy = make(spec).policy(executor, batch_size=1)
    policy.start("a", "open the drawer", seed=0)
    for logit, expected in ((-0.3, closed), (-0.2, closed), (1.0, opened)):  # the ensemble's mean is just over one half
        policy.network.head.gripper.bias.data.fill_(logit)
        policy.network.head.gripper.weight.data.zero_()
        action = policy.act({"a": looking()})["a"].action
        assert action[6] == pytest.approx(expected, abs=1e-6)
        assert action.dtype == np.float32


def looking():
    images = {name: np.zeros((64, 64, 3), np.uint8) for name in ("static", "wrist")}
    return Observation(images, np.zeros(15))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda columns: {name: column[:6] for name, column in columns.items()}, "'tabletop'.*'gripper' is missing"),
        (lambda columns: columns | {"mean": [float("nan")] * 7}, "mean.0.*finite"),
        (lambda columns: {name: column for name, column in columns.items() if name != "q99"}, "q99"),
        (
            lambda columns: columns | {"q01": columns["q99"], "q99": columns["q01"]},
            "q01 .* is above q99 .* dimension 0",
        ),
        (lambda columns: columns | {"std": [*columns["std"][:6], -1.0]}, "std -1 is negative in dimension 6"),
    ],
)
def test_a_checkpoint_with_bad_statistics_is_refused_when_it_is_loaded(tmp_path, spoil, message):
    make().save_pretrained(tmp_path)
    path = tmp_path / "action_statistics.json"
    found = json.loads(path.read_text())["tabletop"]
    count = found.pop("count")
    path.write_text(json.dumps({"tabletop": spoil(found) | {"count": count}}))
    with pytest.raises(UserError, match=message):
        VLA.from_pretrained(tmp_path)
    path.write_text("{}")
    with pytest.raises(UserError, match="at least one embodiment"):
        VLA.from_pretrained(tmp_path)


def test_weights_that_are_not_finite_are_refused_when_they_are_loaded(tmp_path):
    vla = make()
    with torch.no_grad():
        vla.network.head.pose.bias[0] = torch.nan
    vla.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"head\.pose\.bias.*not finite"):
        VLA.from_pretrained(tmp_path)


def test_a_batch_of_nothing_and_a_negative_seed_are_refused():
    with pytest.raises(UserError, match="batch_size is 0"):
        make().policy("first", batch_size=0)
    with pytest.raises(UserError, match="seed of episode 'a' is -1"):
        make().policy("first", batch_size=1).start("a", "open the drawer", seed=-1)


def test_a_checkpoint_of_before_chains_still_loads(tmp_path):
    make().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"normalization": "mean_std"}))
    assert [one.kind for one in VLA.from_pretrained(tmp_path).manifest.normalization.default] == ["mean_std"]


def test_a_camera_the_world_lacks_is_refused():
    spec = observation_spec(64)
    cameras = (spec.cameras[0].model_copy(update={"name": "overhead"}),)
    policy = make(spec=spec.model_copy(update={"cameras": cameras})).policy("first", batch_size=1)
    with pytest.raises(SpecMismatch, match="overhead"):
        policy.bind(ACTION_SPEC, spec)


def test_state_columns_are_found_by_name():
    chosen = observation_spec(64).select(state=["gripper_action", "tcp_position"])
    eyes, seen = Eyes(make(spec=chosen), chosen), looking()
    eyes.bind(observation_spec(64))
    assert eyes.batch([seen], ["open the drawer"]).state[0, 0].tolist() == seen.state[[14, 0, 1, 2]].tolist()


def test_a_missing_camera_is_named():
    policy = make().policy("first", batch_size=1)
    policy.start("a", "open the drawer", seed=0)
    with pytest.raises(UserError, match="Camera 'static' is missing"):
        policy.act({"a": Observation({}, np.zeros(15))})


@pytest.mark.parametrize("executor", ["chunk:5", "chunk:4@1", "first@4", "ensemble:0.1@4"])
def test_a_plan_shorter_than_its_executor_is_refused(executor):
    with pytest.raises(UserError, match=f"'{executor}' needs plans of at least 5.*plans 4"):
        make().policy(executor, batch_size=1)


def test_a_head_that_cannot_continue_a_plan_is_refused():
    with pytest.raises(UserError, match="MLPHead"):
        make().policy("rtc:2@1", batch_size=1)


def test_images_are_asked_for_only_when_a_plan_is_due():
    policy = make().policy("chunk:3", batch_size=1)
    policy.start("a", "open the drawer", seed=0)
    images = {name: np.zeros((64, 64, 3), np.uint8) for name in ("static", "wrist")}
    asked = []
    for _ in range(7):
        asked.append(policy.needs_observation("a"))
        policy.act({"a": Observation(images if asked[-1] else {}, np.zeros(15))})
    assert asked == [True, False, False, True, False, False, True]


@pytest.mark.parametrize(
    ("executor", "most"), [("chunk:3", 2), ("chunk:4", 3), ("first", 0), ("ensemble:0.1", 0), ("chunk:3@1", 0)]
)
def test_what_is_decided_already_is_what_asking_at_each_step_gives(executor, most):
    """With a latency nothing is: the action that waits for a plan follows from the last one that was played."""
    ahead, asked = (make().policy(executor, batch_size=1) for _ in range(2))
    for policy in (ahead, asked):
        policy.start("a", "open the drawer", seed=0)
    longest = 0
    for _ in range(6):
        run = [ahead.act({"a": looking()})["a"], *iter(lambda: ahead.planned("a"), None)]
        assert ahead.needs_observation("a") or executor.endswith("@1")
        longest = max(longest, len(run) - 1)
        for decision in run:
            expected = asked.act({"a": looking()})["a"]
            np.testing.assert_array_equal(decision.action, expected.action)
            assert decision.confidence == expected.confidence
    assert longest == most


def test_a_state_of_another_length_is_refused_where_nothing_was_bound():
    spec = observation_spec(64)
    policy = make(spec=spec.select(state=["gripper_action", "tcp_position"])).policy("first", batch_size=1)
    policy.start("e", "open the drawer", seed=0)
    images = {camera.name: np.zeros((64, 64, 3), np.uint8) for camera in spec.cameras}
    with pytest.raises(UserError, match=r"15 numbers, this policy reads 4 \(gripper_action, tcp_position\)"):
        policy.act({"e": Observation(images=images, state=np.zeros(15, np.float32))})


@pytest.mark.parametrize("instruction", [None, b"open", ["open the drawer"]])
def test_an_instruction_that_is_no_sentence_is_refused(instruction):
    with pytest.raises(UserError, match=r"one sentence: got (NoneType|bytes|list) "):
        require_sentence(instruction)
    require_sentence("open the drawer")


def test_an_episode_that_was_not_started_is_refused():
    policy = make().policy("first", batch_size=1)
    policy.start("a", "open the drawer", seed=0)
    policy.stop("a")
    for use in (lambda: policy.act({"a": looking()}), lambda: policy.instruct("a", "close it")):
        with pytest.raises(UserError, match="Episode 'a' was never started, or was stopped"):
            use()
