import numpy as np
import pytest

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import SiteReference
from monai_harmonize.transforms import PercentileWindow

RANDOM = np.random.default_rng(0)
REFERENCE = SiteReference.fit([RANDOM.gamma(2, 300 + 50 * place, (1, 50, 50)) for place in range(4)])
RAMP = np.linspace(0, 100, 1001).reshape(1, 1, -1)


def test_percentiles_become_the_sites_and_the_rest_lies_on_the_line() -> None:
    low, high = REFERENCE.channels[0].landmark(10), REFERENCE.channels[0].landmark(80)
    line = low + (high - low) * (RAMP - 10) / 70
    np.testing.assert_allclose(PercentileWindow(REFERENCE, (10, 80), clip=False)(RAMP), line, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(PercentileWindow(REFERENCE, (10, 80))(RAMP), line.clip(low, high), rtol=1e-9)


def test_two_levels_instead_of_a_site() -> None:
    result = PercentileWindow((-1, 1), (25, 75))(RAMP)
    np.testing.assert_allclose(result, ((RAMP - 50) / 25).clip(-1, 1), atol=1e-12)


def test_an_image_whose_percentiles_coincide_is_moved_to_the_middle() -> None:
    image = np.full((1, 100, 100), 3.0)
    image[0, 0, 0] = 4.0
    result = PercentileWindow((0, 10))(image)
    assert (result[0, 5, 5], result[0, 0, 0]) == (5, 6)


def test_wrong_arguments() -> None:
    with pytest.raises(InputError, match="percentiles are 99 and 1"):
        PercentileWindow(REFERENCE, (99, 1))
    with pytest.raises(InputError, match="levels are"):
        PercentileWindow((1, -1))
    with pytest.raises(InputError, match="percentile is 5"):
        PercentileWindow(REFERENCE, (5, 99))(RAMP)
