"""Use a free harmonizer's style and drop its inventions: replace its output by the best guaranteed map of the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from monai.inferers import Inferer
from monai.utils import CommonKeys
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.bilateral_grid_fit import bilateral_grid_fit
from monai_harmonize.metrics.tone_curve_projection import ToneCurveProjection
from monai_harmonize.networks.bilateral_grid import apply_bilateral_grid
from monai_harmonize.networks.uniform_curve import uniform_curve

__all__ = ["ProjectionInferer"]

PROJECTIONS = ("site", "g0", "g1", "none")


class ProjectionInferer(Inferer):
    """Project each image's translation onto a guarantee class, at native resolution.

    The network translates a copy reduced to ``working_size``; what it did is fitted in least squares by one strictly
    increasing curve (``"g0"``) or by a bilateral grid of positive slopes (``"g1"``), and this map is applied to the
    native image. ``"site"`` fits one curve to what the network does to all images of the site together and applies
    it to each: what sets a patient apart stays.

    Args:
        inferer: inferer of the reduced copy.
        project: ``"site"``, ``"g0"``, ``"g1"``, or ``"none"``, which leaves everything to ``inferer``.
        working_size: longer spatial side at which the network was trained, in pixels.
        slope_range: bounds [m, M] of the slopes, ``0 < m <= M``.
        num_knots: of the curve.
        grid_size: nodes of the grid along each spatial axis, at least 2.
        num_levels: segments of the grid in grey level.
        site_images: for ``"site"``: batches with ``image``, gone through once before the first image is harmonized;
            files that cannot be read are left out.

    Raises:
        InputError: an option outside the above; at the call, a site without readable images.
    """

    def __init__(
        self,
        inferer: Inferer,
        project: str = "g0",
        working_size: int = 256,
        slope_range: Sequence[float] = (0.25, 4.0),
        num_knots: int = 128,
        grid_size: int = 8,
        num_levels: int = 16,
        site_images: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        smallest, largest = (float(slope) for slope in slope_range)
        if project not in PROJECTIONS:
            raise InputError(f"project is {project!r}; expected one of {PROJECTIONS}.")
        if not 0 < smallest <= largest:
            raise InputError(f"slope_range is ({smallest:g}, {largest:g}); expected 0 < m <= M.")
        if working_size < 1 or num_levels < 1 or min(num_knots, grid_size) < 2:
            raise InputError(
                f"working_size, num_levels, num_knots and grid_size are {working_size}, {num_levels}, {num_knots}, "
                f"{grid_size}; expected at least 1, 1, 2 and 2."
            )
        self.inferer = inferer
        self.project = project
        self.working_size = working_size
        self.slope_range = (smallest, largest)
        self.num_knots = num_knots
        self.grid_size = grid_size
        self.num_levels = num_levels
        self.site_images = site_images
        self.site_curve: tuple[Tensor, Tensor] | None = None

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Translate and project.

        Args:
            inputs: ``(B, 1, H, W[, D])`` in [-1, 1], float.
            network: maps such an image to one of the same shape.
            args: passed to the network.
            kwargs: passed to the network.

        Returns:
            The shape of ``inputs``; not clipped.

        Raises:
            InputError: more than one channel.
        """
        if self.project == "none":
            return torch.as_tensor(self.inferer(inputs, network, *args, **kwargs))
        if inputs.shape[1] != 1:
            raise InputError(f"the images have {inputs.shape[1]} channels; a projection expects one.")
        if self.project == "site":
            if self.site_curve is None:
                self.site_curve = self.fit_site(inputs, network, *args, **kwargs)
            knots, values = (levels.to(inputs) for levels in self.site_curve)
            return uniform_curve(inputs, knots, values)
        reduced, output = self.translate(inputs, network, *args, **kwargs)
        fit = self.fit_curve if self.project == "g0" else self.fit_grid
        triples = zip(inputs, reduced.float(), output.float(), strict=True)
        return torch.cat([fit(native[None], before[0], after[0]) for native, before, after in triples])

    def translate(
        self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Copy at working size and what the network makes of it; for ``ToneCurveProjection.add``, too."""
        size = inputs.shape[2:]
        scale = min(1.0, self.working_size / max(size))
        small = [max(1, round(length * scale)) for length in size]
        reduced = inputs if scale == 1.0 else F.interpolate(inputs, size=small, mode="area")
        return reduced, torch.as_tensor(self.inferer(reduced, network, *args, **kwargs))

    def fit_site(
        self, like: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Knots and values of the one curve for all images of the site."""
        projection = ToneCurveProjection(self.num_knots, self.slope_range)
        found = 0
        for batch in self.site_images:
            if CommonKeys.IMAGE in batch:
                image = torch.as_tensor(batch[CommonKeys.IMAGE]).as_subclass(Tensor).to(like)
                projection.add(*(pair.float() for pair in self.translate(image, network, *args, **kwargs)))
                found += len(image)
        if found == 0:
            raise InputError("project is 'site' and no image of the site could be read; expected site_images.")
        knots, values = projection.solve()
        return torch.from_numpy(knots), torch.from_numpy(values)

    def fit_curve(self, native: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Native image after the best curve."""
        projection = ToneCurveProjection(self.num_knots, self.slope_range)
        projection.add(before, after)
        knots, values = (torch.from_numpy(array).to(native) for array in projection.solve())
        return uniform_curve(native, knots, values)

    def fit_grid(self, native: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Native image after the best grid."""
        slopes, offset = bilateral_grid_fit(
            before.cpu(), after.cpu(), self.grid_size, self.num_levels, self.slope_range
        )
        return apply_bilateral_grid(native, slopes.to(native), offset.to(native))
