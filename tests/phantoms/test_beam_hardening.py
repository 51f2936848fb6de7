"""Projection, backprojection and what beam hardening does to cylinders."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monai_harmonize.phantoms.beam_hardening import hardening_error
from monai_harmonize.phantoms.ct_materials import Materials
from monai_harmonize.phantoms.ct_scanners import FILTRATION, contrast
from monai_harmonize.phantoms.ct_tomography import ANGLES, backproject, project
from monai_harmonize.phantoms.spectrum import CORTICAL_BONE

LINE = np.arange(64) - 31.5
X, Y = np.meshgrid(LINE, LINE, indexing="ij")
PIXEL = 4.0


def disc(radius: float, x: float = 0.0, y: float = 0.0) -> NDArray[np.float64]:
    return np.clip(radius + 0.5 - np.hypot(X - x, Y - y), 0, 1)[:, :, None]


def cylinder(bone: NDArray[np.float64]) -> Materials:
    water = disc(28)
    return Materials(water, bone, np.zeros_like(water), water, (PIXEL, PIXEL, 4.0))


def error(materials: Materials, kilovolt: float = 120, uncorrected: float = 0.0) -> NDArray[np.float64]:
    return hardening_error(materials, contrast(CORTICAL_BONE, kilovolt), kilovolt, FILTRATION, uncorrected)[:, :, 0]


def test_line_integrals_of_a_disc_are_chords_and_keep_its_mass() -> None:
    image = disc(20)
    sinogram = project(image, PIXEL)
    middle = sinogram.shape[1] // 2
    assert sinogram.shape[0] == ANGLES
    assert sinogram[:, middle - 1 : middle + 1].mean() == pytest.approx(2 * 20 * PIXEL, rel=0.01)
    np.testing.assert_allclose(sinogram.sum(axis=1), PIXEL * image.sum())


def test_backprojection_undoes_projection() -> None:
    image = np.concatenate((disc(20), 0.5 * disc(9, 8, -5)), axis=2)
    found = backproject(project(image, PIXEL), PIXEL, 64)
    assert found[28:36, 28:36, 0].mean() == pytest.approx(1, abs=0.02)
    assert found[38:42, 25:28, 1].mean() == pytest.approx(0.5, abs=0.02)
    assert np.abs(found[2:8, 28:36]).max() < 0.05


def test_water_alone_has_no_error_when_corrected_and_cups_when_not() -> None:
    water = cylinder(np.zeros((64, 64, 1)))
    assert np.abs(error(water)).max() < 0.5
    cupped = error(water, uncorrected=1.0)
    centre, border = cupped[30:34, 30:34].mean(), cupped[np.abs(np.hypot(X, Y) - 25) < 1].mean()
    assert border - centre > 30
    half = error(water, uncorrected=0.5)
    np.testing.assert_allclose(half, cupped / 2, atol=0.5)


def test_bone_is_measured_too_low_and_dark_bands_join_two_bones() -> None:
    rods = disc(4, -12) + disc(4, 12)
    found = error(cylinder(rods))
    assert found[19:21, 31:33].mean() < -20
    between, beside = found[30:34, 30:34].mean(), found[30:34, 46:50].mean()
    assert between < -10
    assert between < beside - 10
    assert error(cylinder(rods), kilovolt=80)[30:34, 30:34].mean() < between


def test_the_error_does_not_depend_on_the_grid() -> None:
    fine = cylinder(disc(4, -12) + disc(4, 12))
    coarse = Materials(
        *(
            values.reshape(32, 2, 32, 2, 1).mean(axis=(1, 3))
            for values in (fine.water, fine.bone, fine.iodine, fine.body)
        ),
        (2 * PIXEL, 2 * PIXEL, 4.0),
    )
    found = error(coarse)
    wanted = error(fine).reshape(32, 2, 32, 2).mean(axis=(1, 3))
    assert np.abs(found - wanted)[10:22, 10:22].max() < 0.25 * np.abs(wanted).max()
