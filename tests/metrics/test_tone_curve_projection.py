"""One curve for several pairs of images."""

import numpy as np
import pytest
import torch

from monai_harmonize.metrics import ToneCurveProjection


def test_a_site_gets_the_curve_that_made_its_outputs() -> None:
    knots = np.linspace(-1, 1, 33)
    values = np.cumsum(np.append(-0.5, np.random.default_rng(0).uniform(0.3, 3, 32) / 16))
    projection = ToneCurveProjection(33)
    for seed, size in enumerate([(40, 40), (25, 60), (12, 13, 11)]):
        image = 2 * torch.rand(size, generator=torch.Generator().manual_seed(seed)) - 1
        projection.add(image, torch.from_numpy(np.interp(image.numpy(), knots, values)).float())
    found_knots, found = projection.solve()
    np.testing.assert_allclose(found_knots, knots)
    np.testing.assert_allclose(found, values, atol=5e-3)


def test_images_that_disagree_meet_in_their_mean_whatever_their_size() -> None:
    image = torch.linspace(-1, 1, 4096)
    projection = ToneCurveProjection(9)
    projection.add(image, image + 0.1)
    projection.add(image.repeat(7), image.repeat(7) + 0.3)
    knots, values = projection.solve()
    np.testing.assert_allclose(values, knots + 0.2, atol=1e-6)


def test_hounsfield_units_will_do() -> None:
    image = torch.linspace(-1024, 3071, 5000)
    projection = ToneCurveProjection(17, grey_range=(-1024, 3071))
    projection.add(image, 0.5 * image + 40)
    knots, values = projection.solve()
    np.testing.assert_allclose(values, 0.5 * knots + 40, atol=0.01)


def test_levels_beyond_the_range_are_not_lost() -> None:
    image = torch.linspace(-2, 2, 4001)
    projection = ToneCurveProjection(9)
    projection.add(image, 2 * image)
    knots, values = projection.solve()
    np.testing.assert_allclose(values, 2 * knots, atol=1e-6)


@pytest.mark.parametrize(
    ("image", "output", "message"),
    [
        (torch.zeros(3), torch.zeros(4), r"shapes \(3,\) and \(4,\)"),
        (torch.zeros(3), torch.full((3,), float("nan")), "NaN or infinity"),
        (torch.zeros(0), torch.zeros(0), "is empty"),
    ],
)
def test_wrong_pairs_are_refused(image, output, message) -> None:
    with pytest.raises(ValueError, match=message):
        ToneCurveProjection().add(image, output)


def test_no_pair_has_no_curve() -> None:
    with pytest.raises(ValueError, match="N,"):
        ToneCurveProjection().solve()
