"""Structural similarity of a batch of images or volumes by banded matrix products.

Wang, Bovik, Sheikh, Simoncelli. Image quality assessment: from error visibility to structural similarity. IEEE
Transactions on Image Processing 13:600, 2004. The windows are those of MONAI's `SSIMMetric`, whose values these are.

Both windows are products of one factor for each axis, so that a mean over windows is a matrix product along one axis
after the other. Rows of such a matrix are shifts of each other: a small matrix serves one piece of the axis after the
other. Four means suffice, as the index needs only the sum of the two variances.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.metrics import SSIMMetric
from torch import Tensor

from monai_harmonize.data.errors import InputError

__all__ = ["StructuralSimilarityMetric", "batch_structural_similarity"]

KERNEL_TYPES = ("gaussian", "uniform")
# Window positions that one product computes: the more, the more zeros are multiplied, the fewer, the more products.
PIECE = 32


def batch_structural_similarity(
    image: Tensor,
    reference: Tensor,
    *,
    data_range: float = 1.0,
    kernel_type: str = "gaussian",
    win_size: int | Sequence[int] = 11,
    kernel_sigma: float | Sequence[float] = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """Mean structural similarity index of every image, whole windows only. Gives no gradient.

    Args:
        image: ``(B, C, H, W[, D])``, grey levels in the unit of ``data_range``.
        reference: of the same shape and unit.
        data_range: width of the grey scale, of which ``k1`` and ``k2`` are parts; fixed, so that values compare.
        kernel_type: ``"gaussian"`` or ``"uniform"`` weights within a window.
        win_size: pixels of a window along each axis.
        kernel_sigma: of the Gaussian in pixels along each axis; unused by the uniform window.
        k1: keeps the quotient of means finite.
        k2: keeps the quotient of variances finite.

    Returns:
        ``(B,)``, the mean over channels and windows, at most 1; float64 if both images are, else float32.

    Raises:
        InputError: shapes differ or are none of the above, an axis is shorter than the window, or an option is outside
            the above.
    """
    axes = image.ndim - 2
    if axes not in (2, 3) or image.shape != reference.shape:
        raise InputError(
            f"the image has shape {tuple(image.shape)}, the reference {tuple(reference.shape)}; "
            "expected (B, C, H, W[, D]), twice the same."
        )
    if not data_range > 0:
        raise InputError(f"data_range is {data_range}; expected the width of the grey scale, above 0.")
    windows = _windows(kernel_type, _for_each_axis(win_size, axes), _for_each_axis(kernel_sigma, axes))
    for length, window in zip(image.shape[2:], windows, strict=True):
        if length < len(window):
            raise InputError(f"an axis has {length} pixels, fewer than the {len(window)} of the window of SSIM.")
    dtype = torch.float64 if image.dtype == reference.dtype == torch.float64 else torch.float32
    first, second = (each.detach().as_subclass(Tensor).to(dtype) for each in (image, reference))
    bands = [_band(window.to(first)) for window in windows]
    constants = (k1 * data_range) ** 2, (k2 * data_range) ** 2
    with torch.no_grad(), torch.autocast(first.device.type, enabled=False):
        # One image at a time stays in the cache.
        return torch.stack([_similarity(x, y, bands, *constants) for x, y in zip(first, second, strict=True)])


class StructuralSimilarityMetric(SSIMMetric):
    """`monai.metrics.SSIMMetric` in a fraction of its time: its options, its values, its place in an evaluator."""

    def _compute_metric(self, y_pred: Tensor, y: Tensor) -> Tensor:
        if y_pred.ndim != self.spatial_dims + 2:
            raise InputError(
                f"the image has shape {tuple(y_pred.shape)}; "
                f"expected (B, C, ...) with {self.spatial_dims} spatial axes, as spatial_dims says."
            )
        return batch_structural_similarity(
            y_pred,
            y,
            data_range=self.data_range,
            kernel_type=self.kernel_type,
            win_size=self.kernel_size,
            kernel_sigma=self.kernel_sigma,
            k1=self.k1,
            k2=self.k2,
        )[:, None]


def _similarity(first: Tensor, second: Tensor, bands: Sequence[Tensor], c1: float, c2: float) -> Tensor:
    """Eq 13 of Wang et al. of two images ``(C, ...)``, the mean over all windows."""
    means = torch.stack([first, second, first * first + second * second, first * second])
    for axis, band in enumerate(bands, start=2):
        means = _along(means, band, axis)
    x, y, squares, product = means.unbind()
    xy, sum_of_squares = x * y, x * x + y * y
    covariance, variances = product - xy, squares - sum_of_squares
    return ((2 * xy + c1) * (2 * covariance + c2) / ((sum_of_squares + c1) * (variances + c2))).mean()


def _along(values: Tensor, band: Tensor, axis: int) -> Tensor:
    """Weighted means over the windows along one axis."""
    shape = list(values.shape)
    overlap = band.shape[0] - band.shape[1]
    shape[axis] -= overlap
    last = axis == values.ndim - 1
    # The axis comes last or last but one in a matrix, so that nothing has to be transposed.
    source = values.reshape(-1, values.shape[-1]) if last else values.flatten(axis + 1).flatten(0, axis - 1)
    result = (
        source.new_empty(*source.shape[:-1], shape[axis])
        if last
        else source.new_empty(source.shape[0], shape[axis], source.shape[2])
    )
    for start in range(0, shape[axis], band.shape[1]):
        count = min(band.shape[1], shape[axis] - start)
        weights = band[: count + overlap, :count]
        if last:
            result[:, start : start + count] = source[:, start : start + count + overlap] @ weights
        else:
            result[:, start : start + count] = weights.t() @ source[:, start : start + count + overlap]
    return result.view(shape)


def _band(window: Tensor) -> Tensor:
    """Matrix ``(PIECE + length - 1, PIECE)`` with the window in every column, each one row below the last."""
    band = window.new_zeros(PIECE + len(window) - 1, PIECE)
    for column in range(PIECE):
        band[column : column + len(window), column] = window
    return band


def _windows(kernel_type: str, sizes: Sequence[float], sigmas: Sequence[float]) -> list[Tensor]:
    """Weights along each axis, float64, each with the sum 1."""
    if str(kernel_type) not in KERNEL_TYPES:
        raise InputError(f"kernel_type is {str(kernel_type)!r}; expected one of {KERNEL_TYPES}.")
    for size, sigma in zip(sizes, sigmas, strict=True):
        if size < 1 or int(size) != size or not sigma > 0:
            raise InputError(f"win_size is {size}, kernel_sigma {sigma}; expected whole pixels and a sigma above 0.")
    windows = []
    for size, sigma in zip(sizes, sigmas, strict=True):
        distance = torch.arange(int(size), dtype=torch.float64) - (size - 1) / 2
        weights = torch.exp(-0.5 * (distance / sigma) ** 2) if kernel_type == "gaussian" else torch.ones_like(distance)
        windows.append(weights / weights.sum())
    return windows


def _for_each_axis(option: float | Sequence[float], axes: int) -> Sequence[float]:
    values = option if isinstance(option, Sequence) else (option,) * axes
    if len(values) != axes:
        raise InputError(f"{list(values)} has {len(values)} values; expected one for each of the {axes} axes, or one.")
    return values
