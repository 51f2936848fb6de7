"""Whether a radiograph is inverted: rank correlation of its thumbnail with that of a site."""

from __future__ import annotations

import torch
from scipy.stats import rankdata
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from monai_harmonize.networks.site_harmonizer import THUMBNAIL_SIZE

__all__ = ["polarity_correlation", "rank_thumbnail"]


def rank_thumbnail(image: Tensor) -> Tensor:
    """Ranks of the grey levels of an image reduced to 32x32.

    Ranks do not change under any increasing curve, so thumbnails of different sites compare. A volume gives the
    thumbnail of its mean along the last axis.

    Args:
        image: ``(C, H, W[, D])`` or ``(1, C, H, W[, D])``, any unit; channels are averaged.

    Returns:
        ``(32, 32)``, float32, mean 0 and sum of squares 1; zeros for a constant image.
    """
    plain = image.detach().as_subclass(Tensor).float().cpu()
    plain = plain[0] if plain.ndim == 5 or (plain.ndim == 4 and plain.shape[0] == 1 and plain.shape[1] == 1) else plain
    plain = plain.mean(dim=-1) if plain.ndim == 4 else plain
    small = adaptive_avg_pool2d(plain.mean(dim=0, keepdim=True), THUMBNAIL_SIZE)[0]
    ranks = torch.from_numpy(rankdata(small.numpy(), method="average").reshape(small.shape)).float()
    ranks = ranks - ranks.mean()
    norm = ranks.norm()
    return ranks / norm if norm > 0 else ranks


def polarity_correlation(thumbnail: Tensor, template: Tensor) -> float:
    """Spearman's correlation of a ``rank_thumbnail`` with a site's mean one; below 0 speaks for an inverted image.

    Args:
        thumbnail: ``(32, 32)``.
        template: ``(32, 32)``, the mean of thumbnails; its scale does not matter.

    Returns:
        In [-1, 1]; 0 where either is constant.
    """
    norm = float(template.norm())
    return float((thumbnail * template).sum()) / norm if norm > 0 else 0.0
