"""Radiograph of a patient at a site: Beer-Lambert projection, scatter, noise, tone curve, processing."""

import zlib

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from monai_harmonize.phantoms.anatomy import ThoraxAnatomy
from monai_harmonize.phantoms.sites import LUNG_ATTENUATION, Site
from monai_harmonize.phantoms.solids import Array
from monai_harmonize.phantoms.spectrum import transmission
from monai_harmonize.phantoms.thorax import PathLengths, project_thorax

SCATTER_RADIUS = 38.0  # mm, standard deviation of the scatter kernel
LEAKAGE = 0.012  # signal behind the collimator's blades relative to the lungs
TOE = 0.05  # width of the bends at black and white of the "log" response
LEAD = 1.2  # attenuation (natural logarithm) of the lead marker


def expected_signal(paths: PathLengths, site: Site) -> Array:
    """Noise-free detector signal (rows, columns); exposure control makes its mean behind the lungs 1."""
    primary = transmission(paths.soft, paths.bone, site.kilovolt)
    scattered = gaussian_filter(primary, SCATTER_RADIUS / paths.pixel, mode="nearest", truncate=2.5)
    signal = (1 - site.scatter) * primary + site.scatter * scattered
    lungs = paths.lung > 60
    return np.asarray(signal / (signal[lungs] if lungs.any() else signal).mean())


def tone_curve(attenuation: Array, site: Site) -> Array:
    """Grey level, bright = dense, from attenuation (natural logarithm, `LUNG_ATTENUATION` behind the lungs).

    Strictly increasing; the site's window is mapped to [0, 1] and values outside may exceed it.
    """
    low, high = site.window
    level = (attenuation - low) / (high - low)
    if site.response == "s_curve":
        return np.asarray(0.5 + 0.5 * np.tanh(site.contrast * (level - 0.5)) / np.tanh(0.5 * site.contrast))
    if site.response == "linear":
        return np.asarray(np.expm1(-site.contrast * level) / np.expm1(-site.contrast))
    bent = TOE * (np.logaddexp(0, level / TOE) - np.logaddexp(0, (level - 1) / TOE))
    return np.asarray(bent**site.contrast)


def _marker(paths: PathLengths) -> Array:
    """Attenuation of a lead letter L near the upper corner on the patient's left side."""
    size = paths.soft.shape[0]
    height, stroke = max(round(14 / paths.pixel), 3), max(round(2.5 / paths.pixel), 1)
    top, left = round(0.06 * size), round(0.92 * size)
    shade = np.zeros_like(paths.soft)
    shade[top : top + height, left : left + stroke] = LEAD
    shade[top + height - stroke : top + height, left : left + round(0.6 * height)] = LEAD
    return shade


def _collimator(paths: PathLengths, site: Site, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Pixels that the collimator leaves open; most sides of most images stay fully open."""
    size = paths.soft.shape[0]
    closed = np.clip(rng.normal(-0.4, 0.6, 4), 0, 1) * site.collimation / paths.pixel
    line = np.arange(size)
    rows = (line >= closed[0]) & (line < size - closed[1])
    columns = (line >= closed[2]) & (line < size - closed[3])
    return np.asarray(rows[:, None] & columns)


def render_paths(paths: PathLengths, site: Site, seed: int) -> NDArray[np.float32]:
    """Radiograph (rows, columns), float32 in [0, 1], bright = dense, of given path lengths.

    Args:
        paths: materials along the rays.
        site: machine and processing.
        seed: seed of exposure, collimation and noise; two sites draw different numbers from the same seed.
    """
    rng = np.random.default_rng([seed, zlib.crc32(site.name.encode())])
    exposure = np.exp(site.exposure_spread * np.clip(rng.standard_normal(), -2, 2))
    opening = _collimator(paths, site, rng)
    signal = exposure * expected_signal(paths, site)
    if site.marker:
        signal *= np.exp(-_marker(paths))
    signal = gaussian_filter(np.where(opening, signal, LEAKAGE), site.blur / paths.pixel)
    # Poisson noise as a normal draw: one number per pixel, so that the same seed gives the same grain.
    photons = site.dose * paths.pixel**2
    noisy = signal + np.sqrt(signal / photons) * rng.standard_normal(signal.shape)
    attenuation = LUNG_ATTENUATION - np.log(np.maximum(noisy, 0.5 / photons))
    smooth = gaussian_filter(attenuation, site.edge_radius / paths.pixel)
    grey = np.clip(tone_curve(attenuation + site.edge_gain * (attenuation - smooth), site), 0, 1)
    if site.shutter:
        grey = np.where(opening, grey, 0.0)
    return np.asarray(grey, np.float32)


def render(anatomy: ThoraxAnatomy, site: Site, size: int = 256, seed: int = 0) -> NDArray[np.float32]:
    """Radiograph (rows, columns), float32 in [0, 1], bright = dense, of a patient at a site.

    Args:
        anatomy: the patient.
        site: machine and processing.
        size: pixels per edge.
        seed: seed of exposure, collimation and noise.
    """
    return render_paths(project_thorax(anatomy, size), site, seed)
