"""Two evaluations, paired: by hand, in any order, and what may not be paired."""

import json
import re

import pytest
from scipy.stats import ttest_ind

from robovlms.cli import compare as command
from robovlms.core.errors import UserError
from robovlms.evaluation.comparison import compare, compare_runs
from robovlms.evaluation.protocol import Protocol
from robovlms.evaluation.results import Checkpoint, EpisodeResult, TaskResult, build, write

PROTOCOL = Protocol(
    benchmark="toy", scene="A", tasks=("a", "b"), num_chains=4, chain_length=2, chain_digest="0", max_steps=9
)
CHECKPOINT = Checkpoint("x", "y")


def episode(number, solved, status="ok", state=1):
    tasks = tuple(
        TaskResult(task="a", instruction=f"do {i}", success=i < solved, steps=3) for i in range(min(solved + 1, 2))
    )
    return EpisodeResult(id=f"toy-{number}", initial_state={"x": state}, seed=number, status=status, tasks=tasks)


def results(*solved, **protocol):
    episodes = [episode(number, tasks) for number, tasks in enumerate(solved)]
    return build(PROTOCOL.model_copy(update=protocol), CHECKPOINT, episodes)


def test_differences_by_hand():
    found = compare(results(0, 1, 2, 0), results(1, 2, 2, 1))
    length = found.metrics["average_length"]
    assert (length.first, length.second, length.difference.value) == (0.75, 1.5, 0.75)
    assert (found.metrics["success_1"].first, found.metrics["success_1"].second) == (0.5, 1.0)
    assert found.metrics["success_1"].p_value == 0.5  # two episodes gained, none lost
    assert found.metrics["success"] == found.metrics["success_2"]
    assert (found.num_pairs, found.left_out, found.settings) == (4, 0, {})


def test_the_other_way_round_is_the_opposite():
    one, other = results(0, 1, 2, 0, 1, 2), results(1, 2, 2, 1, 0, 2)
    there, back = compare(one, other).metrics, compare(other, one).metrics
    for name in there:
        assert there[name].difference.value == -back[name].difference.value
        assert there[name].difference.low == pytest.approx(-back[name].difference.high, abs=0.2)
        assert there[name].p_value == back[name].p_value


def test_only_episodes_of_both_count():
    broken = build(PROTOCOL, CHECKPOINT, [episode(0, 2), episode(1, 0, "infrastructure_error"), episode(2, 1)])
    found = compare(results(1, 1, 1, 1, num_chains=4, chain_digest="longer"), broken)
    assert (found.num_pairs, found.left_out) == (2, 2)
    assert found.metrics["average_length"].difference.value == 0.5


