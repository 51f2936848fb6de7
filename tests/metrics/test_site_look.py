"""A site's look: distances against closed forms, p-values against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.site_look import FEWEST_IMAGES, LIKENESS, SiteLook, effective_count

FEATURES = 6
MIXING = np.random.default_rng(9).normal(size=(FEATURES, FEATURES))


def images(count: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Summaries of a site whose features hang together."""
    return np.random.default_rng(seed).normal(size=(count, FEATURES)) @ MIXING + shift


@pytest.fixture(scope="module")
def site() -> SiteLook:
    return SiteLook.fit(images(60, 0))


def test_mean_and_covariance_are_those_of_the_images() -> None:
    look = SiteLook.fit(images(150, 0))
    scale = np.abs(MIXING.T @ MIXING).max()
    np.testing.assert_allclose(look.covariance, MIXING.T @ MIXING, atol=0.3 * scale)
    np.testing.assert_allclose(look.mean, 0, atol=0.25 * np.sqrt(scale))


def test_the_distance_of_a_known_look() -> None:
    look = SiteLook(np.zeros(2), np.diag([4.0, 1.0]), np.arange(49.0))
    assert look.distance([2, 1]) == pytest.approx(2 / (1 + 1 / 49))
    assert look.distance([[2, 1], [0, 3]], 5) == pytest.approx(np.array([2, 9]) / (1.4 / 5 + 1 / 49))
    assert look.p_value([0, 0]) == 1
    assert look.p_value([0, np.sqrt(46.5 * (1 + 1 / 49))]) == pytest.approx(3 / 50)
    assert look.p_value([0, 99]) == pytest.approx(1 / 50)


def test_the_likelihood_is_the_normal_density() -> None:
    look = SiteLook(np.zeros(1), np.array([[4.0]]), np.arange(50.0))
    deviation = 2 * np.sqrt(look.variance(3))
    wanted = -0.5 * (1.5 / deviation) ** 2 - np.log(deviation)
    assert look.log_likelihood([1.5], 3) == pytest.approx(wanted)


def test_images_of_a_batch_count_less_than_their_number() -> None:
    assert effective_count(1) == 1
    counts = [effective_count(number) for number in range(1, 200)]
    assert np.all(np.diff(counts) > 0)
    assert counts[-1] < 1 / LIKENESS
    assert effective_count(10**9) == pytest.approx(1 / LIKENESS, rel=1e-6)


@pytest.fixture(scope="module")
def several() -> list[SiteLook]:
    """The same site, learned from ten small cohorts."""
    return [SiteLook.fit(images(40, 100 + seed)) for seed in range(10)]


def test_five_percent_of_new_images_lie_beyond_five_percent(several: list[SiteLook]) -> None:
    p_values = np.array([look.p_value(images(2000, 1)) for look in several])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p_values < level) == pytest.approx(level, abs=0.02 + level / 10)


def test_batches_of_the_site_are_rarely_far_even_where_their_images_are_alike(several: list[SiteLook]) -> None:
    rng = np.random.default_rng(2)
    for count in (5, 20, 100):
        common = rng.normal(size=(300, 1, FEATURES)) * np.sqrt(LIKENESS)
        own = rng.normal(size=(300, count, FEATURES)) * np.sqrt(1 - LIKENESS)
        batches = (common + own).mean(1) @ MIXING
        assert np.mean([look.p_value(batches, count) < 0.05 for look in several]) < 0.07


def test_a_batch_tells_what_its_images_do_not(site: SiteLook) -> None:
    shift = 1.2 * np.ones(FEATURES) @ MIXING
    others = images(20, 3) + shift
    assert np.mean(site.p_value(others) < 0.05) < 0.8
    assert site.p_value(others.mean(0), 20) < 0.05


@given(st.integers(0, 1000), st.floats(1.01, 5))
def test_farther_is_never_more_likely(seed: int, factor: float) -> None:
    look = SiteLook(np.zeros(FEATURES), MIXING.T @ MIXING + np.eye(FEATURES), np.linspace(0, 20, 60))
    point = images(1, seed)[0]
    assert look.distance(point * factor, 4) > look.distance(point, 4)
    assert look.p_value(point * factor, 4) <= look.p_value(point, 4)


def test_single_images_do_not_pull() -> None:
    clean = images(60, 4)
    spoilt = np.concatenate([clean, np.full((2, FEATURES), 1e6)])
    one, other = SiteLook.fit(clean), SiteLook.fit(spoilt)
    assert np.sqrt(one.distance(other.mean)) < 0.7
    assert np.linalg.slogdet(other.covariance)[1] < np.linalg.slogdet(one.covariance)[1] + 5
    assert other.distances[-1] > 1e6


def test_images_of_one_patient_do_not_vouch_for_each_other() -> None:
    """Two nearly equal images each: left out together they are as rare as two patients are."""
    rng = np.random.default_rng(5)
    twice = np.repeat(images(25, 5), 2, axis=0) + rng.normal(0, 0.01, (50, FEATURES))
    patients = np.repeat(np.arange(25), 2)
    assert np.median(SiteLook.fit(twice, patients).distances) > 1.05 * np.median(SiteLook.fit(twice).distances)


def test_a_level_that_all_images_share_may_differ_by_a_hair() -> None:
    points = images(60, 6)
    points[:, 2] = -1
    look = SiteLook.fit(points)
    near, far = points[0].copy(), points[0].copy()
    near[2], far[2] = -0.99, 0.0
    assert look.p_value(near) > 0.05
    assert look.p_value(far) < 0.05


@pytest.mark.parametrize(
    ("count", "patients"), [(FEWEST_IMAGES - 1, None), (40, [number // 3 for number in range(40)])]
)
def test_too_few_patients(count: int, patients: list[int] | None) -> None:
    with pytest.raises(InputError, match=f"{FEWEST_IMAGES} patients at least"):
        SiteLook.fit(images(count, 0), patients)
