"""One style for a whole volume: statistics of all its slices first, then the slices with these statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.inferers.seamless import SeamlessInferer
from monai_harmonize.inferers.slicewise import Cut, SlicewiseInferer, with_metadata
from monai_harmonize.inferers.windowed import WindowedInferer

__all__ = ["StatisticsNetwork", "VolumeStatisticsInferer", "pooled_statistics"]

Statistics = tuple[Tensor, Tensor]


@runtime_checkable
class StatisticsNetwork(Protocol):
    """A 2D network that normalises feature maps by their mean and deviation, and takes these from outside if given."""

    def statistics(self, slices: Tensor) -> Statistics:
        """Mean and standard deviation of every channel of every slice, as ``channel_statistics``.

        Args:
            slices: ``(N, C, H, W)``.

        Returns:
            Two tensors ``(N, F)``; F counts the channels of all feature maps that the network normalises.
        """
        ...

    def __call__(self, slices: Tensor, *, statistics: Statistics | None = None) -> Tensor:
        """Translate slices; with ``statistics``, two tensors ``(1, F)``, instead of each slice's own."""
        ...


class VolumeStatisticsInferer(SlicewiseInferer):
    """``SlicewiseInferer`` for a ``StatisticsNetwork``: every slice is normalised by its volume's statistics.

    A network that normalises each slice by itself turns what differs between slices, such as lungs above and bones
    below, into steps from slice to slice. Here a first pass measures all slices and a second one translates them, as if
    the network had seen the volume whole. A 2D image has its own statistics.

    Args:
        inferer: inferer of slices, of whose ``pad`` the network is shown the result in the first pass.
        axis: see ``SlicewiseInferer``.
        batch_size: see ``SlicewiseInferer``.
    """

    def __init__(self, inferer: SeamlessInferer | WindowedInferer, axis: str = "last", batch_size: int = 1) -> None:
        super().__init__(inferer, axis, batch_size)
        self.pad = inferer.pad

    def __call__(self, inputs: Tensor, network: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Translate ``(B, C, H, W)`` or ``(B, C, H, W, D)``; a batch's volumes one after the other.

        Raises:
            InputError: the network offers no statistics, or they have another form.
        """
        if not isinstance(network, StatisticsNetwork):
            raise InputError(f"{type(network).__name__} has no method statistics; use SlicewiseInferer for it.")
        if inputs.ndim == 4:
            return super().__call__(inputs, network, *args, **kwargs)
        cut, results = self.cut(inputs), []
        for volume in torch.split(torch.as_tensor(inputs).as_subclass(Tensor), 1):
            measured = self.measured(volume, cut, network)
            results.append(self.translated(volume, cut, network, *args, **kwargs, statistics=measured))
        return with_metadata(results[0] if len(results) == 1 else torch.cat(results), inputs)

    def measured(self, volume: Tensor, cut: Cut, network: StatisticsNetwork) -> Statistics:
        """Statistics of one volume ``(1, C, H, W, D)``."""
        with torch.no_grad():
            found = [network.statistics(self.pad(slices)) for _, slices in self.slices(volume, cut)]
        means, deviations = (torch.cat(parts) for parts in zip(*found, strict=True))
        return pooled_statistics(means, deviations)


def pooled_statistics(means: Tensor, deviations: Tensor) -> Statistics:
    """Mean and deviation of all slices together, exactly, by the law of total variance.

    What was added to every variance under the root is in the result once, too.

    Args:
        means: per slice and channel ``(N, F)``, of equally many positions each.
        deviations: the same shape, divided by the number of positions.

    Returns:
        Two tensors ``(1, F)`` of the same type; sums are taken in double precision.

    Raises:
        InputError: the two are not of one shape ``(N, F)``.
    """
    if means.ndim != 2 or means.shape != deviations.shape:
        raise InputError(
            f"statistics have shapes {tuple(means.shape)} and {tuple(deviations.shape)}; expected (N, F) twice."
        )
    exact = means.double()
    mean = exact.mean(0, keepdim=True)
    variance = deviations.double().square().mean(0, keepdim=True) + (exact - mean).square().mean(0, keepdim=True)
    return mean.to(means), variance.sqrt().to(deviations)
