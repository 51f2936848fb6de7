"""Give the slices of a volume, some at a time, to an inferer of a 2D network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from torch import Tensor

from monai_harmonize.data.axial_axis import axial_axis
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.slice_turn import SliceTurn, slice_turn

__all__ = ["SlicewiseInferer"]

AXES = ("last", "axial")
# Axis of a batch of volumes across which it is cut, and the turn of its slices.
Cut = tuple[int, SliceTurn]


class SlicewiseInferer(Inferer):
    """Translate 2D images as they are, and volumes in batches of slices into a volume allocated once.

    Volumes get no gradients. Beside the volume and its result, only ``batch_size`` slices and what the network makes of
    them are in memory. The inner inferer pads each slice to what the network accepts and cuts it back
    (``SeamlessInferer``).

    Args:
        inferer: inferer of ``(B, C, H, W)`` images, each independent of the others in its batch.
        axis: ``"last"`` cuts across the last axis and shows the slices as they are; ``"axial"`` cuts across the one
            that runs from foot to head by the volume's affine, which in a sagittal series is not the last, and shows
            axial slices as they lie in a DICOM series, columns to the left and rows to the back, see ``slice_turn``.
        batch_size: slices at a time.

    Raises:
        InputError: another axis or a batch size below 1.
    """

    def __init__(self, inferer: Inferer, axis: str = "last", batch_size: int = 1) -> None:
        if axis not in AXES:
            raise InputError(f"axis is {axis!r}; expected one of {AXES}.")
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}; expected at least 1.")
        self.inferer = inferer
        self.axis = axis
        self.batch_size = batch_size

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Translate ``(B, C, H, W)`` or ``(B, C, H, W, D)``; the spatial size stays, and so does the axes' order."""
        if inputs.ndim == 4 and self.axis == "last":
            return torch.as_tensor(self.inferer(inputs, network, *args, **kwargs))
        volume = torch.as_tensor(inputs).as_subclass(Tensor)
        if inputs.ndim == 4:
            turn = slice_turn(inputs)
            turned = torch.as_tensor(self.inferer(turn.there(volume), network, *args, **kwargs)).as_subclass(Tensor)
            return with_metadata(turn.back(turned), inputs)
        return with_metadata(self.translated(volume, self.cut(inputs), network, *args, **kwargs), inputs)

    def translated(self, volume: Tensor, cut: Cut, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Translate ``(B, C, H, W, D)`` slice by slice."""
        result: Tensor | None = None
        axis, turn = cut
        with torch.no_grad():
            for places, slices in self.slices(volume, cut):
                turned = torch.as_tensor(self.inferer(slices, network, *args, **kwargs)).as_subclass(Tensor)
                output = turn.back(turned)
                if result is None:
                    result = allocated(volume, output)
                # (n * B, C, ...) back to (n, B, C, ...), and the slices' axis to its place.
                back = output.reshape(-1, len(volume), *output.shape[1:]).movedim(0, axis)
                result.narrow(axis, places.start, len(places)).copy_(back)
        if result is None:
            raise InputError(f"the volume has shape {tuple(volume.shape)}; expected at least one slice.")
        return result

    def cut(self, volume: Tensor) -> Cut:
        """Axis of ``(B, C, H, W, D)`` across which to cut, and how slices are turned."""
        if self.axis == "last":
            return 4, SliceTurn()
        axis = axial_axis(volume)
        return 2 + axis, slice_turn(volume, axis)

    def slices(self, volume: Tensor, cut: Cut) -> Iterator[tuple[range, Tensor]]:
        """Places along the axis and their turned slices, ``(places * B, C, ., .)``, place by place."""
        axis, turn = cut
        for start in range(0, volume.shape[axis], self.batch_size):
            places = range(start, min(start + self.batch_size, volume.shape[axis]))
            yield places, turn.there(volume.narrow(axis, start, len(places)).movedim(axis, 0).flatten(0, 1))


def with_metadata(result: Tensor, inputs: Tensor) -> Tensor:
    """The result with the metadata of the input, if it has any."""
    return MetaTensor(result).copy_meta_from(inputs) if isinstance(inputs, MetaTensor) else result


def allocated(volume: Tensor, output: Tensor) -> Tensor:
    """Volume of the output's type and channels, in the order of axes in memory that the input has."""
    channels = output.shape[1]
    if channels == volume.shape[1]:
        return torch.empty_like(volume, dtype=output.dtype, device=output.device)
    return output.new_empty((volume.shape[0], channels, *volume.shape[2:]))
