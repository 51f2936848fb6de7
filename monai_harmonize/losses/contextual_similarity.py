"""How well features of one image are found among those of another, in blocks: the N x N matrix is never whole.

Xu, Li, Shin. Medical image processing with contextual style transfer. Human-centric Computing and Information Sciences
10:46, 2020, Eqs 5 and 7 to 9, after Mechrez, Talmi, Zelnik-Manor. The contextual loss for image transformation with
non-aligned data. ECCV 2018. Written from the papers.

With cosines ``S = g x^T`` of unit features the distances of Eq 6 are ``D = 1 - S``. In the exponent of Eq 8 over its
sum in Eq 9 all that does not depend on k cancels, so that a row of Eq 9 is a softmax::

    CA_ik = softmax_k(slope_i S_ik),    slope_i = 1 / (w (min_k D_ik + sigma))

A row needs nothing of the other rows. Of a block of rows only the largest value of each column and where it stands
are kept. The gradient reaches only those places and, through the sum and the minimum of Eqs 7 and 9, the other places
of their rows: backward computes again the rows that hold the largest value of a column, and no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["contextual_similarity"]


def contextual_similarity(
    generated: Tensor, reference: Tensor, bandwidth: float, smoothing: float, block: int
) -> Tensor:
    """Contextual similarity of two sets of unit features (Eq 5), in O((N_i + N_j) C + block N_j) of memory.

    Exact: every pair counts. The largest of equal values, and the nearest of equal distances, is the first; it alone
    carries the gradient, which cannot be differentiated again.

    Args:
        generated: ``(N_i, C)``, float32 or float64, vectors of length 1 or 0.
        reference: ``(N_j, C)``, likewise.
        bandwidth: w of Eq 8.
        smoothing: sigma of Eq 7.
        block: rows, generated positions, that are worked on at a time.

    Returns:
        Scalar in [1 / N_j, 1]: a row of Eq 9 sums to 1 and no maximum lies below its value.
    """
    arguments = generated, reference, bandwidth, smoothing, block
    return cast("Tensor", _ContextualSimilarity.apply(*arguments))  # type: ignore[no-untyped-call]


class _ContextualSimilarity(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, generated: Tensor, reference: Tensor, bandwidth: float, smoothing: float, block: int
    ) -> Tensor:
        largest = reference.new_zeros(len(reference))
        winner = torch.zeros(len(reference), dtype=torch.int64, device=reference.device)
        with torch.autocast(generated.device.type, enabled=False):
            rows = _Rows(reference, bandwidth, smoothing, min(block, len(generated)))
            for start in range(0, len(generated), block):
                rows.compute(generated[start : start + block])
                values, first = rows.column_maxima()
                winner = torch.where(values > largest, first + start, winner)
                largest = torch.maximum(largest, values)  # unlike the comparison, keeps NaN
        ctx.save_for_backward(generated, reference, largest, winner)
        ctx.options = bandwidth, smoothing, block
        return largest.mean()

    @staticmethod
    @once_differentiable  # type: ignore[misc, unused-ignore]
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        generated, reference, largest, winner = ctx.saved_tensors
        bandwidth, smoothing, block = ctx.options
        wanted = ctx.needs_input_grad
        of_generated = torch.zeros_like(generated) if wanted[0] else None
        of_reference = torch.zeros_like(reference) if wanted[1] else None
        # d loss / d log CA at the largest value of every column.
        pull = largest * (gradient / len(reference))
        with torch.autocast(generated.device.type, enabled=False):
            rows = _Rows(reference, bandwidth, smoothing, min(block, len(generated)))
            for number, columns, row_of_column in _winning_rows(winner, block):
                features = generated[number]
                rows.compute(features)
                slopes = rows.gradient(pull[columns], columns, row_of_column)
                if of_generated is not None:
                    of_generated[number] = slopes @ reference
                if of_reference is not None:
                    of_reference.addmm_(slopes.t(), features)
        return of_generated, of_reference, None, None, None


def _winning_rows(winner: Tensor, block: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Rows that hold the largest value of a column, ``block`` at a time: their numbers, their columns, whose row."""
    columns = winner.argsort()
    numbers, counts = torch.unique_consecutive(winner[columns], return_counts=True)
    ends = counts.cumsum(0).tolist()
    for start in range(0, len(numbers), block):
        stop = min(start + block, len(numbers))
        first = ends[start - 1] if start else 0
        row_of_column = torch.arange(stop - start, device=winner.device).repeat_interleave(counts[start:stop])
        yield numbers[start:stop], columns[first : ends[stop - 1]], row_of_column


class _Rows:
    """Some rows of the matrix, in two buffers that serve all of them."""

    def __init__(self, reference: Tensor, bandwidth: float, smoothing: float, rows: int) -> None:
        self.reference_t = reference.t()
        self.bandwidth, self.smoothing = bandwidth, smoothing
        self.buffers = [reference.new_empty(rows, len(reference)) for _ in range(2)]
        self.exponents, self.similarity = self.buffers
        self.nearest = self.slope = reference

    def compute(self, features: Tensor) -> None:
        """Exponents of Eq 8, each row shifted so that its largest is 0, and Eq 9, for features ``(rows, C)``."""
        self.exponents, self.similarity = (buffer[: len(features)] for buffer in self.buffers)
        torch.mm(features, self.reference_t, out=self.exponents)
        self.nearest = self.exponents.amax(dim=1, keepdim=True)
        # Rounding can put the cosine of equal directions above 1.
        self.slope = 1.0 / (self.bandwidth * ((1.0 - self.nearest).clamp(min=0.0) + self.smoothing))
        self.exponents.sub_(self.nearest).mul_(self.slope)
        torch.softmax(self.exponents, dim=1, out=self.similarity)

    def column_maxima(self) -> tuple[Tensor, Tensor]:
        """Largest similarity of every column and its first row; the exponents are lost.

        Three passes that vectorise; ``Tensor.max`` over the first axis of a matrix reads it column by column.
        """
        values = self.similarity.amax(dim=0)
        rows = len(self.similarity)
        countdown = torch.arange(rows, 0, -1, device=values.device, dtype=values.dtype)
        torch.eq(self.similarity, values, out=self.exponents)
        last = self.exponents.mul_(countdown[:, None]).amax(dim=0)
        return values, rows - last.long()

    def gradient(self, pull: Tensor, columns: Tensor, row_of_column: Tensor) -> Tensor:
        """Gradient with respect to the cosines of these rows, ``(rows, N_j)``.

        With u the exponents and v the pull on log CA: dL/du_ik = v_ik - CA_ik sum_k v_ik. Through the slope the
        nearest cosine M gets dL/dM = w slope sum_k u_ik dL/du_ik, as d slope / dM = w slope^2.

        Args:
            pull: v of every column that these rows won.
            columns: which these are.
            row_of_column: which row won them.
        """
        sums = torch.zeros_like(self.slope[:, 0]).index_add_(0, row_of_column, pull)
        expected = torch.linalg.vecdot(self.similarity, self.exponents)
        won = pull * self.exponents[row_of_column, columns]
        through_slope = torch.zeros_like(sums).index_add_(0, row_of_column, won) - sums * expected
        nearest = self.exponents.argmax(dim=1)
        result = self.similarity.mul_(-sums[:, None])
        result[row_of_column, columns] += pull
        result.mul_(self.slope)
        every = torch.arange(len(result), device=result.device)
        result[every, nearest] += self.bandwidth * self.slope[:, 0] * through_slope
        return result
