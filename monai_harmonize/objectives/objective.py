"""What a paper tells the trainer: which networks, which loss terms, in which groups."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

from torch import Tensor, nn

from monai_harmonize.data.errors import InputError

__all__ = ["Objective"]


class Objective(ABC):
    """Mathematics of one method, free of any training mechanics.

    The loss methods yield *groups* of named, unweighted terms. A group shares intermediate results; between groups
    nothing is shared, so the trainer backpropagates a group and frees its graph before the next one is computed;
    a result that several groups need is handed on through ``cut``.
    The gradients equal those of the weighted sum of all terms.

    Args:
        generators: networks that the generator step trains, by name.
        discriminators: networks that the discriminator step trains, by name; may be empty.
        loss_weights: weight of each term; a term left out keeps its default, weight 0 skips its computation.

    Raises:
        InputError: an unknown term or a negative weight; the message lists the valid names.
    """

    default_weights: ClassVar[Mapping[str, float]]

    def __init__(
        self,
        generators: Mapping[str, nn.Module],
        discriminators: Mapping[str, nn.Module],
        loss_weights: Mapping[str, float] | None = None,
    ) -> None:
        self.generators = dict(generators)
        self.discriminators = dict(discriminators)
        given = dict(loss_weights or {})
        unknown = sorted(set(given) - set(self.default_weights))
        if unknown:
            raise InputError(f"Unknown loss terms {unknown}; this objective has {sorted(self.default_weights)}.")
        negative = {name: weight for name, weight in given.items() if not weight >= 0}
        if negative:
            raise InputError(f"Loss weights must be numbers of at least 0; got {negative}.")
        self.loss_weights = {**self.default_weights, **given}

    @property
    def networks(self) -> dict[str, nn.Module]:
        """All networks by name, generators first."""
        return {**self.generators, **self.discriminators}

    def parts(self, networks: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
        """Parts of some of the networks that learn by themselves, by name; here the networks as they are."""
        return dict(networks)

    def wants(self, term: str) -> bool:
        """Whether a term counts, so that one of weight 0 costs nothing."""
        return self.loss_weights[term] > 0

    def wanted(self, group: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The terms of a group that count."""
        return {name: value for name, value in group.items() if self.wants(name)}

    def weighted_sum(self, group: Mapping[str, Tensor]) -> Tensor:
        """Scalar ``sum(weight * term)`` of one group of scalar terms."""
        terms = [self.loss_weights[name] * value for name, value in group.items()]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total

    @abstractmethod
    def generator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the generator's groups of terms.

        Args:
            batch: images by key, each ``(B, C, H, W[, D])`` in [-1, 1]. What the discriminator step needs is added
                to it, detached.
        """

    @abstractmethod
    def discriminator_losses(self, batch: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        """Yield the discriminator's groups of terms; images in ``batch`` carry no gradient."""
