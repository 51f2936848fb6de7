"""A network of [-1, 1] inside a window of Hounsfield units: HU in, HU out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor

from monai_harmonize.data.hounsfield import Window
from monai_harmonize.inferers.seamless import SeamlessInferer
from monai_harmonize.transforms.window_hounsfield import RestoreHounsfield, WindowHounsfield

__all__ = ["WindowedInferer"]


class WindowedInferer(Inferer):
    """Show an inferer the window of a CT in HU, and take its result back to HU (``RestoreHounsfield``).

    Within ``SlicewiseInferer`` or ``VolumeStatisticsInferer``, a volume in HU and its result are all that is in memory;
    the transforms ``WindowHounsfieldd`` and ``RestoreHounsfieldd`` give the same and keep one volume more.

    Args:
        inferer: inferer of images in [-1, 1].
        window: see ``WindowHounsfield``; whether the volume is in HU is not checked here, since a slice may lack air;
            ``CheckHounsfieldd`` does before.
        blend: see ``RestoreHounsfield``.

    Raises:
        InputError: no such window or blend.
    """

    def __init__(self, inferer: SeamlessInferer, window: Window, blend: float | None = None) -> None:
        self.inferer = inferer
        self.window = WindowHounsfield(window, check_unit=False)
        self.restore = RestoreHounsfield(window, blend)

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Translate ``(B, C, W, H[, D])`` in HU; the shape stays.

        Args:
            inputs: HU.
            network: maps [-1, 1] to [-1, 1].
            args: passed to the network.
            kwargs: passed to the network.
        """
        source = torch.as_tensor(inputs).as_subclass(Tensor)
        output = self.inferer(self.window(source), network, *args, **kwargs)
        return torch.as_tensor(self.restore(output, source))

    def pad(self, image: Tensor) -> Tensor:
        """What the network is shown of ``(B, C, W, H)`` in HU."""
        return self.inferer.pad(self.window(image))
