"""Best increasing curve whose slope stays within bounds, in least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import lsq_linear

__all__ = ["bounded_increasing_fit"]

# Weight of a smooth curve against one unit of data; it decides only where there is no data.
SMOOTHNESS = 1e-8
# Weight of a rise that must be met.
PIN = 1e3


def bounded_increasing_fit(
    levels: ArrayLike,
    targets: ArrayLike,
    weights: ArrayLike,
    knots: ArrayLike,
    slope_range: tuple[float, float],
    value_range: tuple[float, float] = (-np.inf, np.inf),
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
        value_range: where the values at the knots must lie; wide enough for the smallest slope.

    Returns:
        Shape ``(K,)``, strictly increasing.

    Raises:
        ValueError: shapes, knots, weights or slopes outside the above, or a value that is not finite.
    """
    x, y, w, at = (np.asarray(values, dtype=np.float64) for values in (levels, targets, weights, knots))
    smallest, largest = (float(slope) for slope in slope_range)
    low, high = (float(bound) for bound in value_range)
    check_problem(x, y, w, at, smallest, largest)
    widths = np.diff(at)
    if high - low < smallest * widths.sum():
        raise ValueError(f"value_range ({low:g}, {high:g}) is too narrow for a slope of {smallest:g} over the knots")
    within = np.clip((x[:, None] - at[:-1]) / widths, 0.0, 1.0)
    within[:, 0] += np.minimum((x - at[0]) / widths[0], 0.0)
    within[:, -1] += np.maximum((x - at[-1]) / widths[-1], 0.0)
    travelled = within * widths
    problem = (y, w, (smallest, largest), float(at[-1] - at[0]))
    bottom, slopes = solve_slopes(travelled, *problem, (low, np.inf))
    # The problem is convex: an end that would lie outside if it were free lies on its bound.
    if bottom + slopes @ widths > high:
        top, slopes = solve_slopes(travelled - widths, *problem, (-np.inf, high))
        bottom = float(top - slopes @ widths)
        if bottom < low:
            _, slopes = solve_slopes(travelled, *problem, (low, low), widths, high - low)
            bottom = low
    fitted: NDArray[np.float64] = bottom + np.concatenate([[0.0], np.cumsum(slopes * widths)])
    return fitted


def solve_slopes(
    travelled: NDArray[np.float64],
    y: NDArray[np.float64],
    w: NDArray[np.float64],
    slope_range: tuple[float, float],
    reach: float,
    anchor_range: tuple[float, float],
    widths: NDArray[np.float64] | None = None,
    rise: float = 0.0,
) -> tuple[float, NDArray[np.float64]]:
    """Best value at an outer knot, the anchor, and best slopes.

    Args:
        travelled: way from the anchor to each level within each segment, ``(N, K - 1)``.
        y: wanted values, ``(N,)``.
        w: weights, ``(N,)``.
        slope_range: bounds of the slopes.
        reach: length of all segments together.
        anchor_range: bounds of the anchor's value.
        widths: of the segments, if the curve must rise by ``rise`` over all of them.
        rise: see ``widths``.
    """
    smallest, largest = slope_range
    segments = travelled.shape[1]
    # Unknowns: the anchor and the slopes, these as their place between the bounds, so that all are of one size.
    middle, span = (smallest + largest) / 2, max(largest - smallest, 1e-12 * largest)
    scale = span * reach
    root = np.sqrt(w / w.sum())
    rows = [np.column_stack([np.ones(len(y)), travelled * (span / scale)]) * root[:, None]]
    wanted = [(y - travelled.sum(axis=1) * middle) / scale * root]
    rows.append(np.diff(np.eye(segments + 1)[1:], axis=0) * np.sqrt(SMOOTHNESS))
    wanted.append(np.zeros(segments - 1))
    if widths is not None:
        rows.append(PIN * np.concatenate([[0.0], widths * (span / scale)])[None])
        wanted.append(np.array([PIN * (rise - middle * widths.sum()) / scale]))
    lower, upper = np.full(segments + 1, -0.5), np.full(segments + 1, 0.5)
    lower[0], upper[0] = np.array(anchor_range) / scale + np.array([-1e-9, 1e-9])
    solution = lsq_linear(np.vstack(rows), np.concatenate(wanted), (lower, upper), tol=1e-12).x
    slopes = np.clip(middle + span * solution[1:], smallest, largest)
    if widths is not None:
        # What rounding and the finite weight of the pin have left goes to where there is room.
        excess = slopes @ widths - rise
        room = slopes - smallest if excess > 0 else largest - slopes
        if room @ widths > 0:
            slopes = slopes - room * (excess / (room @ widths))
    # The anchor is best for the slopes as they are after clipping.
    anchor = float(np.clip(np.average(y - travelled @ slopes, weights=w), *anchor_range))
    return anchor, slopes


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
