"""Looks differ from each other as they claim."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.ct_materials import Materials
from monai_harmonize.phantoms.spine_anatomy import sample_spine
from monai_harmonize.phantoms.spine_levels import NUMBERS
from monai_harmonize.phantoms.spine_looks import LOOKS, REFERENCE, Look, at_strength, look_at
from monai_harmonize.phantoms.spine_volume import SpineVolume, voxelize_spine

PLAIN = Look("plain", blur=0.3, overshoot=0, noise=0, hardening=0)


@pytest.fixture(scope="module")
def patient() -> SpineVolume:
    return voxelize_spine(replace(sample_spine(5), iodine=0.006), (64, 64, 16), (2.5, 2.5, 4.0))


def noise_of(look: Look) -> NDArray[np.float64]:
    """What two scans of a uniform patient differ by, per root of two."""
    water = np.ones((48, 48, 12))
    patient = Materials(water, 0 * water, 0 * water, water, (1.0, 1.0, 1.0))
    first, second = (look_at(patient, replace(look, exported=0), seed).astype(float) for seed in (0, 1))
    return (first - second) / np.sqrt(2)


def mean_frequency(noise: NDArray[np.float64]) -> float:
    power = (np.abs(np.fft.fft2(noise, axes=(0, 1))) ** 2).mean(axis=2)
    frequency = np.hypot(np.fft.fftfreq(48)[:, None], np.fft.fftfreq(48))
    return float((power * frequency).sum() / power.sum())


@pytest.mark.parametrize("name", LOOKS)
def test_noise_has_the_deviation_that_the_look_names(name: str) -> None:
    assert noise_of(LOOKS[name]).std() == pytest.approx(LOOKS[name].noise, rel=0.03)


def test_sharp_kernels_make_fine_noise_and_soft_ones_coarse() -> None:
    soft, reference, sharp = (mean_frequency(noise_of(LOOKS[name])) for name in ("soft", "reference", "sharp"))
    assert sharp > 1.3 * reference > 1.3**2 * soft


@pytest.mark.parametrize("blur", [1.5, 3.0])
def test_an_edge_is_as_wide_as_the_kernel(blur: float) -> None:
    water = np.zeros((64, 16, 8))
    water[32:] = 1
    edge = Materials(water, 0 * water, 0 * water, water, (1.0, 1.0, 1.0))
    spread = np.diff(look_at(edge, replace(PLAIN, blur=blur), 0)[:, 8, 4].astype(float)) / 1000
    place = np.arange(len(spread))
    middle = (spread * place).sum()
    assert np.sqrt((spread * (place - middle) ** 2).sum()) == pytest.approx(blur, rel=0.05)
    rim = look_at(edge, replace(PLAIN, overshoot=1.6), 0)[:, 8, 4]
    assert rim.max() > 300
    assert look_at(edge, PLAIN, 0).max() == 0


def test_a_low_voltage_raises_bone_and_iodine_and_hardly_soft_tissue(patient: SpineVolume) -> None:
    high, low = (look_at(patient.materials, replace(PLAIN, kilovolt=voltage), 0) for voltage in (120.0, 75.0))
    ratio = {
        tissue: low[patient.labels == NUMBERS[tissue]].mean() / high[patient.labels == NUMBERS[tissue]].mean()
        for tissue in ("L3", "aorta", "psoas")
    }
    assert 1.25 < ratio["L3"] < 1.6
    assert ratio["aorta"] > 1.45
    assert ratio["psoas"] == pytest.approx(1, abs=0.1)


def test_hardening_darkens_bone_in_proportion(patient: SpineVolume) -> None:
    none, once, five = (look_at(patient.materials, replace(PLAIN, hardening=k), 0).astype(int) for k in (0, 1, 5))
    bone = patient.labels == NUMBERS["L3"]
    assert (once - none)[bone].mean() < -1
    assert (five - none)[bone].mean() == pytest.approx(5 * (once - none)[bone].mean(), rel=0.05)


def test_an_export_keeps_the_order_of_grey_levels_and_holds_256(patient: SpineVolume) -> None:
    plain, exported = look_at(patient.materials, PLAIN, 0), look_at(patient.materials, replace(PLAIN, exported=1), 0)
    order = np.argsort(plain, axis=None)
    assert (np.diff(exported.ravel()[order].astype(int))[np.diff(plain.ravel()[order]) > 0] >= 0).all()
    assert len(np.unique(exported)) <= 256
    assert exported.min() == -600
    muscle = patient.labels == NUMBERS["psoas"]
    assert exported[muscle].mean() > plain[muscle].mean() + 300


def test_strength_leads_from_the_reference_to_the_look_and_beyond(patient: SpineVolume) -> None:
    for look in LOOKS.values():
        assert replace(at_strength(look, 0), name="reference") == REFERENCE
        assert at_strength(look, 1) == look
        assert at_strength(REFERENCE, 2) == REFERENCE
    reference = look_at(patient.materials, REFERENCE, 0).astype(int)
    for name in LOOKS.keys() - {"reference"}:
        half, full = (look_at(patient.materials, at_strength(LOOKS[name], k), 0) - reference for k in (0.5, 1.0))
        assert 5 < np.abs(half).mean() < np.abs(full).mean(), name
    for wrong in (-0.1, 3.1, float("nan")):
        with pytest.raises(InputError, match="expected 0"):
            at_strength(REFERENCE, wrong)


def test_the_same_seed_gives_the_same_bits(patient: SpineVolume) -> None:
    look = LOOKS["sharp"]
    first = look_at(patient.materials, look, 4)
    assert first.dtype == np.int16
    np.testing.assert_array_equal(first, look_at(patient.materials, look, 4))
    assert not np.array_equal(first, look_at(patient.materials, look, 5))
