import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from robovlms.data.window import WindowConfig, lay_out, window_ends, windows_per_episode

shapes = st.builds(
    WindowConfig,
    history=st.integers(1, 5),
    stride=st.integers(1, 3),
    chunk=st.integers(1, 6),
    step=st.integers(1, 6),
)


def reference(config, end, start, stop):
    """One window, written from the definition, frame by frame."""
    wanted = [end - config.stride * back for back in range(config.history - 1, -1, -1)]
    real = [frame for frame in wanted if frame >= start]
    frames = [real[0]] * (config.history - len(real)) + real
    valid = [frame >= start for frame in wanted]
    mask = [[v and f + j < stop for j in range(config.chunk)] for f, v in zip(frames, valid, strict=True)]
    return frames, valid, mask


@settings(max_examples=200, deadline=None)
@given(config=shapes, lengths=st.lists(st.integers(1, 12), min_size=1, max_size=4), data=st.data())
def test_windows_follow_the_definition_and_never_cross_an_episode(config, lengths, data):
    stops = np.cumsum(lengths)
    starts = stops - lengths
    episode = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=5)))
    within = np.array([data.draw(st.integers(0, lengths[e] - 1)) for e in episode])
    found = lay_out(config, starts[episode] + within, starts[episode], stops[episode])
    for row, e in enumerate(episode):
        frames, valid, mask = reference(config, starts[e] + within[row], starts[e], stops[e])
        assert found.frames[row].tolist() == frames
        assert found.frame_valid[row].tolist() == valid
        assert found.action_mask[row].tolist() == mask
        labels = found.frames[row][:, None] + np.arange(config.chunk)
        np.testing.assert_array_equal(found.actions[row][mask], labels[mask])
        assert ((found.actions[row] >= starts[e]) & (found.actions[row] < stops[e])).all()


@settings(max_examples=100, deadline=None)
@given(history=st.integers(1, 6), length=st.integers(1, 30), seed=st.integers(0, 9), epoch=st.integers(0, 3))
def test_tiled_windows_see_every_frame_every_epoch(history, length, seed, epoch):
    config = WindowConfig(history=history, step=history)
    count = int(windows_per_episode(config, np.array([length]))[0])
    ends = window_ends(
        config, np.arange(count), np.full(count, length), np.zeros(count, int), seed, np.full(count, epoch)
    )
    windows = lay_out(config, ends, np.zeros(count, int), np.full(count, length))
    assert set(windows.frames[windows.frame_valid]) == set(range(length))
    assert count <= length / history + 2


def test_dense_windows_end_at_every_frame():
    config = WindowConfig(history=3)
    assert windows_per_episode(config, np.array([7, 1])).tolist() == [7, 1]
    ends = window_ends(config, np.arange(7), np.full(7, 7), np.zeros(7, int), 0, np.zeros(7, int))
    assert ends.tolist() == list(range(7))
