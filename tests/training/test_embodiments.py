"""One run over robots with different actions, cameras and state: each keeps its own conventions from data to acting."""

import numpy as np
import pytest
import torch

from robovlms.actions.spec import ActionComponent, ActionSpec, Camera, ObservationSpec, StateComponent
from robovlms.core.config import validate
from robovlms.core.errors import SpecMismatch, UnknownName, UserError
from robovlms.core.types import Episode, Observation
from robovlms.data.lerobot.writer import LeRobotWriter
from robovlms.data.store.build import open_sources
from robovlms.evaluation.open_loop import open_loop
from robovlms.policies.vla import VLA
from robovlms.training.experiment import Experiment
from robovlms.training.run import make_task, prepare, run

SIZE = 32
GRIPPER = ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=-1, gripper_open=1)
DELTA = ActionSpec(components=(GRIPPER, ActionComponent(name="delta", dims=2, kind="delta_position")), rate_hz=10)
JOINTS = ActionSpec(
    components=(ActionComponent(name="joints", dims=4, kind="joint_position", low=None, high=None),), rate_hz=20
)


def observed(cameras: tuple[str, ...], state: int, rate: float) -> ObservationSpec:
    found = tuple(Camera(name=name, height=SIZE, width=SIZE) for name in cameras)
    return ObservationSpec(cameras=found, state=(StateComponent(name="own", dims=state),), rate_hz=rate)


ARM, DUAL = observed(("front",), 3, 10), observed(("top", "side"), 2, 20)


