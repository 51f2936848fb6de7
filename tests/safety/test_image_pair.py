"""Slabs make up the images, whatever their order in memory."""

import itertools

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from monai_harmonize.data.errors import InputError
from monai_harmonize.safety import image_pair
from monai_harmonize.safety.image_pair import ImagePair


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch):
    """So that images of a few hundred pixels have several."""
    monkeypatch.setattr(image_pair, "SLAB", 100)


def volume(shape=(13, 11, 7)):
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_slabs_follow_the_memory_and_their_means_the_axes(order):
    stored = np.ascontiguousarray(volume().transpose(order))
    source = stored.transpose(np.argsort(order))
    pair = ImagePair(source, 1 - source, (0, 1))
    mean = pair.area_mean((5, 11, 3))
    rows, pixels = [], []
    for part, before, after in pair.slabs():
        np.testing.assert_allclose(after, 1 - before, atol=1e-6)
        assert before.flags.c_contiguous
        np.testing.assert_array_equal(before, stored[part])
        rows.append(part)
        pixels.append(before.size)
        mean.add(part, before)
    assert [part.start for part in rows[1:]] == [part.stop for part in rows[:-1]]
    assert sum(pixels) == source.size
    assert len(rows) > 1
    expected = interpolate(torch.from_numpy(volume())[None, None], (5, 11, 3), mode="area")[0, 0].numpy()
    np.testing.assert_allclose(mean.image, expected, atol=1e-6)


def test_an_image_that_keeps_its_size_is_taken_over_bit_by_bit():
    source = volume((30, 20))
    pair = ImagePair(source.T, source.T, (0, 1))
    mean = pair.area_mean((20, 30))
    for part, before, _ in pair.slabs():
        mean.add(part, before)
    assert (mean.image == source.T).all()


def test_the_scale_is_that_of_the_range_and_whole_numbers_are_read():
    source = np.array([[-1024, 0], [1023, 3071]], np.int16)
    slabs = list(ImagePair(source, source, (-1024, 3071)).slabs())
    before = np.concatenate([slab for _, slab, _ in slabs])
    np.testing.assert_allclose(before, (source + 1024) / 4095, atol=1e-6)
    assert source.dtype == np.int16
    assert source[0, 0] == -1024


def test_a_source_beyond_its_scale_is_refused_or_clipped():
    source = volume() * 1.2
    with pytest.raises(InputError, match="the source leaves the scale"):
        list(ImagePair(source, source, (0, 1)).slabs())
    for _, before, after in ImagePair(source, source, (0, 1), clip_source=True).slabs():
        np.testing.assert_allclose(before, np.minimum(after, 1))
    rounded = volume() * (1 + 1e-5)
    assert all(before.max() <= 1 for _, before, _ in ImagePair(rounded, rounded, (0, 1)).slabs())


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_a_value_that_is_no_number_is_named(value, place):
    images = [volume(), volume()]
    images[place][5, 5, 5] = value
    with pytest.raises(InputError, match=("source", "output")[place]):
        list(ImagePair(*images, (0, 1)).slabs())
