"""Every component gets its scaling, the gripper its two values, and settings that cannot work are refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robovlms.actions.normalize import NormalizationConfig, Normalizer
from robovlms.actions.scaling import KINDS, Clip, Identity, MuLaw, Quantile
from robovlms.actions.spec import ActionComponent, ActionSpec
from robovlms.actions.statistics import ActionStatistics
from robovlms.core.config import validate
from robovlms.core.errors import UnknownName, UserError


def make_spec(closed=-1.0, opened=1.0):
    return ActionSpec(
        components=(
            ActionComponent(name="position", dims=3, kind="delta_position", unit="m", scale=0.04),
            ActionComponent(name="rotation", dims=3, kind="delta_rotation", unit="rad", rotation="euler_xyz"),
            ActionComponent(name="gripper", dims=1, kind="gripper", gripper_closed=closed, gripper_open=opened),
        ),
        rate_hz=10,
    )


def make(seen, normalization="quantile", **components):
    config = {"default": normalization, "components": components}
    return Normalizer(make_spec(), ActionStatistics.of(seen), validate(NormalizationConfig, config))


values = st.floats(-100, 100, width=32, allow_subnormal=False)
actions = st.integers(1, 30).flatmap(lambda n: hnp.arrays(np.float64, (n, 7), elements=values))
unclipped = st.sampled_from(["quantile", "min_max", "mean_std", "identity", "affine"])
NORMAL = np.random.default_rng(0).normal(3.0, 2.0, (1000, 7))


@settings(max_examples=100, deadline=None)
@given(seen=actions, new=actions, method=unclipped)
def test_the_inverse_is_exact_also_outside_the_seen_range(seen, new, method):
    normalizer = make(seen, method)
    back = normalizer.denormalize(normalizer.normalize(new))
    np.testing.assert_allclose(back, new, rtol=1e-12, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(seen=actions, method=st.sampled_from(KINDS))
def test_numpy_and_torch_agree(seen, method):
    normalizer = make(seen, method)
    ours = normalizer.normalize(seen)
    assert ours.dtype == seen.dtype
    assert np.isfinite(ours).all()
    theirs = normalizer.normalize(torch.from_numpy(seen))
    np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-12)
    np.testing.assert_allclose(
        normalizer.denormalize(theirs).numpy(), normalizer.denormalize(ours), rtol=1e-12, atol=1e-12
    )


def test_quantiles_become_plus_and_minus_one():
    statistics, normalizer = ActionStatistics.of(NORMAL), make(NORMAL)
    for quantile, target in ((statistics.q01, -1), (statistics.q99, 1)):
        np.testing.assert_allclose(normalizer.normalize(np.array([quantile]))[0, :6], target, atol=1e-12)
    assert np.abs(normalizer.normalize(NORMAL)[:, :6]).max() > 1  # never clipped


def test_min_max_and_mean_std():
    ranged = make(NORMAL, "min_max").normalize(NORMAL)[:, :6]
    np.testing.assert_allclose([ranged.min(0), ranged.max(0)], [[-1] * 6, [1] * 6], atol=1e-12)
    standard = make(NORMAL, "mean_std").normalize(NORMAL)[:, :6]
    np.testing.assert_allclose([standard.mean(0), standard.std(0)], [[0] * 6, [1] * 6], atol=1e-12)


GRIPPERS = [(-1.0, 1.0), (1.0, -1.0), (0.0, 1.0), (1.0, 0.0), (0.08, 0.0), (0.0, 0.3), (-5.0, -4.0)]


@pytest.mark.parametrize(("closed", "opened"), GRIPPERS)
@pytest.mark.parametrize("method", KINDS)
def test_the_gripper_is_zero_closed_one_open_whatever_the_statistics(closed, opened, method):
    normalizer = Normalizer(make_spec(closed, opened), ActionStatistics.of(NORMAL), NormalizationConfig(default=method))
    poses = np.zeros((2, 7))
    poses[:, 6] = closed, opened
    normal = normalizer.normalize(poses)
    np.testing.assert_allclose(normal[:, 6], [0, 1], atol=1e-12)
    np.testing.assert_allclose(normalizer.denormalize(normal)[:, 6], poses[:, 6], atol=1e-12)


@pytest.mark.parametrize(("closed", "opened"), GRIPPERS)
@pytest.mark.parametrize("make_array", [np.array, torch.tensor])
def test_the_gripper_threshold_is_a_probability_of_one_half_in_any_range(closed, opened, make_array):
    normalizer = Normalizer(make_spec(closed, opened), ActionStatistics.of(NORMAL))
    for probability, expected in ((0.01, closed), (0.49, closed), (0.51, opened), (0.99, opened), (1.4, opened)):
        raw = normalizer.denormalize(make_array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, probability]))
        snapped = normalizer.snap(raw)
        assert snapped[6] == pytest.approx(expected, abs=1e-6)
        assert snapped.dtype == raw.dtype
        assert (snapped[:6] == raw[:6]).all()


def test_constant_and_nearly_constant_dimensions():
    seen = np.zeros((1000, 7))
    seen[:, 0] = 0.3  # constant
    seen[:3, 1] = 0.5  # both quantiles are 0, yet it moves
    normal = make(seen).normalize(seen)
    np.testing.assert_allclose(normal[:, 0], 0, atol=1e-6)
    assert set(np.round(normal[:, 1], 5)) == {-1.0, 1.0}


def test_a_dimension_that_rarely_moves_gives_no_huge_labels():
    seen = np.random.default_rng(0).normal(0, 1e-3, (1000, 7))
    seen[:5, 4] = 1.0
    assert 15 < np.abs(make(seen).normalize(seen)[:, 4]).max() <= 20
    assert np.abs(make(seen, {"kind": "quantile", "rare_motion": 0}).normalize(seen)[:, 4]).max() > 200


def test_components_can_differ():
    normal = make(NORMAL, "quantile", rotation="identity").normalize(NORMAL)
    np.testing.assert_array_equal(normal[:, 3:6], NORMAL[:, 3:6])
    assert (normal[:, :3] != NORMAL[:, :3]).all()


def test_a_chain_is_undone_in_reverse():
    """Upstream on OXE data: quantiles to [-1, 1], then +-0.65 of that to [-1, 1]."""
    chained = make(NORMAL, [{"kind": "quantile", "rare_motion": 0}, "clip"])
    statistics = ActionStatistics.of(NORMAL)
    low, high = np.array(statistics.q01)[:6], np.array(statistics.q99)[:6]
    expected = np.clip((2 * (NORMAL[:, :6] - low) / (high - low) - 1).clip(-0.65, 0.65) / 0.65, -1, 1)
    normal = chained.normalize(NORMAL)
    np.testing.assert_allclose(normal[:, :6], expected, atol=1e-12)
    inside = (np.abs(normal[:, :6]) < 1).all(axis=1)
    np.testing.assert_allclose(chained.denormalize(normal)[inside], NORMAL[inside], atol=1e-12)
    outside = chained.denormalize(normal)[:, :6]  # 65 % of the quantile range
    middle, half = (high + low) / 2, 0.65 * (high - low) / 2
    assert (np.abs(outside - middle) <= half + 1e-12).all()


def test_short_forms_mean_the_long_one():
    assert NormalizationConfig.model_validate("clip").default == (Clip(),)
    assert NormalizationConfig.model_validate(["quantile", "mu_law"]).default == (Quantile(), MuLaw())
    config = validate(NormalizationConfig, {"components": {"rotation": {"kind": "clip", "low": -1, "high": 1}}})
    assert config.components["rotation"] == (Clip(low=-1, high=1),)
    assert NormalizationConfig.model_validate_json(config.model_dump_json()) == config
    assert NormalizationConfig(default=(Identity(),)).default == (Identity(),)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"default": "quantle"}, "Did you mean 'quantile'"),
        ({"default": {"kind": "clip", "low": 1, "high": 1}}, "low below high"),
        ({"default": {"kind": "clip", "low": float("nan")}}, "finite"),
        ({"default": {"kind": "mu_law", "mu": 0}}, "mu"),
        ({"default": {"kind": "affine", "scale": 0}}, "scale"),
        ({"default": ["clip", "quantile"]}, "must be the first of a chain"),
        ({"default": []}, "at least 1"),
        ({"defalt": "clip"}, "Did you mean 'default'"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        validate(NormalizationConfig, settings)


def test_settings_for_components_that_do_not_exist_are_refused():
    with pytest.raises(UnknownName, match="Did you mean 'rotation'"):
        make(NORMAL, rotaton="clip")
    with pytest.raises(UserError, match=r"normalization\.components\.gripper.*always 0 closed and 1 open"):
        make(NORMAL, gripper="clip")


def test_statistics_survive_json():
    statistics = ActionStatistics.of(np.random.default_rng(0).normal(size=(100, 7)))
    assert validate(ActionStatistics, statistics.model_dump(mode="json")) == statistics
    assert ActionStatistics.model_validate_json(statistics.canonical()) == statistics


def test_statistics_that_do_not_fit_are_refused():
    with pytest.raises(UserError, match=r"got 6 dimensions, expected 7.*component 'gripper' is missing"):
        Normalizer(make_spec(), ActionStatistics.of(np.zeros((3, 6))))
    with pytest.raises(UserError, match="got 8 dimensions, expected 7"):
        Normalizer(make_spec(), ActionStatistics.of(np.zeros((3, 8))))
    with pytest.raises(UserError, match="needs two different values"):
        Normalizer(make_spec(1.0, 1.0), ActionStatistics.of(np.zeros((3, 7))))


def test_statistics_of_bad_numbers_are_refused():
    with pytest.raises(UserError, match="at least one action"):
        ActionStatistics.of(np.zeros((0, 7)))
    rows = np.zeros((3, 7))
    rows[1, 4] = np.nan
    with pytest.raises(UserError, match="got nan in row 1, dimension 4"):
        ActionStatistics.of(rows)
    good = ActionStatistics.of(np.zeros((3, 2))).model_dump(mode="json")
    with pytest.raises(UserError, match=r"mean\.1.*finite"):
        validate(ActionStatistics, good | {"mean": [0.0, float("nan")]})
    with pytest.raises(UserError, match="different lengths"):
        validate(ActionStatistics, good | {"std": [0.0]})


@pytest.mark.parametrize("make_array", [np.zeros, torch.zeros])
def test_actions_of_another_dimension_are_refused(make_array):
    normalizer = make(NORMAL)
    for function in (normalizer.normalize, normalizer.denormalize, normalizer.snap):
        with pytest.raises(UserError, match=r"got 6 dimensions, expected 7 \(position 3, rotation 3, gripper 1\)"):
            function(make_array((2, 6)))
