"""Stopping against another policy: the same episodes for any workers, batch and order, and what compare makes of it."""

import json

import numpy as np
import pytest
from toy_policy import CHECKPOINT, ToyPolicy, Traced, toy_benchmark, toy_jobs, toy_protocol

from robovlms.cli import compare as command
from robovlms.cli.evaluate import evaluate as score
from robovlms.core.errors import UserError
from robovlms.core.types import Decision
from robovlms.evaluation.comparison import compare, compare_runs
from robovlms.evaluation.evaluate import run
from robovlms.evaluation.results import Checkpoint, Metric, build, load, mixed, write
from robovlms.evaluation.stopping import Rival
from robovlms.statistics.sequential import interval

NUM = 32
PROTOCOL, JOBS = toy_protocol(NUM), toy_jobs(NUM)


class Still(ToyPolicy):
    """Never moves, so it never solves a task."""

    def act(self, observations):
        return {name: Decision(0 * one.action) for name, one in super().act(observations).items()}


def evaluate(out, policy=None, *, protocol=PROTOCOL, **settings):
    settings = {"workers": 0, "checkpoint": CHECKPOINT, **settings}
    return run(policy or ToyPolicy(batch=protocol.batch), toy_benchmark(protocol, JOBS), out=out, **settings)


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    return evaluate(tmp_path_factory.mktemp("still"), Still(), checkpoint=Checkpoint("still", "still-1"))


def test_it_stops_once_it_is_known_which_is_better(tmp_path, still):
    found = evaluate(tmp_path, rival=Rival(still))
    assert found == load(tmp_path)
    assert found.stopped is not None
    assert (found.stopped.better, found.stopped.planned) == (True, NUM)
    assert (found.stopped.against, found.stopped.against_digest) == ("still", "still-1")
    assert found.stopped.after == len(found.episodes) < NUM
    first = sorted((job.id for job in JOBS), key=mixed)[: found.stopped.after]
    assert [one.id for one in found.episodes] == sorted(first)
    worse = evaluate(tmp_path / "worse", Still(), rival=Rival(evaluate(tmp_path / "whole")))
    assert worse.stopped is not None
    assert worse.stopped.better is False


def test_what_it_plays_is_what_a_whole_evaluation_plays(tmp_path, still):
    whole = {one.id: one for one in evaluate(tmp_path / "whole").episodes}
    stopped = evaluate(tmp_path / "stopped", rival=Rival(still))
    assert stopped.episodes == tuple(whole[one.id] for one in stopped.episodes)


def test_it_stops_alike_for_any_number_of_workers(tmp_path, still):
    files = []
    for workers in (0, 1, 2):
        evaluate(tmp_path / str(workers), rival=Rival(still), workers=workers)
        files.append((tmp_path / str(workers) / "results.json").read_bytes())
    assert files[0] == files[1] == files[2]


def test_it_stops_alike_for_any_batch(tmp_path, still):
    found = [
        evaluate(tmp_path / str(batch), protocol=PROTOCOL.model_copy(update={"batch": batch}), rival=Rival(still))
        for batch in (2, 16)
    ]
    assert found[0].stopped == found[1].stopped
    assert [one.id for one in found[0].episodes] == [one.id for one in found[1].episodes]


def test_the_order_in_which_episodes_end_does_not_matter(tmp_path, still):
    """Every arrival order stops at the same episode, once all before it have ended."""
    episodes = evaluate(tmp_path).episodes
    answers = set()
    for seed in range(20):
        arrived = list(np.random.default_rng(seed).permutation(len(episodes)))
        for count in range(1, len(arrived) + 1):
            found = Rival(still).decided(PROTOCOL, JOBS, [episodes[i] for i in arrived[:count]])
            if found:
                answers.add((found[0].after, *(one.id for one in found[1])))
                break
    assert len(answers) == 1


def test_stopping_and_going_on_give_what_an_unbroken_run_gives(tmp_path, still):
    stopped = evaluate(tmp_path, rival=Rival(still))
    policy = Traced(ToyPolicy())
    assert evaluate(tmp_path, policy, rival=Rival(still), resume=True) == stopped
    assert policy.trace == {}
    assert evaluate(tmp_path, resume=True) == evaluate(tmp_path / "unbroken")


def test_a_policy_forgets_the_episodes_that_were_under_way(tmp_path, still):
    policy = ToyPolicy()
    evaluate(tmp_path, policy, rival=Rival(still))
    assert policy.words == {}


