"""Acting with a history: a plan reads what training would have shown it, for any executor, stride and company."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policies import seen, small, window

SIXTEEN = {"history": 16, "stride": 1}
RHYTHMS = [
    ("first", {"history": 3, "stride": 1}),
    ("chunk:4", {"history": 3, "stride": 4}),
    ("chunk:6", {"history": 3, "stride": 2}),
    ("chunk:3", {"history": 4, "stride": 2}),  # every other plan is made between the strides of the first
    ("chunk:2@2", {"history": 3, "stride": 3}),
    ("ensemble:0.1@1", {"history": 3, "stride": 2}),
    ("first", SIXTEEN),
    ("chunk:5", SIXTEEN),
]
STEPS = 22


@pytest.mark.parametrize(("executor", "sizes"), RHYTHMS)
@torch.no_grad()
def test_a_plan_reads_the_frames_training_would_show_it(executor, sizes):
    vla = small("cnn_gru", **sizes)
    policy, stride = vla.policy(executor, batch_size=2), sizes["stride"]
    policy.start("a", "open the drawer", seed=0)
    planned = 0
    for step in range(STEPS):
        due = policy.executor.due("a")
        looked = policy.needs_observation("a")
        assert looked or not due
        observation = seen("a", step)
        if not looked:
            observation.images.clear()  # what was not asked for is not rendered
        decision = policy.act({"a": observation})["a"]
        if due:
            planned += 1
            steps = [step - back * stride for back in range(sizes["history"]) if step >= back * stride][::-1]
            batch = window("a", steps, sizes["history"])
            expected = vla.normalizer().denormalize(
                vla.network.head.predict(vla.network.features(batch)).actions[0].numpy()
            )
            assert np.abs(decision.plan.actions - expected).max() <= 1e-5
    assert planned >= 3


@pytest.mark.parametrize(
    ("executor", "sizes", "expected"),
    [
        ("first", {"history": 4, "stride": 1}, [1] * STEPS),
        ("chunk:6", {"history": 4, "stride": 6}, [step % 6 == 0 for step in range(STEPS)]),
        ("chunk:6", {"history": 2, "stride": 2}, [step % 6 in (0, 4) for step in range(STEPS)]),
        ("chunk:4", {"history": 9, "stride": 6}, [step % 2 == 0 for step in range(STEPS)]),
    ],
)
def test_only_frames_that_a_plan_will_read_are_encoded_and_each_once(executor, sizes, expected):
    vla, rows = small("cnn_gru", **sizes), []
    encoder = vla.network.cameras["static"]
    encoder.register_forward_pre_hook(lambda module, inputs: rows.append(len(inputs[0])))
    policy = vla.policy(executor, batch_size=1)
    policy.start("a", "open the drawer", seed=0)
    counts = []
    for step in range(STEPS):
        before = len(rows)
        policy.act({"a": seen("a", step)})
        counts.append(sum(rows[before:]))
    assert counts == [int(count) for count in expected]


def test_a_new_instruction_or_episode_forgets_the_frames():
    policy = small("cnn_gru", history=3, stride=2).policy("chunk:3", batch_size=1)
    plans = {}
    for name in ("a", "ab", "ac"):
        policy.start(name, "open" if name == "a" else "close", seed=0)
    for step in range(5):
        policy.act({"a": seen("a", step)})
    policy.instruct("a", "close")
    policy.act({"ab": seen("a", 0)})
    policy.stop("ab")
    policy.start("ab", "close", seed=0)
    for name in ("a", "ab", "ac"):
        plans[name] = policy.act({name: seen("a", 5)})[name].plan.actions
    assert np.array_equal(plans["a"], plans["ac"])
    assert np.array_equal(plans["ab"], plans["ac"])


POLICIES = {
    "first": small("cnn_gru", history=3, stride=1),
    "chunk:3": small("cnn_gru", history=3, stride=2),
    "chunk:2@2": small("cnn_gru", history=2, stride=3),
    "ensemble:0.2@1": small("act"),
}
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("act"), st.sets(st.sampled_from("abcdef"), min_size=1)),
        st.tuples(st.sampled_from(["instruct", "restart", "stop"]), st.sampled_from("abcdef")),
    ),
    min_size=4,
    max_size=14,
)


@pytest.mark.parametrize("executor", POLICIES)
@given(events=EVENTS)
@settings(max_examples=12, deadline=None)
def test_company_never_changes_an_action(executor, events):
    """Six episodes that start, change their minds and end at random, four rows at a time: the same as each alone."""

    def play(names):
        policy = POLICIES[executor].policy(executor, batch_size=4)
        steps, actions = {}, {name: [] for name in names}
        for number, (event, whom) in enumerate(events):
            for name in sorted(set(whom) & set(names)):
                if event == "stop" and name in steps:
                    policy.stop(name)
                    del steps[name]
                elif event == "restart" or name not in steps:
                    policy.start(name, f"task {name}", seed=ord(name))
                    steps[name] = 0
                elif event == "instruct":
                    policy.instruct(name, f"task {name} {number}")
            acting = [name for name in sorted(whom) if name in steps] if event == "act" else []
            if acting:
                decisions = policy.act({name: seen(name, steps[name]) for name in acting})
                for name in acting:
                    actions[name].append(decisions[name].action)
                    steps[name] += 1
        return actions

    together = play("abcdef")
    for name in "abcdef":
        alone = play([name])[name]
        assert len(alone) == len(together[name])
        assert all(np.array_equal(one, other) for one, other in zip(alone, together[name], strict=True))
