"""Parallel projections of slices and their filtered backprojection, by one sparse matrix for all slices."""

from functools import lru_cache

import numpy as np
from scipy.fft import irfft, rfft
from scipy.sparse import csr_matrix

from monai_harmonize.phantoms.solids import Array

__all__ = ["ANGLES", "backproject", "project"]

ANGLES = 60


@lru_cache(maxsize=4)
def _matrix(size: int) -> csr_matrix:
    """Weights (ANGLES * bins, size * size) by which pixels share themselves among the two nearest bins."""
    bins = _bins(size)
    line = np.arange(size) - (size - 1) / 2
    x, y = (part.ravel() for part in np.meshgrid(line, line, indexing="ij"))
    angle = np.arange(ANGLES)[:, None] * np.pi / ANGLES
    place = x * np.cos(angle) + y * np.sin(angle) + (bins - 1) / 2
    base = np.floor(place).astype(np.intp)
    part = place - base
    row = base + bins * np.arange(ANGLES)[:, None]
    column = np.broadcast_to(np.arange(size * size), row.shape)
    values = np.concatenate(((1 - part).ravel(), part.ravel()))
    rows = np.concatenate((row.ravel(), (row + 1).ravel()))
    columns = np.concatenate((column.ravel(), column.ravel()))
    return csr_matrix((values, (rows, columns)), shape=(ANGLES * bins, size * size))


def _bins(size: int) -> int:
    return int(np.ceil(size * np.sqrt(2))) + 3


def project(slices: Array, pixel: float) -> Array:
    """Line integrals.

    Args:
        slices: (size, size, slices), in some unit per mm.
        pixel: edge in mm.

    Returns:
        (ANGLES, bins, slices).
    """
    size = slices.shape[0]
    sinogram = pixel * (_matrix(size) @ slices.reshape(size * size, -1))
    return np.asarray(sinogram.reshape(ANGLES, _bins(size), -1))


def backproject(sinogram: Array, pixel: float, size: int) -> Array:
    """Slices (size, size, slices) from their line integrals, by Ramachandran's and Lakshminarayanan's filter."""
    bins = sinogram.shape[1]
    length = 2 ** int(np.ceil(np.log2(2 * bins)))
    offset = np.minimum(np.arange(length), length - np.arange(length)).astype(float)
    ramp = np.zeros(length)
    odd = offset % 2 == 1
    ramp[odd] = -1 / (np.pi * offset[odd]) ** 2
    ramp[0] = 0.25
    spectrum = rfft(ramp)[None, :, None] * rfft(sinogram, length, axis=1)
    filtered = irfft(spectrum, length, axis=1)[:, :bins] / pixel
    slices = np.pi / ANGLES * (_matrix(size).T @ filtered.reshape(ANGLES * bins, -1))
    return np.asarray(slices.reshape(size, size, -1))
