"""The executor ``rtc`` hands a head the unplayed rest of the running plan, in the head's own units."""

import numpy as np
import pytest
from small_policies import CHUNK, seen, small

from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.evaluation.protocol import Protocol


@pytest.fixture
def policy_and_calls(monkeypatch):
    """A policy at rtc:3@2 whose head keeps what it was given to continue and what it answered."""
    vla, calls = small("cnn"), []
    head = vla.network.head
    predict = head.predict

    def continuing(features, noise, plan):
        answer = predict(features, noise)
        calls.append((plan, answer.actions))
        return answer

    monkeypatch.setattr(type(head), "continues_plans", True)
    monkeypatch.setattr(head, "predict", continuing)
    return vla.policy("rtc:3@2", batch_size=2), calls


def test_the_rest_of_the_plan_comes_back_normalised_with_its_frozen_rows(policy_and_calls):
    policy, calls = policy_and_calls
    policy.start("a", "open the drawer", seed=0)
    for step in range(9):
        policy.act({"a": seen("a", step)})
    assert len(calls) == 3  # plans of steps 0, 5 and 8
    (first, planned), (second, replanned), (third, _) = calls
    assert first.length.tolist() == [0, 0]
    assert first.weights().sum() == 0
    assert second.length.tolist() == [CHUNK - 3] * 2
    assert second.frozen.tolist() == [2, 2]
    # The first plan started from rest at step 2, so that at step 5 three of its rows were played; the second is for 5.
    assert np.allclose(second.actions[:, : CHUNK - 3], planned[:, 3:], atol=1e-5)
    assert np.allclose(third.actions[:, : CHUNK - 3], replanned[:, 3:], atol=1e-5)
    assert second.weights()[0, :2].tolist() == [1, 1]
    assert second.weights()[0, CHUNK - 3 :].tolist() == [0, 0, 0]


def test_rows_of_a_batch_continue_their_own_plans(policy_and_calls):
    policy, calls = policy_and_calls
    for name in "ab":
        policy.start(name, "open the drawer", seed=0)
    for step in range(5):
        policy.act({name: seen(name, step) for name in "ab"})
    policy.instruct("b", "close the drawer")
    policy.act({name: seen(name, 5) for name in "ab"})
    plan, _ = calls[-1]
    assert plan.length.tolist() == [CHUNK - 3, 0]
    assert np.allclose(plan.actions[0, : CHUNK - 3], calls[0][1][0, 3:], atol=1e-5)


def test_the_latency_is_part_of_what_an_evaluation_measures():
    settings = {"benchmark": "x", "scene": "A", "tasks": ["left"], "num_chains": 1, "chain_length": 1,
                "chain_digest": "x", "max_steps": 5}  # fmt: skip
    digests = {
        validate(Protocol, {**settings, "executor": text}).digest() for text in ("chunk:3", "chunk:3@1", "rtc:3@1")
    }
    assert len(digests) == 3
    with pytest.raises(UserError, match="after '@'"):
        validate(Protocol, {**settings, "executor": "chunk:3@0"})
