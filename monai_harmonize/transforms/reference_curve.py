"""Increasing curves that bring each image to a site's reference, and their dictionary versions."""

from __future__ import annotations

from typing import ClassVar

from monai.config import KeysCollection

from monai_harmonize.transforms.channelwise import Channelwised, Reference, site_reference
from monai_harmonize.transforms.level_curve import LevelCurve

__all__ = ["ReferenceCurve", "ReferenceCurved"]


class ReferenceCurve(LevelCurve):
    """Base of curves that follow from an image and a site's reference; see ``Channelwise``.

    Args:
        reference: the site's, or its file.
        dtype: see ``Channelwise``.
    """

    def __init__(self, reference: Reference, dtype: str | None = None) -> None:
        super().__init__(dtype)
        self.reference = site_reference(reference)


class ReferenceCurved(Channelwised):
    """Base of their dictionary versions, which name the curve.

    Args:
        keys: images ``(C, ...)``.
        reference: the site's, or its file.
        dtype: see ``Channelwise``.
        mask_key: item's mask, see ``Channelwise``; an item may lack it.
        allow_missing_keys: whether keys may be absent.
    """

    curve: ClassVar[type[ReferenceCurve]]

    def __init__(
        self,
        keys: KeysCollection,
        reference: Reference,
        dtype: str | None = None,
        mask_key: str | None = None,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, self.curve(reference, dtype), mask_key, allow_missing_keys)
