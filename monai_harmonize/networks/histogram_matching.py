"""Matching to the mean cumulative histogram of a site, as a network that can be exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["HistogramMatching"]


class HistogramMatching(nn.Module):
    """Carry the cumulative histogram of each image and channel onto that of a site.

    Levels are counted in 65536 bins over [-1, 1], so that every level of a file of up to 16 bits, scaled from the range
    of its bit depth, has a bin of its own; the result is a table over these bins. Levels beyond the scale count at its
    ends. A channel of one level, and pixels that are NaN, stay what they are.

    Args:
        steps: even steps of the site's cumulative histogram; fitted, in ``target_levels``, ``(steps + 1,)``. Before the
            fit the site has all levels alike, and the network equalises.
    """

    def __init__(self, steps: int = 2048) -> None:
        super().__init__()
        self.steps = steps
        self.bins = 65536
        self.target_levels: Tensor
        self.register_buffer("target_levels", torch.linspace(-1.0, 1.0, steps + 1))

    def forward(self, image: Tensor) -> Tensor:
        """Match ``(B, C, H, W[, D])`` in [-1, 1]; the shape stays."""
        flat = image.flatten(2)
        known = torch.logical_not(torch.isnan(flat))
        place = (torch.where(known, flat, torch.zeros_like(flat)) + 1.0) * (0.5 * (self.bins - 1))
        place = torch.round(place).clamp(0, self.bins - 1).long()
        empty = torch.zeros(flat.shape[0], flat.shape[1], self.bins, dtype=torch.int64, device=image.device)
        counts = empty.scatter_add(2, place, known.long())
        total = counts.sum(dim=2, keepdim=True)
        shares = torch.cumsum(counts, dim=2).to(image.dtype) / total.clamp(min=1).to(image.dtype)
        step = shares * self.steps
        below = torch.floor(step).clamp(0, self.steps - 1).long()
        levels = self.target_levels.to(image.dtype)
        lower, upper = levels[below], levels[below + 1]
        table = lower + (upper - lower) * (step - below.to(image.dtype))
        # One bin that holds all pixels is no tone to match.
        has_tone = counts.amax(dim=2, keepdim=True) < total
        matched = torch.gather(table, 2, place)
        return torch.where(torch.logical_and(known, has_tone), matched, flat).reshape(image.shape)
