"""Patients rendered twice, with a lesion and without it: the truth that a lesion audit needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms import (
    SITES,
    Finding,
    Lesion,
    ThoraxAnatomy,
    lesion_mask,
    lung_mask,
    project_thorax,
    render_paths,
    sample_anatomy,
)

__all__ = ["LESIONS", "LesionPair", "SampleLesions", "conspicuous_masses", "phantom_site", "render_lesion_pairs"]

SampleLesions = Callable[[int], ThoraxAnatomy]
Image = NDArray[np.float32]
KINDS: tuple[Finding, ...] = ("nodules", "cavity", "infiltrate")


@dataclass(frozen=True)
class LesionPair:
    """One patient at one site, two radiographs that differ by the lesion alone.

    Args:
        name: identifier of the patient.
        ill: radiograph with the lesion, ``(columns, rows)``, float32 on [-1, 1], bright is dense.
        healthy: the same patient, exposure and noise without it.
        lesion: pixels of the lesion.
        lungs: pixels of the lung fields.
        spacing: mm per pixel.
    """

    name: str
    ill: Image
    healthy: Image
    lesion: NDArray[np.bool_]
    lungs: NDArray[np.bool_]
    spacing: float


def tuberculosis(seed: int) -> ThoraxAnatomy:
    """Patient with nodules, a cavity or an infiltrate, one after the other."""
    return sample_anatomy(seed, KINDS[seed % len(KINDS)])


def conspicuous_masses(seed: int) -> ThoraxAnatomy:
    """Patient with two solid masses of 36 to 48 mm, one in each lung, which no reader overlooks even at 64 pixels."""
    rng = np.random.default_rng([seed, 7])
    masses = tuple(
        Lesion(side, rng.uniform(0.3, 0.6), rng.uniform(-0.2, 0.3), rng.uniform(18, 24), phase=rng.uniform(0, 6.28))
        for side in (-1, 1)
    )
    return replace(sample_anatomy(seed, "none"), finding="nodules", lesions=masses)


LESIONS: dict[str, SampleLesions] = {"tuberculosis": tuberculosis, "conspicuous masses": conspicuous_masses}


def render_lesion_pairs(
    site: str, count: int, *, size: int = 256, seed: int = 0, lesions: str = "tuberculosis"
) -> list[LesionPair]:
    """Render patients with and without their lesion.

    Args:
        site: name of a phantom site.
        count: patients.
        size: pixels per edge, at least 32.
        seed: of the cohort; another seed gives other patients.
        lesions: name in ``LESIONS``.

    Raises:
        InputError: an unknown site or kind of lesion, no patient, or too small an image.
    """
    _check(site, count, size, lesions)
    return [_pair(site, patient, size, LESIONS[lesions]) for patient in _patients(count, seed)]


def phantom_site(
    site: str, count: int, prevalence: float, *, size: int = 256, seed: int = 0, lesions: str = "tuberculosis"
) -> list[Image]:
    """Training images of a site of which a chosen share shows a lesion (the skew of Cohen et al., MICCAI 2018).

    Args:
        site: name of a phantom site.
        count: patients.
        prevalence: share of patients with a lesion, 0 to 1.
        size: pixels per edge, at least 32.
        seed: of the cohort.
        lesions: name in ``LESIONS``.

    Returns:
        Radiographs ``(columns, rows)`` on [-1, 1].

    Raises:
        InputError: as for ``render_lesion_pairs``, or a prevalence outside [0, 1].
    """
    _check(site, count, size, lesions)
    if not 0 <= prevalence <= 1:
        raise InputError(f"prevalence is {prevalence:g}; expected a share from 0 to 1")
    ill = round(prevalence * count)
    images = []
    for place, patient in enumerate(_patients(count, seed)):
        anatomy = LESIONS[lesions](patient)
        chosen = anatomy if place < ill else replace(anatomy, finding="none", lesions=())
        images.append(_scaled(render_paths(project_thorax(chosen, size), SITES[site], patient)))
    return images


def _pair(site: str, patient: int, size: int, sample: SampleLesions) -> LesionPair:
    anatomy = sample(patient)
    ill = project_thorax(anatomy, size)
    healthy = project_thorax(replace(anatomy, finding="none", lesions=()), size)
    images = [_scaled(render_paths(paths, SITES[site], patient)) for paths in (ill, healthy)]
    masks = [np.ascontiguousarray(mask.T > 0) for mask in (lesion_mask(ill), lung_mask(healthy))]
    return LesionPair(f"{patient:010d}", images[0], images[1], masks[0], masks[1], ill.pixel)


def _scaled(image: Image) -> Image:
    """From the phantom's (rows, columns) on [0, 1] to the package's (columns, rows) on [-1, 1]."""
    return np.ascontiguousarray(2 * image.T - 1, np.float32)


def _patients(count: int, seed: int) -> Sequence[int]:
    children = np.random.SeedSequence([seed, 11]).spawn(count)
    return [int(child.generate_state(1)[0]) for child in children]


def _check(site: str, count: int, size: int, lesions: str) -> None:
    if site not in SITES:
        raise InputError(f"site {site!r} is no phantom site; choose among {', '.join(SITES)}")
    if lesions not in LESIONS:
        raise InputError(f"lesions {lesions!r} are unknown; choose among {', '.join(LESIONS)}")
    if count < 1 or size < 32:
        raise InputError(f"count is {count} and size {size}; expected at least 1 patient and 32 pixels")
