import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robovlms.actions.normalize import ActionStatistics, Normalizer
from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.core.config import validate
from robovlms.core.errors import UserError


def make_spec(closed=-1.0, opened=1.0):
    return ActionSpec(
        components=(
            ActionComponent(name="position", dims=3, kind="delta_position", unit="m", scale=0.04),
            ActionComponent(name="rotation", dims=3, kind="delta_rotation", unit="rad", rotation="euler_xyz"),
            ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=closed, gripper_open=opened),
        ),
        rate_hz=10,
    )


values = st.floats(-100, 100, width=32, allow_subnormal=False)
actions = st.integers(1, 30).flatmap(lambda n: hnp.arrays(np.float64, (n, 7), elements=values))
methods = st.sampled_from(["quantile", "min_max", "mean_std", "identity"])


@settings(max_examples=200, deadline=None)
@given(seen=actions, new=actions, method=methods)
def test_the_inverse_is_exact_also_outside_the_seen_range(seen, new, method):
    normalizer = Normalizer(make_spec(), ActionStatistics.of(seen), method)
    back = normalizer.denormalize(normalizer.normalize(new))
    np.testing.assert_allclose(back, new, rtol=1e-12, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(seen=actions, method=methods)
def test_numpy_and_torch_agree(seen, method):
    normalizer = Normalizer(make_spec(), ActionStatistics.of(seen), method)
    ours = normalizer.normalize(seen)
    assert ours.dtype == seen.dtype
    assert np.isfinite(ours).all()
    theirs = normalizer.normalize(torch.from_numpy(seen))
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-12)
    np.testing.assert_allclose(normalizer.denormalize(theirs).numpy(), normalizer.denormalize(ours), rtol=1e-12)


def test_quantiles_become_plus_and_minus_one():
    seen = np.random.default_rng(0).normal(3.0, 2.0, (1000, 7))
    statistics = ActionStatistics.of(seen)
    normalizer = Normalizer(make_spec(), statistics)
    for quantile, target in ((statistics.q01, -1), (statistics.q99, 1)):
        np.testing.assert_allclose(normalizer.normalize(np.array([quantile]))[0, :6], target, atol=1e-5)
    assert np.abs(normalizer.normalize(seen)[:, :6]).max() > 1  # never clipped


def test_min_max_and_mean_std():
    seen = np.random.default_rng(0).normal(3.0, 2.0, (1000, 7))
    ranged = Normalizer(make_spec(), ActionStatistics.of(seen), "min_max").normalize(seen)[:, :6]
    np.testing.assert_allclose([ranged.min(0), ranged.max(0)], [[-1] * 6, [1] * 6], atol=1e-5)
    standard = Normalizer(make_spec(), ActionStatistics.of(seen), "mean_std").normalize(seen)[:, :6]
    np.testing.assert_allclose([standard.mean(0), standard.std(0)], [[0] * 6, [1] * 6], atol=1e-5)


@pytest.mark.parametrize(("closed", "opened"), [(-1.0, 1.0), (1.0, -1.0), (0.0, 1.0), (1.0, 0.0), (0.08, 0.0)])
@pytest.mark.parametrize("method", ["quantile", "min_max", "mean_std", "identity"])
def test_the_gripper_is_zero_closed_one_open_whatever_the_statistics(closed, opened, method):
    seen = np.random.default_rng(0).normal(size=(50, 7))
    normalizer = Normalizer(make_spec(closed, opened), ActionStatistics.of(seen), method)
    poses = np.zeros((2, 7))
    poses[:, 6] = closed, opened
    normal = normalizer.normalize(poses)
    np.testing.assert_allclose(normal[:, 6], [0, 1], atol=1e-7)
    np.testing.assert_allclose(normalizer.denormalize(normal), poses, atol=1e-7)


def test_constant_and_nearly_constant_dimensions():
    seen = np.zeros((1000, 7))
    seen[:, 0] = 0.3  # constant
    seen[:3, 1] = 0.5  # both quantiles are 0, yet it moves
    normal = Normalizer(make_spec(), ActionStatistics.of(seen)).normalize(seen)
    np.testing.assert_allclose(normal[:, 0], 0, atol=1e-6)
    assert set(np.round(normal[:, 1], 5)) == {-1.0, 1.0}


def test_a_dimension_that_rarely_moves_gives_no_huge_labels():
    seen = np.random.default_rng(0).normal(0, 1e-3, (1000, 7))
    seen[:5, 4] = 1.0
    normal = Normalizer(make_spec(), ActionStatistics.of(seen)).normalize(seen)
    assert 15 < np.abs(normal[:, 4]).max() <= 20


def test_methods_can_differ_by_component():
    seen = np.random.default_rng(0).normal(size=(100, 7))
    normalizer = Normalizer(make_spec(), ActionStatistics.of(seen), "quantile", {"rotation": "identity"})
    normal = normalizer.normalize(seen)
    np.testing.assert_array_equal(normal[:, 3:6], seen[:, 3:6])
    assert (normal[:, :3] != seen[:, :3]).all()


def test_statistics_survive_json():
    statistics = ActionStatistics.of(np.random.default_rng(0).normal(size=(100, 7)))
    assert validate(ActionStatistics, statistics.model_dump(mode="json")) == statistics
    assert ActionStatistics.model_validate_json(statistics.canonical()) == statistics


def test_bad_input_says_what_to_do():
    statistics = ActionStatistics.of(np.zeros((3, 6)))
    with pytest.raises(UserError, match="got 6 dimensions, expected 7"):
        Normalizer(make_spec(), statistics)
    with pytest.raises(UserError, match="needs two different values"):
        Normalizer(make_spec(1.0, 1.0), ActionStatistics.of(np.zeros((3, 7))))
    with pytest.raises(UserError, match="at least one action"):
        ActionStatistics.of(np.zeros((0, 7)))
