"""How much of its contrast each small part of an image kept."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["local_contrast_gain"]


def local_contrast_gain(
    image: NDArray[Any], reference: NDArray[Any], *, window: int = 16, contrast: float = 0.02
) -> NDArray[np.float64]:
    """Slope of the regression of output on input in every window that shows something.

    For the output of a curve with slopes in [m, M] it lies in [m, M]; 0 where content vanished, negative where it
    turned.

    Args:
        image: output of a harmonizer, grey levels on [0, 1], spatial axes only.
        reference: its input, same shape and scale.
        window: side of the windows in pixels; they do not overlap, and an incomplete last one is left out.
        contrast: a window shows something from this standard deviation of the reference on.

    Returns:
        Shape `(N,)`, one slope per window that shows something; may be empty.

    Raises:
        ValueError: shapes differ.
    """
    if image.shape != reference.shape:
        raise ValueError(f"images differ in shape: {image.shape} and {reference.shape}")
    output, values = (_windows(array, window) for array in (image, reference))
    output -= output.mean(axis=1, keepdims=True)
    values -= values.mean(axis=1, keepdims=True)
    variance = np.square(values).mean(axis=1)
    shows = variance >= contrast**2
    gain: NDArray[np.float64] = (output * values).mean(axis=1)[shows] / variance[shows]
    return gain


def _windows(image: NDArray[Any], window: int) -> NDArray[np.float64]:
    """Pixels of each window, `(windows, pixels)`."""
    sides = [min(window, length) for length in image.shape]
    whole = image[tuple(slice(length - length % side) for length, side in zip(image.shape, sides, strict=True))]
    split = whole.reshape(
        list(chain.from_iterable((n // side, side) for n, side in zip(whole.shape, sides, strict=True)))
    )
    axes = [*range(0, split.ndim, 2), *range(1, split.ndim, 2)]
    return split.transpose(axes).reshape(-1, int(np.prod(sides))).astype(np.float64)
