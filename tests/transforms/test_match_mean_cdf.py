import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.metrics import SiteReference
from monai_harmonize.transforms import MatchHistogram, MatchMeanCdf

RANDOM = np.random.default_rng(0)
SITE = [RANDOM.normal(place, 1 + place, (1, 64, 64)) for place in range(5)]
REFERENCE = SiteReference.fit(SITE)


def test_the_result_has_the_pooled_distribution_of_the_site() -> None:
    result = MatchMeanCdf(REFERENCE)(RANDOM.gamma(1, 1, (1, 64, 64)))
    shares = np.linspace(0.05, 0.95, 19)
    np.testing.assert_allclose(np.quantile(result, shares), np.quantile(np.stack(SITE), shares), atol=0.02)


def test_for_a_site_of_one_image_it_is_matching_to_that_image() -> None:
    image, template = RANDOM.normal(size=(1, 32, 64)), RANDOM.normal(size=(1, 32, 64))
    alone = SiteReference.fit([template])
    np.testing.assert_allclose(MatchMeanCdf(alone)(image), MatchHistogram(template)(image), atol=1e-6)
    np.testing.assert_allclose(MatchMeanCdf(alone)(template), template, atol=1e-6)


@given(st.floats(0.2, 5), st.floats(-3, 3))
def test_increasing_curves_before_it_have_no_effect(exponent: float, shift: float) -> None:
    image = RANDOM.integers(1, 50, (1, 20, 20)).astype(np.float64)
    np.testing.assert_array_equal(MatchMeanCdf(REFERENCE)(image**exponent + shift), MatchMeanCdf(REFERENCE)(image))


def test_twice_is_once() -> None:
    once = MatchMeanCdf(REFERENCE)(RANDOM.gamma(1, 1, (1, 64, 64)))
    np.testing.assert_allclose(MatchMeanCdf(REFERENCE)(once), once, atol=1e-9)
