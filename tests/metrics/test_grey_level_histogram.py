import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.metrics import GreyLevelHistogram, grey_level_histogram, pooled_histogram


def test_equals_numpy_histogram() -> None:
    image = np.random.default_rng(0).normal(0.5, 0.2, (31, 17)).clip(0, 1)
    expected, _ = np.histogram(image, bins=64, range=(0, 1))
    np.testing.assert_allclose(grey_level_histogram(image, bins=64), expected / image.size)


def test_every_8_bit_level_has_its_own_bin() -> None:
    levels = torch.arange(256, dtype=torch.float32) / 255
    np.testing.assert_allclose(grey_level_histogram(levels, bins=256), 1 / 256)


def test_levels_beyond_the_scale_count_at_its_ends() -> None:
    histogram = grey_level_histogram(torch.tensor([-9.0, -1.0, 1.0, 7.0]), bins=4, value_range=(-1, 1))
    np.testing.assert_allclose(histogram, [0.5, 0, 0, 0.5])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.float16, torch.bfloat16, torch.float64])
def test_takes_every_real_type(dtype: torch.dtype) -> None:
    histogram = grey_level_histogram(torch.tensor([0, 1, 2, 3], dtype=dtype), bins=4, value_range=(0, 4))
    np.testing.assert_allclose(histogram, 0.25)


@pytest.mark.parametrize("image", [torch.tensor([0.1, float("nan")]), torch.tensor([torch.inf]), torch.zeros(0)])
def test_refuses_what_has_no_grey_levels(image: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="NaN or infinity"):
        grey_level_histogram(image)


@pytest.mark.parametrize(("bins", "value_range"), [(0, (0, 1)), (4, (1, 1)), (4, (2, 1))])
def test_refuses_a_scale_that_is_no_interval(bins: int, value_range: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="low < high"):
        grey_level_histogram(torch.zeros(3), bins=bins, value_range=value_range)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(1, 5), st.integers(0, 2**31))
def test_pool_is_the_mean_of_the_images_however_it_is_split(sizes: list[int], cut: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = [torch.rand(size, generator=generator) for size in sizes]
    first, second = GreyLevelHistogram(bins=16), GreyLevelHistogram(bins=16)
    for position, image in enumerate(images):
        (first if position < cut else second).add(image)
    first.merge(second)
    assert first.images == len(images)
    np.testing.assert_allclose(first.density, np.mean([grey_level_histogram(i, bins=16) for i in images], axis=0))


def test_large_and_small_image_weigh_the_same() -> None:
    pool = GreyLevelHistogram(bins=2)
    pool.add(torch.zeros(100, 100))
    pool.add(torch.ones(2, 2))
    np.testing.assert_allclose(pool.density, [0.5, 0.5])
    np.testing.assert_allclose(pool.centres, [0.25, 0.75])


def test_refuses_to_merge_other_scales_and_to_divide_by_no_image() -> None:
    with pytest.raises(ValueError, match="cannot merge 8 bins"):
        GreyLevelHistogram(bins=4).merge(GreyLevelHistogram(bins=8))
    with pytest.raises(ValueError, match="cannot merge"):
        GreyLevelHistogram(bins=4).merge(GreyLevelHistogram(bins=4, value_range=(-1, 1)))
    with pytest.raises(ValueError, match="no images"):
        _ = GreyLevelHistogram().density


def test_pooled_histogram_is_the_density_of_the_accumulator() -> None:
    images = [torch.rand(1, 9, 7, generator=torch.Generator().manual_seed(seed)) * 2 - 1 for seed in range(3)]
    pool = GreyLevelHistogram(bins=8, value_range=(-1, 1))
    for image in images:
        pool.add(image)
    pooled = pooled_histogram(iter(images), bins=8, value_range=(-1, 1))
    np.testing.assert_array_equal(pooled, pool.density)
    with pytest.raises(ValueError, match="no images"):
        pooled_histogram([])
