"""The test for hidden codes as a step of inference."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import TransformBackends
from torch import Tensor, nn
from torch.nn import functional as F

from monai_harmonize.safety.certify_transform import HIDDEN_CODE
from monai_harmonize.safety.hidden_code import hidden_code_test

__all__ = ["HiddenCodeTestd"]


class HiddenCodeTestd(MapTransform):
    """Translate a small copy of an image, disturb it invisibly and translate it back (``hidden_code_test``).

    It goes before ``CertifyHarmonizedd``, which reads the result, and does nothing without a way back.

    Args:
        keys: the one key of the network's input, ``(1, W, H)`` on [-1, 1]; volumes are left out.
        forward: network from the source's look to the target's.
        backward: network back, or ``None``.
        size: pixels per side of the copy, at which the networks were trained.
    """

    backend = (TransformBackends.TORCH,)

    def __init__(self, keys: KeysCollection, forward: nn.Module, backward: nn.Module | None, size: int) -> None:
        super().__init__(keys)
        self.forward, self.backward, self.size = forward, backward, size

    @torch.no_grad()
    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Test the item's image."""
        item = dict(data)
        image = torch.as_tensor(item[self.keys[0]]).as_subclass(Tensor)
        if self.backward is None or image.ndim != 3:
            return item
        device = next(self.forward.parameters()).device
        small = F.interpolate(image[None].to(device), [self.size] * 2, mode="area")
        item[HIDDEN_CODE] = hidden_code_test(small, self.forward.eval(), self.backward.to(device).eval())
        return item
