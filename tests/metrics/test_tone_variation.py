"""Variance of tone over images and the shrinkage factor, against closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.metrics import ToneVariance, shrinkage_factor

BIN = 1 / 4096


def variance_of(images: list[torch.Tensor], value_range: tuple[float, float] = (0.0, 1.0)) -> float:
    pool = ToneVariance(value_range)
    for image in images:
        pool.add(image)
    return pool.variance


def test_images_of_one_grey_level_vary_as_their_levels_do() -> None:
    levels = np.random.default_rng(0).uniform(size=30)
    images = [torch.full((1, 4, 5), level) for level in levels]
    assert variance_of(images) == pytest.approx(levels.var(ddof=1), rel=0.01)


def test_offsets_and_contrasts_add_up() -> None:
    # Q_i(p) = a_i + b_i p, hence the mean over p of its variance is var(a) + cov(a, b) + var(b) / 3.
    random = np.random.default_rng(1)
    offset, contrast = random.uniform(0, 0.3, 200), random.uniform(0.2, 0.7, 200)
    ramp = torch.linspace(0, 1, 4001)
    expected = offset.var(ddof=1) + np.cov(offset, contrast)[0, 1] + contrast.var(ddof=1) / 3
    assert variance_of([a + b * ramp for a, b in zip(offset, contrast, strict=True)]) == pytest.approx(
        expected, rel=5e-3
    )


def test_size_and_order_of_pixels_do_not_count() -> None:
    image = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0))
    large = image.repeat_interleave(3, 1).repeat_interleave(2, 2)
    assert variance_of([image, large, image.flip(1), image.permute(0, 2, 1)]) == pytest.approx(0, abs=BIN**2)


def test_the_unit_is_that_of_the_grey_levels() -> None:
    random = torch.Generator().manual_seed(0)
    images = [torch.rand(1, generator=random) * torch.rand(1, 32, 32, generator=random) for _ in range(12)]
    unit, wide = variance_of(images), variance_of([400 * image - 100 for image in images], (-100.0, 300.0))
    assert wide == pytest.approx(400**2 * unit, rel=1e-3)


def test_few_images_do_not_vary() -> None:
    assert variance_of([]) == 0.0
    assert variance_of([torch.rand(1, 8, 8)]) == 0.0


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_the_factor_lies_between_0_and_1(source: float, target: float) -> None:
    factor = shrinkage_factor(source, target)
    assert 0 <= factor <= 1
    assert (factor > 0) == (source > 0 and 1 - target / source > 0)


def test_the_factor_is_the_share_that_the_target_does_not_explain() -> None:
    assert shrinkage_factor(4.0, 1.0) == 0.75
    assert shrinkage_factor(1.0, 4.0) == 0.0
    assert shrinkage_factor(0.0, 0.0) == 0.0
    assert shrinkage_factor(2.0, 0.0) == 1.0
    # With a variance between images of a and one of the site's own of b, independent, it is b / (a + b).
    random = np.random.default_rng(2)
    patients, site = random.normal(0.5, 0.03, (2, 4000)), random.normal(0, 0.06, 4000)
    target = variance_of([torch.tensor([level]) for level in patients[0]])
    source = variance_of([torch.tensor([level]) for level in patients[1] + site])
    assert shrinkage_factor(source, target) == pytest.approx(0.06**2 / (0.06**2 + 0.03**2), abs=0.03)


@pytest.mark.parametrize("variances", [(-1.0, 1.0), (1.0, -1.0), (float("nan"), 1.0)])
def test_no_variance_is_refused(variances: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="variances are"):
        shrinkage_factor(*variances)
