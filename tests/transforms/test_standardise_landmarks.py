import numpy as np
import pytest

from monai_harmonize.metrics import SiteReference
from monai_harmonize.metrics.site_reference import LANDMARKS
from monai_harmonize.transforms import StandardiseLandmarks

RANDOM = np.random.default_rng(0)
REFERENCE = SiteReference.fit([RANDOM.gamma(2, 300 + 50 * place, (1, 50, 50)) for place in range(4)])
STANDARD = np.asarray(REFERENCE.channels[0].landmarks)


def test_landmarks_land_on_landmarks() -> None:
    # A multiple of 100 pixels and one: every percentile is a pixel's own level.
    image = RANDOM.normal(5, 2, (1, 1, 1001))
    result = StandardiseLandmarks(REFERENCE)(image)
    np.testing.assert_allclose(np.percentile(result, LANDMARKS), STANDARD, rtol=1e-9)


def test_lines_between_and_beyond_the_landmarks() -> None:
    image = np.linspace(0, 100, 1001).reshape(1, 1, -1)
    result = StandardiseLandmarks(REFERENCE)(image).ravel()
    x = image.ravel()
    inside = (x >= 1) & (x <= 99)
    np.testing.assert_allclose(result[inside], np.interp(x[inside], LANDMARKS, STANDARD))
    first = (STANDARD[1] - STANDARD[0]) / 9
    last = (STANDARD[-1] - STANDARD[-2]) / 9
    np.testing.assert_allclose(result[0], STANDARD[0] - first)
    np.testing.assert_allclose(result[-1], STANDARD[-1] + last)


def test_gain_and_offset_before_it_have_no_effect_and_twice_is_once() -> None:
    image = RANDOM.normal(5, 2, (1, 1, 1001))
    transform = StandardiseLandmarks(REFERENCE)
    once = transform(image)
    np.testing.assert_allclose(transform(3 * image - 7), once, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(transform(once), once, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("border", [0, 1000])
def test_a_border_of_one_level_becomes_the_outermost_landmark(border: int) -> None:
    image = np.sort(RANDOM.uniform(10, 900, (1, 40, 50)).round())
    image[0, :14] = border
    result = StandardiseLandmarks(REFERENCE)(image)
    assert np.unique(result[image == border]) == pytest.approx(STANDARD[0 if border == 0 else -1])
    assert np.isfinite(result).all()


def test_landmarks_that_share_a_level_inside_take_their_mean() -> None:
    image = np.concatenate([np.linspace(0, 1, 450), np.full(400, 5.0), np.linspace(9, 10, 451)]).reshape(1, 1, -1)
    result = StandardiseLandmarks(REFERENCE)(image)
    shared = [place for place, level in enumerate(np.percentile(image, LANDMARKS)) if level == 5]
    assert len(shared) > 1
    assert result[image == 5][0] == pytest.approx(STANDARD[shared].mean())


def test_an_image_with_nearly_one_level_is_moved() -> None:
    image = np.full((1, 100, 100), 3.0)
    image[0, 0, 0] = 4.0
    result = StandardiseLandmarks(REFERENCE)(image)
    assert np.ptp(result) == pytest.approx(1.0)
    assert result[0, 5, 5] == pytest.approx(STANDARD.mean())
