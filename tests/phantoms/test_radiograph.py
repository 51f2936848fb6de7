"""Rendering: physics, sites and their differences."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation, gaussian_filter

from monai_harmonize.phantoms.anatomy import sample_anatomy
from monai_harmonize.phantoms.radiograph import expected_signal, render, render_paths, tone_curve
from monai_harmonize.phantoms.sites import LUNG_ATTENUATION, SITES, Site
from monai_harmonize.phantoms.thorax import PathLengths, lesion_mask, project_thorax

SIZE = 96
SITE_NAMES = sorted(SITES)


@pytest.fixture(scope="module")
def patients() -> list[PathLengths]:
    return [project_thorax(sample_anatomy(seed), SIZE) for seed in range(16)]


@pytest.fixture(scope="module")
def images(patients: list[PathLengths]) -> dict[str, np.ndarray]:
    return {
        name: np.stack([render_paths(paths, site, seed) for seed, paths in enumerate(patients)])
        for name, site in SITES.items()
    }


def wasserstein(first: np.ndarray, second: np.ndarray) -> float:
    """1-Wasserstein distance of two samples of equal size."""
    return float(np.abs(np.sort(first.ravel()) - np.sort(second.ravel())).mean())


def grain(paths: PathLengths, site: Site) -> float:
    """Standard deviation of noise behind the lungs over seeds, exposure and collimator held still."""
    still = replace(site, exposure_spread=0.0, collimation=0.0)
    stack = np.stack([render_paths(paths, still, seed) for seed in range(12)])
    return float(stack.std(axis=0)[paths.lung > 80].mean())


@pytest.mark.parametrize("name", SITE_NAMES)
def test_image_is_a_function_of_its_arguments(name: str) -> None:
    anatomy = sample_anatomy(1)
    first = render(anatomy, SITES[name], 64, seed=5)
    assert first.dtype == np.float32
    assert first.shape == (64, 64)
    assert first.min() >= 0
    assert first.max() <= 1
    np.testing.assert_array_equal(first, render(anatomy, SITES[name], 64, seed=5))
    assert not np.array_equal(first, render(anatomy, SITES[name], 64, seed=6))
    assert not np.array_equal(first, render(sample_anatomy(2), SITES[name], 64, seed=5))


@pytest.mark.parametrize("name", SITE_NAMES)
def test_lungs_are_darker_than_the_mediastinum_and_air_is_darkest(
    name: str, patients: list[PathLengths], images: dict[str, np.ndarray]
) -> None:
    for paths, image in zip(patients, images[name], strict=True):
        lung, dense = np.median(image[paths.lung > 80]), np.median(image[paths.soft > 18])
        assert 0.1 < lung < dense - 0.1
        air = paths.soft[3:-3, 3:-3] < 0.1
        if air.sum() > 20:
            assert np.median(image[3:-3, 3:-3][air]) < lung


@pytest.mark.parametrize("name", SITE_NAMES)
def test_images_use_a_good_part_of_the_range_without_clipping_much(name: str, images: dict[str, np.ndarray]) -> None:
    low, high = np.quantile(images[name], (0.02, 0.98))
    assert high - low > 0.6
    assert (images[name] == 1).mean() < 0.05


def test_sites_differ_mainly_in_tone(images: dict[str, np.ndarray]) -> None:
    assert 0.10 < wasserstein(images["site_a"], images["site_b"]) < 0.25
    assert wasserstein(images["site_a"], images["site_c"]) > 0.04
    assert wasserstein(images["site_b"], images["site_c"]) > 0.02
    # One increasing curve per site, fitted on pooled grey levels, explains most of the paired difference.
    grey_a, grey_b = np.sort(images["site_a"].ravel())[::20], np.sort(images["site_b"].ravel())[::20]
    moved = np.interp(images["site_a"], grey_a, grey_b)
    raw = np.abs(images["site_a"] - images["site_b"]).mean()
    assert np.abs(moved - images["site_b"]).mean() < 0.6 * raw


@pytest.mark.parametrize("name", SITE_NAMES)
def test_patients_differ_in_their_histograms(name: str, images: dict[str, np.ndarray]) -> None:
    quantiles = np.sort(images[name].reshape(len(images[name]), -1), axis=1)
    own = np.abs(quantiles - quantiles.mean(axis=0)).mean(axis=1)
    assert 0.02 < own.mean() < 0.10


@pytest.mark.parametrize("name", SITE_NAMES)
def test_lesion_changes_the_image_only_near_its_mask(name: str) -> None:
    for seed, finding in enumerate(("infiltrate", "nodules", "cavity")):
        anatomy = sample_anatomy(seed, finding)  # type: ignore[arg-type]
        paths = project_thorax(anatomy, SIZE)
        site = SITES[name]
        change = render_paths(paths, site, 0) - render(replace(anatomy, lesions=()), site, SIZE, 0)
        inside = lesion_mask(paths) > 0
        near = binary_dilation(inside, iterations=max(3, round(3 * site.edge_radius / paths.pixel)))
        assert np.abs(change[~near]).max() < 0.35 * np.abs(change[inside]).max()
        assert np.abs(change[~near]).mean() < 0.012
        assert np.abs(change[inside]).mean() > 4 * np.abs(change[~near]).mean()


def test_higher_voltage_lowers_bone_contrast(patients: list[PathLengths]) -> None:
    paths = patients[0]
    bare = replace(paths, bone=np.zeros_like(paths.bone))
    lungs = paths.lung > 60

    def contrast(kilovolt: float) -> float:
        site = replace(SITES["site_b"], kilovolt=kilovolt, scatter=0.0)
        signal, without = expected_signal(paths, site), expected_signal(bare, site)
        return float(np.std(np.log(without / signal)[lungs]))

    assert contrast(70) > 1.15 * contrast(100) > 1.15 * 1.05 * contrast(140)


def test_noise_grows_as_dose_falls(patients: list[PathLengths]) -> None:
    site = SITES["site_a"]
    usual, low = grain(patients[0], site), grain(patients[0], replace(site, dose=site.dose / 4))
    assert low == pytest.approx(2 * usual, rel=0.1)  # quantum noise: the root of four


def test_scatter_lowers_contrast(patients: list[PathLengths]) -> None:
    paths = patients[0]
    clean = expected_signal(paths, replace(SITES["site_a"], scatter=0.0))
    hazy = expected_signal(paths, replace(SITES["site_a"], scatter=0.5))
    dense = paths.soft > 18
    assert hazy[dense].mean() > 1.5 * clean[dense].mean()
    assert clean[paths.lung > 60].mean() == pytest.approx(1)  # exposure control


def test_edge_enhancement_and_blur_shape_fine_detail(patients: list[PathLengths]) -> None:
    def detail(site: Site) -> float:
        image = render_paths(patients[0], replace(site, dose=1e9), 0)
        return float((image - gaussian_filter(image, 2))[patients[0].lung > 60].std())

    site = SITES["site_b"]
    assert detail(site) > 1.2 * detail(replace(site, edge_gain=0.0))
    assert detail(site) > 1.2 * detail(replace(site, blur=4.0))


@given(st.sampled_from(SITE_NAMES), st.floats(-0.2, 4.0), st.floats(1e-3, 0.5))
@settings(deadline=None)
def test_tone_curves_increase(name: str, attenuation: float, step: float) -> None:
    low, high = tone_curve(np.array([attenuation, attenuation + step]), SITES[name])
    assert low < high


@pytest.mark.parametrize("name", SITE_NAMES)
def test_tone_curve_maps_the_window_to_the_unit_range(name: str) -> None:
    site = SITES[name]
    ends = tone_curve(np.array(site.window), site)
    np.testing.assert_allclose(ends, (0, 1), atol=0.04)
    assert 0.1 < tone_curve(np.array(LUNG_ATTENUATION), site) < 0.6


def test_response_and_contrast_both_matter() -> None:
    level = np.linspace(0.5, 3.5, 7)
    for site in SITES.values():
        assert np.abs(tone_curve(level, site) - tone_curve(level, replace(site, contrast=1.5))).max() > 0.02
    base = replace(SITES["site_b"], contrast=2.0)
    sites = [replace(base, response=response) for response in ("log", "s_curve", "linear")]
    shapes = [tone_curve(level, site) for site in sites]
    assert min(np.abs(a - b).max() for a, b in combinations(shapes, 2)) > 0.05


def test_collimator_shows_black_with_and_bright_without_shutter(patients: list[PathLengths]) -> None:
    site = replace(SITES["site_b"], collimation=60.0, marker=False)
    seed = next(s for s in range(50) if (render_paths(patients[0], site, s)[0] == 0).all())
    assert (render_paths(patients[0], site, seed)[0] == 0).all()
    assert render_paths(patients[0], replace(site, shutter=False), seed)[0].mean() > 0.9


def test_marker_is_a_bright_letter_at_the_upper_right() -> None:
    paths, site = project_thorax(sample_anatomy(0), 256), SITES["site_c"]
    site = replace(site, window=(-1.5, 4.1))  # shows the letter on bare air, too
    change = render_paths(paths, site, 0) - render_paths(paths, replace(site, marker=False), 0)
    rows, columns = np.nonzero(change > 0.1)
    assert len(rows) > 20
    assert rows.max() < 0.2 * 256
    assert columns.min() > 0.85 * 256
    assert np.ptp(rows) > np.ptp(columns)
