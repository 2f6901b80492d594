"""Each scaling is undone exactly over the range it represents: numpy and torch, float32 and float64."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robovlms.actions.scaling import Affine, Clip, Identity, MeanStd, MinMax, MuLaw, Quantile
from robovlms.actions.statistics import ActionStatistics

DTYPES = st.sampled_from([np.float32, np.float64])
values = st.floats(-100, 100, width=32, allow_subnormal=False)
seen = st.integers(1, 30).flatmap(lambda n: hnp.arrays(np.float64, (n, 3), elements=values))
new = st.integers(1, 30).flatmap(lambda n: hnp.arrays(np.float64, (n, 3), elements=values))
everywhere = st.one_of(
    st.builds(Quantile, rare_motion=st.sampled_from([0.0, 0.1, 1.0])),
    st.just(MinMax()),
    st.just(MeanStd()),
    st.just(Identity()),
    st.builds(Affine, offset=st.floats(-10, 10), scale=st.floats(1e-3, 1e3)),
)


@st.composite
def clips(draw):
    low = draw(st.floats(-100, 99))
    return Clip(low=low, high=low + draw(st.floats(1e-2, 100)))


def there_and_back(scaling, given):
    """Through numpy, after checking that torch says the same in the same dtype."""
    normal = scaling.normalize(given)
    back = scaling.denormalize(normal)
    assert normal.dtype == back.dtype == given.dtype
    theirs = scaling.normalize(torch.from_numpy(given))
    assert theirs.dtype == torch.from_numpy(given).dtype
    precision = 20 * np.finfo(given.dtype).eps
    np.testing.assert_allclose(theirs.numpy(), normal, rtol=precision, atol=precision)
    undone = scaling.denormalize(torch.from_numpy(normal)).numpy()
    np.testing.assert_allclose(undone, back, rtol=precision, atol=precision * np.abs(given).max())
    return normal, back


@settings(max_examples=150, deadline=None)
@given(config=everywhere, seen=seen, new=new, dtype=DTYPES)
def test_unclipped_scalings_are_undone_everywhere(config, seen, new, dtype):
    scaling = config.fit(ActionStatistics.of(seen).columns(slice(0, 3)))
    new = new.astype(dtype)
    _, back = there_and_back(scaling, new)
    around = max(np.abs(new).max(), np.abs(seen).max(), 10.0)  # an offset costs its own rounding
    np.testing.assert_allclose(back, new, atol=8 * np.finfo(dtype).eps * around)


@settings(max_examples=150, deadline=None)
@given(config=clips(), new=new, dtype=DTYPES)
def test_clip_is_undone_within_its_range_and_gives_the_nearer_end_outside(config, new, dtype):
    new = new.astype(dtype)
    normal, back = there_and_back(config.fit({}), new)
    assert np.abs(normal).max() <= 1
    around = max(abs(config.low), abs(config.high))
    np.testing.assert_allclose(back, new.clip(config.low, config.high), atol=8 * np.finfo(dtype).eps * around)


@settings(max_examples=150, deadline=None)
@given(mu=st.floats(1e-2, 1e3), new=hnp.arrays(np.float64, (20, 3), elements=st.floats(-2, 2)), dtype=DTYPES)
def test_mu_law_is_undone_from_minus_one_to_one(mu, new, dtype):
    new = new.astype(dtype)
    normal, back = there_and_back(MuLaw(mu=mu), new)
    assert np.abs(normal).max() <= 1
    slope = (1 + mu) * np.log1p(mu) / mu  # of the inverse at its ends, where rounding counts most
    np.testing.assert_allclose(back, new.clip(-1, 1), atol=8 * np.finfo(dtype).eps * slope)


def test_mu_law_has_the_published_values():
    # G.711 with mu = 255: half of full scale is companded to 7/8, an eighth to about 5/8
    np.testing.assert_allclose(MuLaw().normalize(np.array([0.5, -0.125])), [0.875, -0.6294], atol=1.5e-3)


@pytest.mark.parametrize("scaling", [Clip(low=-0.2, high=0.4), MuLaw()])
def test_a_wild_network_output_stays_inside_the_represented_range(scaling):
    wild = np.array([-50.0, 50.0, np.inf, -np.inf])
    low, high = (-0.2, 0.4) if isinstance(scaling, Clip) else (-1, 1)
    np.testing.assert_allclose(scaling.denormalize(wild), [low, high, high, low])


def test_hand_computed_values():
    assert Clip().normalize(np.array([-2.0, -0.65, 0.0, 0.325, 0.65])).tolist() == [-1, -1, 0, 0.5, 1]
    assert Affine(offset=2.0, scale=4.0).fit({}).normalize(np.array([10.0])).tolist() == [2.0]
    rows = np.array([[0.0], [1.0], [2.0], [10.0]])
    columns = ActionStatistics.of(rows).columns(slice(0, 1))
    np.testing.assert_allclose(MinMax().fit(columns).normalize(rows)[:, 0], [-1, -0.8, -0.6, 1])
    np.testing.assert_allclose(MeanStd().fit(columns).normalize(np.array([3.25]))[0], 0)
    # quantiles of four values by linear interpolation: 0.01 * 3 = 0.03 and 2 + 0.97 * 8 = 9.76
    np.testing.assert_allclose(Quantile().fit(columns).normalize(np.array([0.03, 9.76])), [-1, 1])


def test_gradients_flow_through_torch():
    values = torch.tensor([0.1, -0.2], requires_grad=True)
    for scaling in (Clip(), MuLaw(), Affine(scale=2.0).fit({})):
        (gradient,) = torch.autograd.grad(scaling.normalize(values).sum(), values)
        assert torch.isfinite(gradient).all()
        assert (gradient > 0).all()
