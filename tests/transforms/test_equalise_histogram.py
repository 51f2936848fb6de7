import numpy as np
import pytest

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import SiteReference
from monai_harmonize.transforms import EqualiseHistogram

RANDOM = np.random.default_rng(0)


def test_levels_become_their_ranks_over_the_whole_range() -> None:
    image = RANDOM.permutation(np.arange(1001.0) ** 3).reshape(1, 7, 143)
    np.testing.assert_allclose(EqualiseHistogram((0, 1000))(image), np.cbrt(image), atol=1e-6)


def test_every_level_counts_by_its_pixels() -> None:
    image = np.array([[[1, 1, 2, 2, 2, 9, 9, 9, 9, 9]]])
    expected = np.array([[[0, 0, 3, 3, 3, 8, 8, 8, 8, 8]]])
    np.testing.assert_array_equal(EqualiseHistogram((0, 8))(image), expected)


def test_the_range_is_the_sites() -> None:
    site = [RANDOM.uniform(3, 8, (1, 30, 30)), RANDOM.uniform(-2, 5, (1, 30, 30))]
    result = EqualiseHistogram(SiteReference.fit(site))(RANDOM.normal(size=(1, 20, 20)))
    assert (result.min(), result.max()) == pytest.approx((min(map(np.min, site)), max(map(np.max, site))), abs=1e-6)
    with pytest.raises(InputError, match="levels are"):
        EqualiseHistogram((2, 2))