def test_nothing_is_decided_between_a_policy_and_itself(tmp_path):
    whole = evaluate(tmp_path / "whole")
    again = evaluate(tmp_path / "again", rival=Rival(whole))
    assert again == whole
    assert "stopped" not in json.loads((tmp_path / "again/results.json").read_text())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scene": "B"}, "scene B against A"),
        ({"max_steps": 9}, "max_steps 9 against 25"),
    ],
)
def test_another_question_is_refused_before_anything_is_written(tmp_path, still, change, said):
    other = still.model_copy(update={"protocol": still.protocol.model_copy(update=change)})
    with pytest.raises(UserError, match=said):
        evaluate(tmp_path / "out", rival=Rival(other))
    assert not (tmp_path / "out").exists()


def test_other_episodes_are_refused(tmp_path, still):
    moved = still.episodes[3].model_copy(update={"initial_state": {"x": 9.0}})
    with pytest.raises(UserError, match="Episode toy-003 begins elsewhere"):
        evaluate(tmp_path / "out", rival=Rival(still.model_copy(update={"episodes": (moved,)})))
    with pytest.raises(UserError, match="none of these episodes"):
        evaluate(tmp_path / "out", rival=Rival(still.model_copy(update={"episodes": ()})))
    for alpha in (1.5, 1.0, 0.0, 1e-17, float("nan")):
        with pytest.raises(UserError, match=rf"alpha {alpha:g}, expected a share"):
            Rival(still, alpha=alpha)


def test_compare_says_so_and_its_intervals_hold_whenever_one_stops(tmp_path, still, capsys):
    evaluate(tmp_path / "a", Still(), checkpoint=Checkpoint("still", "still-1"))
    evaluate(tmp_path / "b", rival=Rival(still))
    stopped, whole = load(tmp_path / "b"), evaluate(tmp_path / "whole")
    found, fixed = compare(still, stopped), compare(still, whole)
    assert found.stopped
    assert not fixed.stopped
    assert found.num_pairs == stopped.stopped.after
    assert found.decided.n == found.num_pairs
    length = found.metrics["average_length"]
    assert length.separable
    assert length.p_value <= 0.05
    plain = compare(still, whole.model_copy(update={"episodes": stopped.episodes})).metrics["average_length"].difference
    assert length.difference.value == plain.value
    assert length.difference.low < plain.low
    command.compare(str(tmp_path / "a"), str(tmp_path / "b"))
    said = " ".join(capsys.readouterr().out.split())
    assert "until it was decided; intervals and p hold whenever one stops" in said
    assert f"B would have been known to be better after {found.num_pairs}" in said
    command.compare(str(tmp_path / "a"), str(tmp_path / "b"), json_=True)
    assert json.loads(capsys.readouterr().out)["stopped"] is True


def test_the_metrics_of_a_stopped_evaluation_hold_whenever_one_stops(tmp_path, still):
    stopped = evaluate(tmp_path, rival=Rival(still))
    order = sorted(stopped.episodes, key=lambda episode: mixed(episode.id))
    solved = np.array([episode.num_solved for episode in order])
    for name, scores, high in (("average_length", solved * 1.0, 5.0), ("success_1", (solved >= 1) * 1.0, 1.0)):
        assert stopped.metrics[name] == Metric.of(interval(scores, (0.0, high)))
    fixed = build(stopped.protocol, CHECKPOINT, stopped.episodes).metrics["average_length"]
    assert stopped.metrics["average_length"].value == fixed.value
    assert np.ptp(stopped.metrics["average_length"].ci95) > np.ptp(fixed.ci95)


def test_the_command_stops_and_says_so(tmp_path, still, capsys, monkeypatch):
    def play(checkpoint, out, benchmark, asked, *, rival, **how):
        return evaluate(out, Still() if checkpoint == "still" else ToyPolicy(), rival=rival)

    monkeypatch.setattr("robovlms.cli.scoring.score", play)
    write(still, tmp_path / "a.json")
    score("toy", out=tmp_path / "b", against=tmp_path / "a.json")
    after = load(tmp_path / "b").stopped.after
    assert f"Stopped after {after} of {NUM} episodes: this policy is better than that of {tmp_path}" in _said(capsys)
    score("still", out=tmp_path / "c", against=tmp_path / "a.json")
    assert f"All {NUM} episodes are played, and do not tell which is better" in _said(capsys)


def _said(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_a_stopped_evaluation_is_no_run_of_a_recipe(tmp_path, still):
    stopped = evaluate(tmp_path, rival=Rival(still))
    with pytest.raises(UserError, match="--resume without --against"):
        compare_runs([still, still], [stopped, stopped])
