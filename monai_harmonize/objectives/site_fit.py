"""What the trainer of a site harmonizer is told: stages, each fitted in closed form to one pass over both sites."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor

__all__ = ["SiteFit"]


class SiteFit(ABC):
    """One part of a site harmonizer and the statistics of both sites that determine it.

    Args:
        before: what source images go through before this part, for example the parts fitted earlier; ``None`` for
            nothing. Called with an image ``(1, C, H, W[, D])`` and its spacing.
    """

    def __init__(self, before: Callable[[Tensor, list[float] | None], Tensor] | None = None) -> None:
        self.before = before

    def add_source(self, image: Tensor, spacing: list[float] | None) -> None:
        """Note one image ``(1, C, H, W[, D])`` of the source site; spacing in mm, ``None`` if unknown."""
        self.add(image if self.before is None else self.before(image, spacing), spacing, of_target=False)

    def add_target(self, image: Tensor, spacing: list[float] | None) -> None:
        """Note one image of the target site."""
        self.add(image, spacing, of_target=True)

    @abstractmethod
    def start(self) -> None:
        """Forget all images."""

    @abstractmethod
    def add(self, image: Tensor, spacing: list[float] | None, of_target: bool) -> None:
        """Note one image as this part meets it."""

    @abstractmethod
    def solve(self) -> None:
        """Set the part from what was noted."""
