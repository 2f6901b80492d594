import pytest
from hypothesis import given
from hypothesis import strategies as st

from robovlms.reports.scales import Scale, compact, seconds


def test_ticks_are_round_and_inside():
    scale = Scale(0, 4000, 50, 430)
    assert [text for _, text in scale.ticks()] == ["0", "1k", "2k", "3k", "4k"]
    assert scale.ticks()[0][0] == 50
    assert scale.ticks()[-1][0] == 430


def test_decades_are_evenly_spaced():
    ticks = Scale(1e-4, 1, 0, 400, log=True).ticks()
    assert [round(position) for position, _ in ticks] == [0, 100, 200, 300, 400]


@given(
    st.floats(1e-6, 1e6).flatmap(lambda low: st.tuples(st.just(low), st.floats(low * 1.2, low * 1e7))),
    st.booleans(),
)
def test_every_domain_gets_a_few_ticks(domain, log):
    ticks = Scale(*domain, 0, 100, log).ticks()
    assert 2 <= len(ticks) <= 12
    assert all(-0.2 <= position <= 100.2 for position, _ in ticks)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.05, "0.05"), (1500, "1.5k"), (2_843_911, "2.84M"), (2e-5, "2e-5"), (34.5, "34.5")]
)
def test_compact(value, text):
    assert compact(value) == text


@pytest.mark.parametrize(("value", "text"), [(42.4, "42 s"), (425, "7 min 05 s"), (7440, "2 h 04 min")])
def test_seconds(value, text):
    assert seconds(value) == text