def write(path, actions: ActionSpec, observation: ObservationSpec, scale: float):
    rng = np.random.default_rng(0)
    with LeRobotWriter(path, actions, observation) as writer:
        for number in range(6):
            moved = rng.uniform(-1, 1, (8, actions.dims)).astype(np.float32) * scale
            if actions.gripper:
                moved[:, 0] = np.sign(moved[:, 0])
            images = {name: rng.integers(0, 255, (8, SIZE, SIZE, 3), np.uint8) for name in observation.camera_names}
            state = rng.normal(5, 0.1, (8, observation.state_dims)).astype(np.float32)
            writer.add(Episode(images, state, moved, f"{path.name} {number % 2}", "task"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robots")
    write(folder / "arm", DELTA, ARM, 1.0)
    write(folder / "dual", JOINTS, DUAL, 3.0)
    return folder


def experiment(data, model=None, **changes) -> Experiment:
    entries = [{"kind": "lerobot", "path": str(data / n), "embodiment": n, "holdout": 0.2} for n in ("arm", "dual")]
    settings = {"batch_size": 8, "steps": 2, "augment": {"shift_px": 0}} | changes
    model = model or {"kind": "cnn_gru", "architecture": {"chunk": 3, "history": 2}}
    return validate(Experiment, {"name": "robots", "model": model, "data": entries, "training": settings})


def vla_model(architecture: str, **head) -> dict:
    model = {"kind": "vla", "backbone": {"path": "tiny:paligemma"}}
    model["architecture"] = {"kind": architecture, "chunk": 3, "max_text_tokens": 64}
    return model | ({"head": head} if head else {})


def prepared(data, tmp_path, model=None):
    config = experiment(data, model)
    vla, store = prepare(config, open_sources(config.data), tmp_path)
    return config, vla, store, make_task(config, tmp_path, False, vla, store)


def test_robots_that_differ_are_refused_unless_both_are_named(data):
    config = experiment(data).data
    with pytest.raises(SpecMismatch, match=r"name the embodiment of both"):
        open_sources([config[0], config[1].model_copy(update={"embodiment": None})])
    with pytest.raises(SpecMismatch, match="rate_hz: 10 against 20"):
        open_sources([entry.model_copy(update={"embodiment": "same"}) for entry in config])


def test_labels_are_each_robots_own_actions(data, tmp_path):
    _, vla, store, task = prepared(data, tmp_path)
    assert vla.manifest.action_spec.dims == 5  # four pose dimensions, then the gripper
    seen = set()
    for batch, _ in zip(task.train(0, 0, 1), range(4), strict=False):
        for row, dataset in enumerate(batch.dataset_id):
            name = store.datasets[dataset]
            frame = int(batch.frame_id[batch.frame_index[row, -1]])
            back = vla.normalizer(name).denormalize(batch.actions[row, -1, 0])
            np.testing.assert_allclose(back, store.actions_of(name, np.array([frame]))[0], atol=1e-5)
            assert batch.action_columns[row].tolist() == [True] * (2 if name == "arm" else 4) + [False] * (
                2 if name == "arm" else 0
            ) + [name == "arm"]
            assert not batch.actions[row][..., ~batch.action_columns[row]].any()
            assert batch.cameras[row].tolist() == [True, name == "dual"]
            assert batch.state[row].isnan().any(dim=0).tolist() == [False, False, name == "dual"]
            seen.add(name)
    assert seen == {"arm", "dual"}


@pytest.mark.parametrize("head", ["mlp", "lstm", "gpt"])
def test_columns_a_robot_does_not_have_teach_nothing(data, tmp_path, head):
    architecture = "one_step_continuous" if head == "mlp" else "policy_head_continuous"
    _, vla, _, task = prepared(data, tmp_path, vla_model(architecture, kind=head))
    batch = next(iter(task.train(0, 0, 1)))
    network = vla.network.eval()
    features = network.features(batch)
    given = (features, batch.actions, batch.action_mask, batch.action_columns)
    loss = network.head.loss(*given).total
    garbage = torch.where(batch.action_columns[:, None, None], batch.actions, 7.0)
    assert network.head.loss(features, garbage, *given[2:]).total == loss
    everything = torch.ones_like(batch.action_columns)
    assert network.head.loss(features, garbage, batch.action_mask, everything).total > loss


@pytest.mark.parametrize("kind", ["policy_head_continuous", "interleaved_continuous", "video_continuous"])
def test_a_camera_a_robot_does_not_have_is_not_seen(data, tmp_path, kind):
    model = vla_model(kind)
    model["architecture"]["history"] = 2
    _, vla, store, task = prepared(data, tmp_path, model)
    batch = next(iter(task.train(0, 0, 1)))
    arm = batch.dataset_id == store.datasets.index("arm")
    assert not arm.all()
    network = vla.network.eval()
    with torch.no_grad():
        before = network.features(batch).slots
        second = list(batch.images)[1]
        batch.images[second].add_(100)
        after = network.features(batch).slots
    torch.testing.assert_close(after[arm], before[arm])
    assert not torch.allclose(after[~arm], before[~arm])


@pytest.mark.parametrize(
    "model",
    [
        None,
        vla_model("one_step_continuous", kind="flow", width=32, num_layers=1, num_attention_heads=2),
        vla_model("one_step_discrete", kind="tokens"),
    ],
    ids=["cnn", "flow", "tokens"],
)
def test_each_robot_acts_in_its_own_conventions(data, tmp_path, model):
    config = experiment(data, model)
    run(config, tmp_path / "run")
    vla = VLA.from_pretrained(tmp_path / "run")
    with pytest.raises(UserError, match="knows 2 embodiments; say which one: arm, dual"):
        vla.policy("chunk:2")
    with pytest.raises(UnknownName, match="Did you mean 'dual'"):
        vla.policy("chunk:2", embodiment="duel")
    for name, action, observation in (("arm", DELTA, ARM), ("dual", JOINTS, DUAL)):
        policy = vla.policy("chunk:2", embodiment=name, batch_size=2)
        policy.bind(action, observation)
        policy.start("e", "go", seed=0)
        image = np.full((SIZE, SIZE, 3), 90, np.uint8)
        seen = Observation(dict.fromkeys(observation.camera_names, image), np.full(observation.state_dims, 5.0))
        for _ in range(3):
            decision = policy.act({"e": seen})["e"]
        assert decision.action.shape == (action.dims,)
        statistics = vla.statistics[name]
        assert (decision.plan.actions[:, -1] <= np.array(statistics.q99)[-1] * 4).all()
        if name == "arm":
            assert decision.action[0] in (-1, 1)
    with pytest.raises(SpecMismatch, match="The checkpoint and the world"):
        vla.policy("chunk:2", embodiment="arm").bind(JOINTS, DUAL)


def test_open_loop_errors_are_of_the_columns_a_robot_has(data, tmp_path):
    _, vla, store, _ = prepared(data, tmp_path)
    values = {entry.name: entry.value for entry in open_loop(vla, store)}
    assert set(values) == {"model", "mean", "repeat_last"}
    means = []
    for number, name in enumerate(store.datasets):
        normalizer, table = vla.normalizer(name), store.episodes
        mine = np.flatnonzero(table.dataset_ids == number)
        own = {held: [int(e) for e in mine if table.held_out[e] == held] for held in (True, False)}
        label = lambda rows: normalizer.normalize(store.actions_of(name, rows))[:, normalizer.present]  # noqa: B023, E731
        mean = label(store.frames_of(own[False])).mean(axis=0)
        means += [np.abs(label(store.frames_of([episode])) - mean).mean() for episode in own[True]]
    assert values["mean"] == pytest.approx(np.mean(means), rel=1e-4)


def test_normalisation_may_name_a_component_that_one_robot_has(data, tmp_path):
    config = experiment(data)
    chosen = config.model_dump() | {"normalization": {"components": {"joints": "identity"}}}
    run(validate(Experiment, chosen), tmp_path / "run")
    vla = VLA.from_pretrained(tmp_path / "run")
    own = np.array([[1.0, -2.0, 3.0, 0.5]])
    np.testing.assert_allclose(vla.normalizer("dual").normalize(own)[:, :4], own)
    with pytest.raises(UnknownName, match="Did you mean 'joints'"):
        run(validate(Experiment, chosen | {"normalization": {"components": {"joint": "clip"}}}), tmp_path / "other")
