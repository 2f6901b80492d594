"""results.json: metrics by hand, a round trip, and files that are not what they should be."""

import json

import pytest

from robovlms.core.config import validate
from robovlms.core.errors import CorruptData, UserError
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint, EpisodeResult, TaskResult, build, load, write
from robovlms.statistics.intervals import wilson

PROTOCOL = Protocol(
    benchmark="toy", scene="A", tasks=("a", "b"), num_chains=5, chain_length=5, chain_digest="0", max_steps=9
)
CHECKPOINT = Checkpoint(path="baseline:zero", digest="abc")


def episode(number, solved, status="ok"):
    tasks = tuple(
        TaskResult(task="a", instruction="do a", success=i < solved, steps=3, failure=None if i < solved else "timeout")
        for i in range(min(solved + 1, 5))
    )
    return EpisodeResult(id=f"toy-{number:04d}", initial_state={"x": 1}, seed=number, status=status, tasks=tasks)


def results():
    episodes = [episode(n, solved) for n, solved in enumerate([0, 5, 2, 1])]
    return build(PROTOCOL, CHECKPOINT, [episode(4, 0, "infrastructure_error"), *reversed(episodes)])


def test_metrics_by_hand():
    metrics = results().metrics
    assert [metrics[f"success_{i}"].value for i in range(1, 6)] == [0.75, 0.5, 0.25, 0.25, 0.25]
    assert metrics["average_length"].value == 2.0
    assert metrics["success"] == metrics["success_5"]
    assert metrics["success_1"].ci95 == (wilson(3, 4).low, wilson(3, 4).high)
    assert {metric.n for metric in metrics.values()} == {4}


def test_infrastructure_errors_are_counted_apart():
    assert results().num_infrastructure_errors == 1
    assert build(PROTOCOL, CHECKPOINT, [episode(0, 0, "infrastructure_error")]).metrics == {}


def test_round_trip(tmp_path):
    write(results(), tmp_path / "results.json")
    assert load(tmp_path) == load(tmp_path / "results.json") == results()
    raw = json.loads((tmp_path / "results.json").read_text())
    assert [entry["id"] for entry in raw["episodes"]] == [f"toy-{n:04d}" for n in range(5)]
    assert raw["protocol_digest"] == PROTOCOL.digest()
    assert set(raw["metrics"]["average_length"]) == {"value", "ci95", "n"}
    assert raw["versions"]["mujoco"]
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def too_long(data):
    episode = data["episodes"][0]
    return data | {"episodes": [episode | {"tasks": episode["tasks"][:1] * 6}]}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: "{", "not valid JSON"),
        (lambda data: [], "got list at the top"),
        (lambda data: data | {"schema_version": 7}, "schema_version 7"),
        (lambda data: {k: v for k, v in data.items() if k != "metrics"}, "field 'metrics'"),
        (lambda data: data | {"episodes": [{"id": "x"}]}, "field 'episodes.0.initial_state'"),
        (lambda data: data | {"episodes": data["episodes"][:1] * 2}, "episode toy-0000 is there twice"),
        (too_long, r"episode toy-0000 has 6 tasks, expected 5 at most"),
    ],
)
def test_damaged_files(tmp_path, damage, message):
    data = damage(results().model_dump(mode="json"))
    path = tmp_path / "results.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    with pytest.raises(CorruptData, match=message):
        load(path)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load(tmp_path / "nothing.json")


def test_protocol_digest_follows_every_field():
    data = PROTOCOL.model_dump()
    changed = {"scene": "B", "batch": 8, "seed": 1, "executor": "chunk:2", "tasks": ("b", "a"), "num_chains": 6}
    digests = {validate(Protocol, {**data, name: value}).digest() for name, value in changed.items()}
    assert len(digests | {PROTOCOL.digest()}) == len(changed) + 1


def test_protocol_refuses_nonsense():
    with pytest.raises(UserError, match="executor"):
        validate(Protocol, {**PROTOCOL.model_dump(), "executor": "chunk:0"})
    with pytest.raises(UserError, match="num_chains"):
        validate(Protocol, {**PROTOCOL.model_dump(), "num_chains": 0})
