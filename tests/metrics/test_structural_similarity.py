"""Structural similarity by banded products against MONAI's and scikit-image's, and its own properties."""

import math
from typing import Any

import pytest
import torch
from monai.data import MetaTensor
from monai.metrics import CumulativeIterationMetric, SSIMMetric
from skimage.metrics import structural_similarity as skimage_ssim
from torch import Tensor
from torch.nn.functional import avg_pool2d

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import StructuralSimilarityMetric, batch_structural_similarity

OPTIONS: list[dict[str, Any]] = [
    {},
    {"kernel_type": "uniform", "win_size": 7},
    {"win_size": 4, "kernel_sigma": 0.8},
    {"data_range": 255.0, "k1": 0.05, "k2": 0.2},
]


def images(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Smooth texture in [0, 1], and it with noise and another tone."""
    noise = torch.rand(2, *shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    ramp = torch.linspace(0, 1, shape[-1], dtype=dtype)
    first = 0.6 * ramp + 0.4 * noise[0]
    return first, (0.7 * first**1.5 + 0.3 * noise[1]).clamp(0, 1)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", [(3, 2, 40, 97), (2, 1, 11, 43), (2, 2, 15, 12, 50)])
def test_equals_monai(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    first, second = (options.get("data_range", 1.0) * each for each in images(*shape))
    expected = SSIMMetric(len(shape) - 2, **options)(first, second)
    found = StructuralSimilarityMetric(len(shape) - 2, **options)(first, second)
    assert found.shape == expected.shape == (shape[0], 1)
    assert float((found - expected).abs().max()) < 1e-5


@pytest.mark.parametrize("kernel_type", ["gaussian", "uniform"])
def test_equals_monai_with_other_windows_along_each_axis(kernel_type: str) -> None:
    first, second = images(2, 1, 20, 33, 14)
    options = {"kernel_type": kernel_type, "win_size": (3, 9, 6), "kernel_sigma": (0.7, 2.0, 1.1)}
    expected = SSIMMetric(3, **options)(first, second)
    assert float((StructuralSimilarityMetric(3, **options)(first, second) - expected).abs().max()) < 1e-5


def test_equals_skimage_in_double_precision() -> None:
    first, second = images(1, 1, 90, 64, dtype=torch.float64)
    _, full = skimage_ssim(
        first[0, 0].numpy(),
        second[0, 0].numpy(),
        data_range=1.0,
        win_size=7,
        use_sample_covariance=False,
        full=True,
    )
    found = batch_structural_similarity(first, second, kernel_type="uniform", win_size=7)
    assert found.dtype == torch.float64
    assert float(found) == pytest.approx(full[3:-3, 3:-3].mean(), abs=1e-12)


def test_is_nearer_to_double_precision_than_half_a_millionth() -> None:
    exact = batch_structural_similarity(*images(4, 1, 128, 128, dtype=torch.float64))
    first, second = (each.float() for each in images(4, 1, 128, 128, dtype=torch.float64))
    assert float((batch_structural_similarity(first, second) - exact).abs().max()) < 5e-7


def test_closed_form_of_constant_images() -> None:
    first, second = torch.full((1, 1, 16, 16), 0.2, dtype=torch.float64), torch.full((1, 1, 16, 16), 0.6).double()
    expected = (2 * 0.2 * 0.6 + 1e-4) / (0.04 + 0.36 + 1e-4)
    assert float(batch_structural_similarity(first, second)) == pytest.approx(expected, rel=1e-6)


def test_one_for_equal_symmetric_and_lower_the_more_it_is_blurred() -> None:
    image, other = images(2, 1, 64, 64)
    assert batch_structural_similarity(image, image).tolist() == pytest.approx([1.0, 1.0], abs=1e-6)
    torch.testing.assert_close(batch_structural_similarity(image, other), batch_structural_similarity(other, image))
    blurred = [batch_structural_similarity(avg_pool2d(image, k, 1, k // 2), image).mean() for k in (1, 3, 7)]
    assert blurred[0] > blurred[1] + 0.05 > blurred[2] + 0.1


def test_every_option_matters() -> None:
    first, second = images(1, 1, 40, 40)
    default = float(batch_structural_similarity(first, second))
    changes: list[dict[str, Any]] = [
        {"kernel_type": "uniform"},
        {"win_size": 9},
        {"kernel_sigma": 2.5},
        {"data_range": 2.0},
        {"k1": 0.2},
        {"k2": 0.1},
    ]
    for change in changes:
        assert abs(float(batch_structural_similarity(first, second, **change)) - default) > 1e-4, change


def test_accumulates_over_batches() -> None:
    metric = StructuralSimilarityMetric(2, reduction="mean")
    assert isinstance(metric, CumulativeIterationMetric)
    first, second = images(5, 1, 32, 32)
    every = batch_structural_similarity(first, second)
    metric(y_pred=first[:3], y=second[:3])
    metric(y_pred=list(MetaTensor(first[3:])), y=list(MetaTensor(second[3:])))
    assert float(metric.aggregate()) == pytest.approx(float(every.mean()), rel=1e-6)
    assert metric.aggregate("none").shape == (5, 1)
    metric.reset()
    metric(y_pred=first[:1], y=first[:1])
    assert float(metric.aggregate()) == pytest.approx(1.0)
    summed = StructuralSimilarityMetric(2, reduction="sum", get_not_nans=True)
    summed(first, second)
    value, count = summed.aggregate()
    assert float(value.sum()) == pytest.approx(float(every.sum()), rel=1e-6)
    assert float(count.sum()) == 5


def test_half_precision_is_summed_in_float32_and_nan_shows() -> None:
    first, second = (each.bfloat16() for each in images(2, 1, 32, 32))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = batch_structural_similarity(first, second)
    torch.testing.assert_close(found, batch_structural_similarity(first.float(), second.float()), rtol=0, atol=0)
    spoilt = first.float()
    spoilt[0, 0, 20, 20] = math.nan
    assert batch_structural_similarity(spoilt, second).isnan().tolist() == [True, False]


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((1, 1, 16, 16), (1, 1, 16, 17)), {}, r"\(1, 1, 16, 16\).*\(1, 1, 16, 17\).*twice the same"),
        (((1, 16, 16), (1, 16, 16)), {}, "expected"),
        (((1, 1, 10, 16), (1, 1, 10, 16)), {}, "10 pixels, fewer than the 11 of the window"),
        (((1, 1, 16, 16), (1, 1, 16, 16)), {"kernel_type": "box"}, "kernel_type is 'box'"),
        (((1, 1, 16, 16), (1, 1, 16, 16)), {"win_size": (3, 3, 3)}, "3 values; expected one for each of the 2 axes"),
        (((1, 1, 16, 16), (1, 1, 16, 16)), {"win_size": 0}, "win_size is 0"),
        (((1, 1, 16, 16), (1, 1, 16, 16)), {"kernel_sigma": 0.0}, "kernel_sigma 0.0"),
        (((1, 1, 16, 16), (1, 1, 16, 16)), {"data_range": 0.0}, "data_range is 0.0"),
    ],
)
def test_errors_name_the_problem(shapes: tuple[Any, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        batch_structural_similarity(torch.zeros(shapes[0]), torch.zeros(shapes[1]), **options)


def test_the_metric_refuses_another_number_of_axes() -> None:
    with pytest.raises(InputError, match="2 spatial axes"):
        StructuralSimilarityMetric(2)(torch.zeros(1, 1, 16, 16, 16), torch.zeros(1, 1, 16, 16, 16))
