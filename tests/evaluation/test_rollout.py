"""Rollouts: the same episodes for any number of workers, and worlds that die."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest
from toy_policy import PlanningToyPolicy, ToyPolicy, Traced, toy_factory, toy_jobs
from toy_world import ACTION_SPEC, ToyWorld

from robovlms.core.errors import UserError, WorkFailed
from robovlms.core.types import Decision
from robovlms.evaluation.episode import Player, Rules
from robovlms.evaluation.host import Look
from robovlms.evaluation.rollout import Rollouts
from robovlms.evaluation.workers import open_workers
from robovlms.policies.scripted import scripted_baseline

RULES = Rules(max_steps=25, instruction_split="validation")


def play(jobs, num_workers, policy=None, factory=None, batch=4, on_result=None, pool=None):
    policy = policy or ToyPolicy(batch=batch)
    pool = pool or open_workers(factory or toy_factory(), RULES, num_workers)
    results = []
    try:
        for result in Rollouts(policy, pool, jobs, RULES.max_steps, batch=batch, seed=7).run():
            results.append(result)
            if on_result:
                on_result(pool, results)
    finally:
        pool.close()
    return results


@pytest.fixture(scope="module")
def traced():
    policy = Traced(ToyPolicy())
    return play(toy_jobs(23), 0, policy), policy.trace


@pytest.fixture(scope="module")
def reference(traced):
    return traced[0]


def test_the_toy_is_neither_hopeless_nor_easy(reference):
    assert len({result.num_solved for result in reference}) > 2
    assert all(result.status == "ok" for result in reference)


@pytest.mark.parametrize("num_workers", [1, 2])
def test_any_number_of_workers_gives_the_same_episodes_in_the_same_order(traced, num_workers):
    policy = Traced(ToyPolicy())
    assert (play(toy_jobs(23), num_workers, policy), policy.trace) == traced


def test_a_world_for_each_episode_gives_the_same_and_parks_nothing(traced, monkeypatch):
    restore, policy = ToyWorld.restore, Traced(ToyPolicy())

    def only_to_look(world, snapshot, render=True):
        assert render, "an episode was parked"
        return restore(world, snapshot, render)

    monkeypatch.setattr(ToyWorld, "restore", only_to_look)
    assert (play(toy_jobs(23), 0, policy, replace(toy_factory(), shared=False)), policy.trace) == traced


def test_other_episodes_do_not_matter_beyond_noise(reference):
    """Any subset, in any place of the batch: equal here to the last bit, since steps and successes are discrete."""
    by_id = {result.id: result for result in reference}
    jobs = toy_jobs(23)
    for subset in (jobs[3:4], jobs[11:17][::-1], jobs[:2] + jobs[20:]):
        assert all(result == by_id[result.id] for result in play(subset, 0))


def test_row_position_in_the_batch_is_noise():
    world = ToyWorld()
    seen = [world.reset({"x": float(i)}, 0) for i in range(4)]
    plans = []
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [0]):
        policy = ToyPolicy(executor="first")
        for i in order:
            policy.start(f"e{i}", "go left", seed=i)
        plans.append(policy.act({f"e{i}": seen[i] for i in order})["e0"].action)
    np.testing.assert_allclose(plans[1], plans[0], rtol=1e-5)
    np.testing.assert_allclose(plans[2], plans[0], rtol=1e-5)


def test_batches_are_full_while_jobs_last():
    policy = ToyPolicy(batch=4)
    play(toy_jobs(40), 0, policy)
    assert np.mean(policy.fills) > 3.5
    assert not policy.words  # every episode was stopped


def test_worlds_are_rendered_only_when_a_plan_is_due():
    world = ToyWorld()
    player = Player(world, RULES)
    policy = ToyPolicy(executor="chunk:3")
    turn = player.begin(toy_jobs(1)[0])
    assert not turn.rendered
    policy.start("e", turn.instruction, seed=0)
    turn, num_steps = player.look(), 0
    while turn.result is None and turn.instruction is None:
        action = policy.act({"e": turn.observation})["e"].action
        turn = player.act([action], policy.needs_observation("e"))
        num_steps += 1
    assert num_steps > 3
    assert world.num_renders == 1 + num_steps // 3


def test_a_policy_that_never_looks_never_renders(monkeypatch):
    observe = ToyWorld._observe

    def unseen(self, render):
        assert not render
        return observe(self, render)

    monkeypatch.setattr(ToyWorld, "_observe", unseen)
    results = play(toy_jobs(6), 0, scripted_baseline("random", ACTION_SPEC))
    assert len(results) == 6


@pytest.mark.parametrize("num_workers", [0, 2])
def test_steps_that_are_decided_are_played_without_asking_to_the_same_results(reference, num_workers, monkeypatch):
    acts, act = [], PlanningToyPolicy.act
    monkeypatch.setattr(PlanningToyPolicy, "act", lambda self, seen: acts.append(len(seen)) or act(self, seen))
    policy = PlanningToyPolicy()
    found = play(toy_jobs(23), num_workers, policy)
    assert sorted(found, key=lambda one: one.id) == sorted(reference, key=lambda one: one.id)
    assert acts == policy.fills  # it was only asked for plans
    assert sum(acts) < 0.5 * sum(task.steps for one in found for task in one.tasks)


def test_steps_that_are_decided_are_not_drawn(monkeypatch):
    drawn, observe = [], ToyWorld._observe
    monkeypatch.setattr(ToyWorld, "_observe", lambda self, render: drawn.append(render) or observe(self, render))
    counts = []
    for policy in (ToyPolicy(), PlanningToyPolicy()):
        drawn.clear()
        play(toy_jobs(23), 0, policy)
        counts.append(sum(drawn))
    assert counts[0] == counts[1] > 0


def test_only_the_first_picture_of_an_episode_is_asked_for(reference):
    """What a success interrupts is drawn with it: asking takes another round, in which the policy waits."""
    pool, looks = open_workers(toy_factory(), RULES, 0), []
    send = pool.send
    pool.send = lambda commands: looks.extend(isinstance(one, Look) for one in commands.values()) or send(commands)
    play(toy_jobs(23), 0, PlanningToyPolicy(), pool=pool)
    assert sum(looks) == 23
    assert sum(one.num_solved for one in reference) > 23  # some were interrupted


def test_control_steps_are_counted_as_they_are_played(reference):
    counted, pool = [], open_workers(toy_factory(), RULES, 0)
    jobs, policy = toy_jobs(23), PlanningToyPolicy()
    list(Rollouts(policy, pool, jobs, RULES.max_steps, batch=4, seed=7, on_steps=counted.append).run())
    assert sum(counted) == sum(task.steps for one in reference for task in one.tasks)


class Endless(ToyPolicy):
    """Has decided every step there will ever be."""

    def act(self, observations):
        return {episode: self.push(episode) for episode in observations}

    def push(self, episode):
        return Decision(np.array([0.1 if "right" in self.words[episode] else -0.1, 0.0]))


class EndlessPlanning(Endless):
    num_taken = 0

    def planned(self, episode):
        self.num_taken += 1
        assert self.num_taken < 10_000, "taken for ever"
        return self.push(episode)


def test_no_more_steps_are_taken_than_a_task_may_have():
    """A policy that plans without end, such as one that plays a recording."""
    jobs, policy = toy_jobs(6), EndlessPlanning()
    found, asked = ({one.id: one for one in play(jobs, 0, who)} for who in (policy, Endless()))
    assert found == asked
    assert policy.num_taken > 0


class Sure(ToyPolicy):
    """Sure of every second step, and less with every step since the instruction."""

    def start(self, episode, instruction, *, seed):
        super().start(episode, instruction, seed=seed)
        self.steps = {**getattr(self, "steps", {}), episode: 0}

    def instruct(self, episode, instruction):
        super().instruct(episode, instruction)
        self.steps[episode] = 0

    def act(self, observations):
        made = {}
        for episode, decision in super().act(observations).items():
            number = self.steps[episode]
            made[episode] = replace(decision, confidence=None if number % 2 else 1 / (1 + number))
            self.steps[episode] += 1
        return made


class SurePlanning(Sure):
    """Says with what it has decided already how sure it is."""

    def planned(self, episode):
        return None if self.executor.due(episode) else self.act({episode: None})[episode]


@pytest.mark.parametrize("policy", [Sure, SurePlanning])
def test_each_attempt_keeps_its_own_mean_confidence(reference, policy):
    results = play(toy_jobs(23), 0, policy())
    for result in results:
        for task in result.tasks:
            expected = np.mean([1 / (1 + number) for number in range(0, task.steps, 2)])
            assert task.confidence == pytest.approx(expected, abs=1e-6)
    assert {task.confidence for result in reference for task in result.tasks} == {None}


def test_chains_follow_the_rules(reference):
    for result in reference:
        assert [task.success for task in result.tasks[:-1]] == [True] * (len(result.tasks) - 1)
        assert len(result.tasks) == 5 or not result.tasks[-1].success
        for task in result.tasks:
            assert task.failure == (None if task.success else "timeout")
            assert task.success or task.steps == RULES.max_steps
    said = {task.instruction for result in reference for task in result.tasks}
    assert said == {"go left", "move to the left", "go right"}


def test_a_killed_worker_changes_nothing(reference):
    killed = []

    def kill_once(pool, results):
        if len(results) == 5 and not killed:
            killed.append(pool.process_ids[0])
            os.kill(killed[0], signal.SIGKILL)

    results = play(toy_jobs(23), 2, on_result=kill_once)
    assert killed
    assert sorted(results, key=lambda r: r.id) == sorted(reference, key=lambda r: r.id)


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (3,)


def test_workers_that_never_start_end_the_work_with_the_reason():
    with pytest.raises(WorkFailed, match=r"do not start: the worker process died \(exit code 3\)"):
        play(toy_jobs(2), 1, factory=toy_factory(error=Deadly()))


def test_bad_input_of_a_world_is_the_users():
    with pytest.raises(UserError, match="no such scene"):
        play(toy_jobs(2), 1, factory=toy_factory(error=UserError("no such scene")))
    with pytest.raises(UserError, match="workers"):
        open_workers(toy_factory(), RULES, -1)


class NanPolicy:
    def start(self, episode, instruction, *, seed): ...
    def instruct(self, episode, instruction): ...
    def stop(self, episode): ...

    def needs_observation(self, episode):
        return False

    def act(self, observations):
        return {episode: Decision(np.full(2, np.nan, np.float32)) for episode in observations}


def test_nan_actions_stop_the_evaluation():
    with pytest.raises(WorkFailed, match="not finite in episode toy-000"):
        play(toy_jobs(1), 0, NanPolicy())


@pytest.mark.parametrize("confidence", [float("nan"), 1.5, -0.1])
def test_a_confidence_that_no_result_can_hold_stops_the_evaluation(confidence):
    class Unsure(ToyPolicy):
        def act(self, observations):
            return {name: replace(one, confidence=confidence) for name, one in super().act(observations).items()}

    with pytest.raises(WorkFailed, match=f"confidence in episode toy-000 is {confidence}, expected 0 to 1"):
        play(toy_jobs(1), 0, Unsure())
