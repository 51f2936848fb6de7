"""How every figure shows an image: upright, without frame or ticks, on a window that the caller fixes."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from numpy.typing import NDArray

__all__ = ["show_image"]


def show_image(axes: Axes, image: NDArray[Any], colours: str, low: float, high: float) -> Any:
    """Draw an image.

    Args:
        axes: where.
        image: ``(columns, rows)``; a display wants rows first.
        colours: name of a colour map.
        low: value of its first colour.
        high: value of its last colour.

    Returns:
        What a colour bar needs.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_anchor("N")
    return axes.imshow(image.T, cmap=colours, vmin=low, vmax=high)
