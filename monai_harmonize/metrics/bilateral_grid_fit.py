"""The smooth field of increasing curves that best explains what a harmonizer did to an image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from torch import Tensor

from monai_harmonize.metrics.tone_curve_projection import ToneCurveProjection
from monai_harmonize.networks.bilateral_grid import segment_rises

__all__ = ["bilateral_grid_fit"]

Values = NDArray[np.float64]
MAX_PIXELS = 2**16


def bilateral_grid_fit(
    image: Tensor,
    output: Tensor,
    grid_size: int = 8,
    num_levels: int = 16,
    slope_range: Sequence[float] = (0.25, 4.0),
    smoothness: float = 1e-4,
) -> tuple[Tensor, Tensor]:
    """Slopes and offset of the bilateral grid from input to output, in least squares with bounded slopes.

    A convex problem. Where an image has no pixel of some level, neighbouring nodes are as alike as possible; the
    search starts at the best single curve.

    Args:
        image: ``(H, W[, D])`` in [-1, 1], float.
        output: the same shape.
        grid_size: nodes along each axis, at least 2.
        num_levels: segments in grey level.
        slope_range: bounds [m, M] of the slopes, ``0 < m <= M``.
        smoothness: weight of the mean squared difference of neighbouring nodes against the mean squared error.

    Returns:
        ``(1, num_levels, g, g[, g])`` and ``(1, 1, g, g[, g])``, float32, for ``apply_bilateral_grid``.

    Raises:
        ValueError: shapes differ, or a value is NaN or infinite.
    """
    dims, nodes = image.ndim, grid_size**image.ndim
    curve = ToneCurveProjection(num_levels + 1, slope_range)
    curve.add(image, output)
    knots, values = curve.solve()
    start = np.append(np.diff(values) / np.diff(knots), np.interp(0.0, knots, values))
    stride = ceil((image.numel() / MAX_PIXELS) ** (1 / dims))
    coarse = (slice(None, None, stride),) * dims
    places: list[Values] = [
        np.arange(0, length, stride, dtype=np.float64) * ((grid_size - 1) / max(length - 1, 1))
        for length in image.shape
    ]
    # The offset is one more column of ones.
    rises = segment_rises(image[coarse].flatten().double(), num_levels).T.numpy()
    columns = np.column_stack([rises, np.ones(len(rises))])
    system = node_products(places, columns, grid_size)
    wanted = output[coarse].flatten().double().numpy()
    alike = sparse.kron(neighbours(grid_size, dims), sparse.eye(num_levels + 1))
    normal = (system.T @ system) / len(wanted) + alike * (smoothness / nodes)
    right = system.T @ wanted / len(wanted)

    def error(unknowns: Values) -> tuple[float, Values]:
        product_ = normal @ unknowns
        return float(unknowns @ (product_ / 2 - right)), product_ - right

    bounds = ([tuple(map(float, slope_range))] * num_levels + [(-np.inf, np.inf)]) * nodes
    found = minimize(error, np.tile(start, nodes), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 300})
    grid = torch.from_numpy(found.x.reshape(*[grid_size] * dims, num_levels + 1)).float().movedim(-1, 0)[None]
    return grid[:, :-1].clamp(*map(float, slope_range)), grid[:, -1:]


def node_products(places: list[Values], columns: Values, grid_size: int) -> sparse.csr_array:
    """Each pixel's columns, shared out to the nodes around it by linear interpolation.

    Args:
        places: of the pixels along each axis, in node units.
        columns: ``(N, K)``, pixels in row-major order.
        grid_size: nodes along each axis.

    Returns:
        ``(N, nodes * K)``.
    """
    lower = [np.minimum(place.astype(int), grid_size - 2) for place in places]
    total = sparse.csr_array((len(columns), grid_size ** len(places) * columns.shape[1]))
    for corner in product((0, 1), repeat=len(places)):
        node, share = np.zeros(1, dtype=int), np.ones(1)
        for place, low, upper in zip(places, lower, corner, strict=True):
            along = place - low
            node = np.add.outer(node * grid_size, low + upper).ravel()
            share = np.multiply.outer(share, along if upper else 1 - along).ravel()
        row, column = np.nonzero(columns * share[:, None])
        entries = columns[row, column] * share[row]
        place_of = node[row] * columns.shape[1] + column
        total += sparse.csr_array((entries, (row, place_of)), shape=total.shape)
    return total


def neighbours(grid_size: int, dims: int) -> sparse.csr_array:
    """Matrix of the sum of squared differences of neighbouring nodes, ``(nodes, nodes)``."""
    line = np.diff(np.eye(grid_size), axis=0)
    chain, alone = sparse.csr_array(line.T @ line), sparse.eye_array(grid_size)
    total = sparse.csr_array((grid_size**dims, grid_size**dims))
    for axis in range(dims):
        term = sparse.eye_array(1)
        for other in range(dims):
            term = sparse.kron(term, chain if other == axis else alone)
        total += term
    return total
