"""A random domain for each item, to which a translator is to bring it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

from monai.config import KeysCollection
from monai.transforms import MapTransform, Randomizable
from monai.utils import TransformBackends

from monai_harmonize.data.errors import InputError

__all__ = ["RandTargetDomainD", "RandTargetDomainDict", "RandTargetDomaind"]


class RandTargetDomaind(MapTransform, Randomizable):
    """Add the number of a domain to an item, drawn anew each time, all with the same chance.

    The item's own domain is one of them. In a ``PositionalDataset`` the draws belong to the place of an item in the
    training.

    Args:
        keys: where the numbers go.
        domains: how many there are.

    Raises:
        InputError: fewer than two domains.
    """

    backend: ClassVar = [TransformBackends.NUMPY]

    def __init__(self, keys: KeysCollection, domains: int) -> None:
        super().__init__(keys)
        if domains < 2:
            raise InputError(f"domains is {domains}; expected 2 or more.")
        self.domains = domains

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Draw the domains of an item; the item itself is not changed."""
        item = dict(data)
        for key in self.keys:
            item[key] = int(self.R.randint(self.domains))
        return item


RandTargetDomainD = RandTargetDomainDict = RandTargetDomaind