def test_recipes_are_compared_by_their_runs():
    """Welch's interval over the runs' scores, whatever the episodes."""
    one, other = [results(0, 1), results(1, 1)], [results(2, 1), results(2, 2), results(1, 2)]
    length = compare_runs(one, other).metrics["average_length"]
    expected = ttest_ind([1.5, 2.0, 1.5], [0.5, 1.0], equal_var=False)
    assert (length.first, length.second) == (0.75, pytest.approx(5 / 3))
    assert length.p_value == pytest.approx(expected.pvalue)
    assert (length.difference.low, length.difference.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert compare_runs(one, other).num_runs == (2, 3)
    assert not compare_runs([one[1]] * 2, [one[1]] * 2).metrics["success_1"].separable
    with pytest.raises(UserError, match="1 and 2 results"):
        compare_runs(one[:1], one)


def test_a_policy_may_be_played_in_another_way():
    found = compare(results(1, 2, executor="first"), results(1, 2, executor="chunk:2"))
    assert found.settings == {"executor": ("first", "chunk:2")}


def test_settings_of_one_benchmark_are_compared_from_the_same_initial_states():
    """What something new costs; with new sentences, too, and never where anything else was asked."""
    new = results(0, 1, 2, 1, setting="novel_skill_description", instruction_split="novel")
    said = [
        one.model_copy(update={"tasks": tuple(t.model_copy(update={"instruction": "else"}) for t in one.tasks)})
        for one in new.episodes
    ]
    new = build(new.protocol, CHECKPOINT, said)
    found = compare(results(2, 2, 2, 1), new)
    assert found.metrics["average_length"].difference.value == -0.75
    assert found.settings["setting"] == ("simple", "novel_skill_description")
    with pytest.raises(UserError, match="tasks 2 of them against 1 of them"):
        compare(results(1), results(1, setting="unseen_object", tasks=("a",)))
    with pytest.raises(UserError, match="toy-0 is not the same"):
        compare(results(0, 1), build(PROTOCOL.model_copy(update={"setting": "unseen_object"}), CHECKPOINT, said))


def test_the_simple_setting_leaves_protocols_as_they_were():
    assert "setting" not in PROTOCOL.canonical()
    assert PROTOCOL.digest() == PROTOCOL.model_copy(update={"setting": "simple"}).digest()
    new = PROTOCOL.model_copy(update={"setting": "unseen_object"})
    assert new.digest() != PROTOCOL.digest()
    assert Protocol.model_validate(new.model_dump(mode="json")) == new


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (results(1, 1, scene="B"), "scene A against B"),
        (results(1, 1, tasks=("a",)), "tasks 2 of them against 1 of them"),
        (results(1, 1, instruction_split="train"), "instruction_split validation against train"),
        (build(PROTOCOL, CHECKPOINT, [episode(0, 1, state=2)]), "toy-0 is not the same"),
        (build(PROTOCOL, CHECKPOINT, [episode(7, 1)]), "no episode in common"),
    ],
)
def test_what_measured_something_else_is_refused(other, said):
    with pytest.raises(UserError, match=said):
        compare(results(1, 1), other)


def test_the_command_says_which_is_better_and_prints_json(tmp_path, capsys):
    (tmp_path / "b").mkdir()
    write(results(*[0] * 20), tmp_path / "a.json")
    write(results(*[2] * 19, 0), tmp_path / "b/results.json")
    command.compare(str(tmp_path / "a.json"), str(tmp_path / "b"))
    assert "B is better than A: B - A is average length +1.90" in " ".join(capsys.readouterr().out.split())
    command.compare(str(tmp_path / "a.json"), str(tmp_path / "a.json"))
    assert "Not separable" in capsys.readouterr().out
    command.compare(str(tmp_path / "a.json"), str(tmp_path / "b"), json_=True)
    record = json.loads(capsys.readouterr().out)
    assert record["metrics"]["success_1"]["separable"] is True
    assert (record["n"], record["runs"]) == (20, [1, 1])


def test_single_tasks_are_compared_by_success_alone(tmp_path, capsys):
    for name, solved in (("a", 0), ("b", 1)):
        chains = [episode(number, solved) for number in range(20)]
        single = [chain.model_copy(update={"tasks": chain.tasks[:1]}) for chain in chains]
        write(build(PROTOCOL.model_copy(update={"chain_length": 1}), CHECKPOINT, single), tmp_path / f"{name}.json")
    command.compare(str(tmp_path / "a.json"), str(tmp_path / "b.json"))
    said = " ".join(capsys.readouterr().out.split())
    assert "B is better than A: B - A is success +100 [" in said
    assert "in a row" not in said


def test_a_pattern_names_several_runs(tmp_path, capsys):
    for seed in range(2):
        write(results(1, seed), tmp_path / f"a-{seed}.json")
        write(results(2, 2 - seed), tmp_path / f"b-{seed}.json")
    command.compare(str(tmp_path / "a-*"), str(tmp_path / "b-*"))
    assert "2 runs against 2, on 2 episodes" in capsys.readouterr().out
    with pytest.raises(UserError, match="c-"):
        command.compare(str(tmp_path / "a-*"), str(tmp_path / "c-*"))
    for nonsense in ("runs/a**b", "~nobody-is-called-so/a"):
        with pytest.raises(UserError, match=re.escape(nonsense)):
            command.compare(nonsense, str(tmp_path / "b-*"))
