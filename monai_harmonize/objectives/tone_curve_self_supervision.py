"""Learn to undo tone curves from images of the target site alone.

An image of the target is distorted (``RandToneCurved``, light blur or sharpening, both in the data loader) and the
generator brings it back. It never sees a source, so it works on sites that were unknown when it was trained, and it has
no discriminator that could ask for more than the image holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from monai_harmonize.objectives.objective import Objective

__all__ = ["ToneCurveSelfSupervision"]


class ToneCurveSelfSupervision(Objective):
    """One generator, of any class; ``reconstruction`` is the mean absolute error to the undistorted image.

    Args:
        generator: ``(B, 1, H, W[, D])`` in [-1, 1] to the same shape, usually a ``ToneCurveGenerator``.
        loss_weights: weights by term, see ``Objective``.
    """

    default_weights: ClassVar[Mapping[str, float]] = {"reconstruction": 1.0}

    def __init__(self, generator: nn.Module, loss_weights: Mapping[str, float] | None = None) -> None:
        super().__init__({"generator": generator}, {}, loss_weights)

    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the reconstruction; adds ``restored``.

        Args:
            batch: ``image`` of the target site and ``distorted``, a distorted copy of it, each in [-1, 1].
        """
        if self.wants("reconstruction"):
            restored = self.generators["generator"](batch["distorted"])
            batch["restored"] = restored.detach()
            yield {"reconstruction": l1_loss(restored, batch["image"])}

    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:  # noqa: ARG002
        """Yield nothing."""
        yield from ()
