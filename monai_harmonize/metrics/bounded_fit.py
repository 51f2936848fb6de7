"""Best increasing curve whose slope stays within bounds, in least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import lsq_linear

__all__ = ["bounded_increasing_fit"]

# Weight of a smooth curve against one unit of data; it decides only where there is no data.
SMOOTHNESS = 1e-8


def bounded_increasing_fit(
    levels: ArrayLike,
    targets: ArrayLike,
    weights: ArrayLike,
    knots: ArrayLike,
    slope_range: tuple[float, float],
) -> NDArray[np.float64]:
    """Values at the knots of the best continuous, piecewise-linear curve with every slope in ``slope_range``.

    Minimises ``sum(w * (f(x) - y)^2)`` over offset and slopes, a convex problem with bounds. Where no level lies, the
    slope changes as little as possible from segment to segment. Beyond the outer knots the outer segments go on.

    Args:
        levels: x, shape ``(N,)``, any unit.
        targets: y, shape ``(N,)``.
        weights: w, shape ``(N,)``, at least 0 and not all 0.
        knots: increasing, shape ``(K,)``, K at least 2, in the unit of ``levels``.
        slope_range: smallest and largest slope, ``0 < smallest <= largest``, in units of y per unit of x.

    Returns:
        Shape ``(K,)``, strictly increasing.

    Raises:
        ValueError: shapes, knots, weights or slopes outside the above, or a value that is not finite.
    """
    x, y, w, at = (np.asarray(values, dtype=np.float64) for values in (levels, targets, weights, knots))
    smallest, largest = map(float, slope_range)
    check_problem(x, y, w, at, smallest, largest)
    widths = np.diff(at)
    middle, span = (smallest + largest) / 2, max(largest - smallest, 1e-12 * largest)
    # Unknowns: the offset and the slopes, these as their place between the bounds, so that all are of one size.
    within = np.clip((x[:, None] - at[:-1]) / widths, 0.0, 1.0)
    within[:, 0] += np.minimum((x - at[0]) / widths[0], 0.0)
    within[:, -1] += np.maximum((x - at[-1]) / widths[-1], 0.0)
    root = np.sqrt(w / w.sum())
    scale = span * (at[-1] - at[0])
    travelled = within * widths
    data = np.column_stack([np.ones_like(x), travelled * (span / scale)]) * root[:, None]
    wanted = (y - travelled.sum(axis=1) * middle) / scale * root
    smooth = np.diff(np.eye(len(widths) + 1)[1:], axis=0) * np.sqrt(SMOOTHNESS)
    bounds = np.full(len(widths) + 1, 0.5)
    bounds[0] = np.inf
    solution = lsq_linear(
        np.vstack([data, smooth]), np.concatenate([wanted, np.zeros(len(smooth))]), (-bounds, bounds), tol=1e-12
    ).x
    slopes = np.clip(middle + span * solution[1:], smallest, largest)
    offset = solution[0] * scale
    # The offset is free, so that it is best for the slopes as they are after clipping.
    offset += float(np.average(y - offset - travelled @ slopes, weights=w))
    fitted: NDArray[np.float64] = offset + np.concatenate([[0.0], np.cumsum(slopes * widths)])
    return fitted


def check_problem(*problem: Any) -> None:
    """Refuse what has no solution."""
    x, y, w, at, smallest, largest = problem
    if not (x.ndim == 1 and x.shape == y.shape == w.shape and x.size > 0):
        raise ValueError(f"levels, targets and weights have shapes {x.shape}, {y.shape}, {w.shape}; expected one (N,)")
    if not all(np.isfinite(values).all() for values in (x, y, w, at)):
        raise ValueError("a level, target, weight or knot is NaN or infinite")
    if (w < 0).any() or w.sum() <= 0:
        raise ValueError("weights must be at least 0, and one above 0")
    if at.ndim != 1 or at.size < 2 or not (np.diff(at) > 0).all():
        raise ValueError(f"knots must be at least 2 and increasing; got {at.size} knots")
    if not 0 < smallest <= largest < np.inf:
        raise ValueError(f"slope_range is ({smallest:g}, {largest:g}); expected 0 < smallest <= largest")
