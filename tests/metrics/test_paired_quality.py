"""Paired measures: closed forms, the scale that each needs, volumes, names and what is refused."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.paired_quality import (
    PAIRED_MEASURES,
    PairedQualityMetric,
    paired_measure,
    paired_quality,
)
from monai_harmonize.phantoms import SITES, render, sample_anatomy

SIDE = 192
LOSSLESS = [name for name in PAIRED_MEASURES if name != "psnr"]


@pytest.fixture(scope="module")
def pair() -> tuple[Tensor, Tensor]:
    """A radiograph and a noisy version, in [-1, 1]."""
    reference = 2 * torch.from_numpy(render(sample_anatomy(0), SITES["site_a"], SIDE))[None, None] - 1
    noise = 0.1 * torch.randn(reference.shape, generator=torch.manual_seed(0))
    return (reference + noise).clamp(-1, 1), reference


def value(name: str, image: Tensor, reference: Tensor) -> float:
    (found,) = paired_quality(name, image, reference)
    return float(found)


def test_errors_are_shares_of_the_grey_scale() -> None:
    image, reference = torch.full((1, 1, 4, 5), 0.5), torch.full((1, 1, 4, 5), -0.3)
    assert value("mae", image, reference) == pytest.approx(0.4)
    assert value("mse", image, reference) == pytest.approx(0.16)
    assert value("psnr", image, reference) == pytest.approx(10 * math.log10(1 / 0.16))


def test_values_are_those_of_other_libraries(pair) -> None:
    image, reference = ((each[0, 0].double().numpy() + 1) / 2 for each in pair)
    assert value("psnr", *pair) == pytest.approx(peak_signal_noise_ratio(reference, image, data_range=1), rel=1e-6)
    own = structural_similarity(image, reference, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                                data_range=1, truncate=5 / 1.5, full=True)[1][5:-5, 5:-5]  # fmt: skip
    assert value("ssim", *pair) == pytest.approx(own.mean(), abs=1e-6)


def test_uqi_is_the_published_quotient() -> None:
    """Equation 2 of Wang and Bovik, one window."""
    x, y = np.random.default_rng(0).random((2, 8, 8))
    means, variances, covariance = (x.mean(), y.mean()), (x.var(), y.var()), ((x - x.mean()) * (y - y.mean())).mean()
    expected = 4 * covariance * means[0] * means[1] / (sum(variances) * (means[0] ** 2 + means[1] ** 2))
    images = [2 * torch.from_numpy(each)[None, None] - 1 for each in (x, y)]
    assert value("uqi", *images) == pytest.approx(expected, rel=1e-6)


def test_uqi_of_flat_windows_compares_their_means() -> None:
    """0.75 and 0.5 of the grey scale; black borders on both sides are alike."""
    flat = [torch.full((1, 1, 16, 16), level) for level in (0.5, 0.0, -1.0)]
    assert value("uqi", flat[0], flat[1]) == pytest.approx(2 * 0.75 * 0.5 / (0.75**2 + 0.5**2), rel=1e-5)
    assert value("uqi", flat[2], flat[2]) == pytest.approx(1)


def test_vif_is_measured_on_eight_bits_and_grows_with_contrast(pair) -> None:
    """Halved contrast loses less than noise does, on 8 bits; stretched contrast has more than the reference."""
    image, reference = pair
    assert value("vif", image, reference) < 0.3
    assert 0.5 < value("vif", reference / 2, reference) < 1 < value("vif", reference, reference / 2)


@pytest.mark.parametrize("name", PAIRED_MEASURES)
def test_equal_images_have_the_best_value(name: str, pair) -> None:
    image, reference = pair
    measure = PAIRED_MEASURES[name]
    best = value(name, reference, reference)
    assert best == pytest.approx(measure.best, abs=1e-6)
    assert (value(name, image, reference) < best) is measure.higher_is_better
    more = (2 * image - reference).clamp(-1, 1)  # the same noise, twice
    assert (value(name, more, reference) < value(name, image, reference)) is measure.higher_is_better


@pytest.mark.parametrize("name", PAIRED_MEASURES)
def test_a_batch_is_measured_image_by_image(name: str, pair) -> None:
    image, reference = (torch.cat(each) for each in zip(pair, (pair[1].flip(3), pair[1]), strict=True))
    found = paired_quality(name, image, reference)
    assert found.shape == (2,)
    for place in (0, 1):
        assert float(found[place]) == pytest.approx(value(name, image[[place]], reference[[place]]), rel=1e-5)


def test_a_volume_of_vif_is_the_mean_of_its_slices_that_show_anything(pair) -> None:
    image, reference = pair
    air = torch.full_like(image, -1)
    volume, truth = torch.stack([image, reference, air], -1), torch.stack([reference, reference, air], -1)
    assert value("vif", volume, truth) == pytest.approx((value("vif", image, reference) + 1) / 2, rel=1e-5)
    with pytest.raises(InputError, match="a reference is constant; VIF"):
        paired_quality("vif", air, air)


@given(st.integers(0, 2**31), st.sampled_from(["mse", "mae", "psnr", "ssim", "uqi"]))
def test_symmetry(seed: int, name: str) -> None:
    image, reference = 2 * torch.rand(2, 1, 1, 16, 12, generator=torch.manual_seed(seed)) - 1
    assert value(name, image, reference) == pytest.approx(value(name, reference, image), rel=1e-5)


def test_lpips_by_its_name() -> None:
    name, measure = paired_measure("lpips_squeeze", random_backbone=True)
    assert name == "lpips_squeeze_random_backbone"
    image, reference = 2 * torch.rand(2, 1, 1, 32, 32, generator=torch.manual_seed(0)) - 1
    assert float(paired_quality(measure, image, reference)) > 0 == float(paired_quality(measure, image, image))
    assert not measure.higher_is_better


def test_the_metric_of_an_evaluator(pair) -> None:
    metric = PairedQualityMetric("mae")
    metric(*pair)
    metric([pair[1][0]], [pair[1][0]])
    assert str(metric) == "mae"
    assert metric.get_buffer().shape == (2, 1)
    assert float(metric.aggregate()) == pytest.approx(value("mae", *pair) / 2)
    with pytest.raises(ValueError, match="there is no ssim"):
        PairedQualityMetric("ssim").aggregate()


@pytest.mark.parametrize(("name", "least"), [("ssim", 11), ("ms_ssim", 176), ("vif", 41), ("uqi", 8)])
def test_the_smallest_side(name: str, least: int) -> None:
    image = 2 * torch.rand(1, 1, least, least, generator=torch.manual_seed(0)) - 1
    assert value(name, image, image) == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match=f"{least}x{least - 1} pixels; {name} needs {least} a side"):
        paired_quality(name, image[..., 1:], image[..., 1:])


def test_what_is_refused() -> None:
    image = torch.zeros(1, 1, 16, 16)
    for name, first, second, message in (
        ("rmse", image, image, "measure 'rmse' is not known; expected one of mse, mae"),
        ("mse", image, image[..., 1:], "expected the same"),
        ("mse", image.expand(-1, 3, -1, -1), image.expand(-1, 3, -1, -1), "expected the same"),
        ("psnr", 255 * torch.rand(1, 1, 16, 16), image, r"expected \[-1, 1\]"),
        ("mae", image * float("nan"), image, "nan to nan"),
    ):
        with pytest.raises(InputError, match=message):
            paired_quality(name, first, second)
    with pytest.raises(InputError, match="ssim has no weights; leave them out"):
        paired_measure("ssim", weights="file.pt")
    with pytest.raises(InputError, match="give the weights of torchvision's alexnet"):
        paired_measure("lpips_alex")
