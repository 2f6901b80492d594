import numpy as np

from robovlms.data.augment import AugmentConfig, augment, jitter, shift
from robovlms.data.keyed import keyed_permutation, keyed_uniform


def frames(count=5, height=12, width=10):
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def test_shift_is_pad_with_edges_and_crop():
    images, offsets = frames(), np.array([[0, 0], [2, -1], [-3, 3], [3, 0], [1, 1]])
    moved = shift(images, offsets)
    for image, result, (down, right) in zip(images, moved, offsets, strict=True):
        padded = np.pad(image, ((3, 3), (3, 3), (0, 0)), mode="edge")
        expected = padded[3 - down : 15 - down, 3 - right : 13 - right]
        np.testing.assert_array_equal(result, expected)


def test_equal_groups_are_varied_equally_and_others_are_not():
    images = np.repeat(frames(1), 6, axis=0)
    config = AugmentConfig(shift_px=4, brightness=0.2, contrast=0.2, saturation=0.2)
    varied = augment(images, np.array([3, 3, 3, 8, 8, 9]), config, seed=0, camera=0)
    assert (varied[0] == varied[1]).all()
    assert (varied[3] == varied[4]).all()
    assert (varied[0] != varied[3]).any()
    assert (varied[4] != varied[5]).any()
    again = augment(images[3:], np.array([8, 8, 9]), config, seed=0, camera=0)
    np.testing.assert_array_equal(varied[3:], again)  # independent of the rest of the batch
    assert (augment(images, np.full(6, 3), config, seed=1, camera=0)[0] != varied[0]).any()


def test_shifts_cover_their_range_evenly():
    draws = keyed_uniform(0, np.arange(9000)[:, None], 0, np.arange(2))
    counts = np.bincount(np.floor(draws * 9).astype(int).ravel(), minlength=9)
    assert counts.sum() == 18000
    assert np.abs(counts / 2000 - 1).max() < 0.1
    assert abs(np.corrcoef(draws.T)[0, 1]) < 0.05


def test_jitter_with_unit_factors_changes_nothing():
    images = frames()
    assert np.abs(jitter(images, np.ones((5, 3))).astype(int) - images).max() <= 1
    grey = jitter(images, np.tile([1.0, 1.0, 0.0], (5, 1))).astype(int)
    assert np.ptp(grey, axis=-1).max() <= 1
    dark = jitter(images, np.tile([0.5, 1.0, 1.0], (5, 1)))
    np.testing.assert_allclose(dark.mean(), images.mean() / 2, rtol=0.02)


def test_no_augmentation_is_the_identity():
    images = frames()
    assert augment(images, np.arange(5), AugmentConfig(), 0, 0) is images


def test_permutations_differ_by_seed_and_epoch():
    orders = [tuple(keyed_permutation(50, seed, epoch)) for seed in range(3) for epoch in range(3)]
    assert len(set(orders)) == 9
    assert all(sorted(order) == list(range(50)) for order in orders)
