"""Quality of an image against its reference: the measures of the reviews, each by its name.

The review (Li et al. 2021, Discover Artificial Intelligence 1:5) has MSE, PSNR and SSIM in its Table 4, VIF, UQI and
LPIPS among its studies. All of them need the right image of the same patient, so they judge translation and
reconstruction, never images out of noise. MSE and PSNR see no structure and forgive blur; a high value is no proof of a
right diagnosis.

All take images in [-1, 1] and bring them to the scale that each was made for, which its implementation does not check:

- PSNR, SSIM and MS-SSIM (MONAI's) to [0, 1] with the fixed range 1: a range taken from the images would make values
  of two images incomparable.
- VIF (torchmetrics', in the pixel domain: Sheikh and Bovik, IEEE TIP 15:430, 2006) to [0, 255]: its noise of variance 2
  is meant for 8 bits; on [0, 1] everything drowns in it. In double precision, as a constant reference otherwise gives a
  number instead of none.
- UQI (Wang and Bovik, IEEE Signal Processing Letters 9:81, 2002) is the structural similarity without constants in
  windows of 8 pixels. Levels around 0 would make its quotient of means meaningless, so [0, 1], too. torchmetrics'
  counts windows in which both images are flat, say collimated borders, as 0; here they count by their means.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import torch
from monai.metrics import CumulativeIterationMetric
from monai.metrics.regression import compute_mean_error_metrics, compute_ms_ssim
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.pair_check import check_pair
from monai_harmonize.metrics.perceptual_distance import PerceptualDistance, as_slices
from monai_harmonize.metrics.structural_similarity import batch_structural_similarity

__all__ = ["PAIRED_MEASURES", "PairedMeasure", "PairedQualityMetric", "paired_measure", "paired_quality"]

LPIPS = "lpips_"
# Keeps quotients of 0 and 0 apart from those of rounding, which lies far below in double precision.
NEARLY_NOTHING = 1e-6


@dataclass(frozen=True)
class PairedMeasure:
    """A measure of pairs of images.

    Args:
        function: from images and references ``(B, 1, W, H[, D])`` in [-1, 1] to ``(B,)``.
        higher_is_better: the direction.
        smallest: pixels that every side needs; of volumes measured slice by slice, every side of a slice.
        slicewise: whether a volume's value is the mean over its slices along the last axis.
        best: value of two equal images.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    higher_is_better: bool
    smallest: int = 1
    slicewise: bool = False
    best: float = 1.0


def unit(image: Tensor) -> Tensor:
    """From [-1, 1] to [0, 1], a plain tensor in double precision."""
    return (image.as_subclass(Tensor).double() + 1) / 2


def squared_error(image: Tensor, reference: Tensor) -> Tensor:
    """Mean square of differences, the grey scale being 1 wide."""
    return torch.as_tensor(compute_mean_error_metrics(unit(image), unit(reference), torch.square))[:, 0]


def absolute_error(image: Tensor, reference: Tensor) -> Tensor:
    """Mean absolute difference, as a share of the grey scale."""
    return torch.as_tensor(compute_mean_error_metrics(unit(image), unit(reference), torch.abs))[:, 0]


def signal_to_noise(image: Tensor, reference: Tensor) -> Tensor:
    """PSNR in decibel; infinite for equal images."""
    return -10 * squared_error(image, reference).log10()


def multi_scale_similarity(image: Tensor, reference: Tensor) -> Tensor:
    """MS-SSIM over five scales."""
    return torch.as_tensor(compute_ms_ssim(unit(image), unit(reference), image.ndim - 2, data_range=1.0))[:, 0]


def universal_quality(image: Tensor, reference: Tensor) -> Tensor:
    """UQI, means over windows of 8 pixels of equal weight."""
    constants = {"k1": NEARLY_NOTHING, "k2": NEARLY_NOTHING}
    return batch_structural_similarity(unit(image), unit(reference), kernel_type="uniform", win_size=8, **constants)


def information_fidelity(image: Tensor, reference: Tensor) -> Tensor:
    """VIF, of volumes the mean over the slices in which the reference shows anything.

    Raises:
        InputError: a reference is constant and holds no information that could be kept.
    """
    # It takes seconds to import and few measures need it; after torchvision, which it imports.
    from torchmetrics.functional.image import visual_information_fidelity  # noqa: PLC0415

    pairs = zip(*(255 * unit(as_slices(each)[:, None, 0]) for each in (image, reference)), strict=True)
    found = torch.stack([visual_information_fidelity(x[None], y[None]) for x, y in pairs])
    values = found.reshape(len(image), -1).nanmean(dim=1)
    if values.isnan().any():
        raise InputError("a reference is constant; VIF is the share of its information that is kept, and it has none.")
    return values


def similarity(image: Tensor, reference: Tensor) -> Tensor:
    """SSIM, Gaussian windows of 11 pixels."""
    return batch_structural_similarity(unit(image), unit(reference))


PAIRED_MEASURES = {
    "mse": PairedMeasure(squared_error, higher_is_better=False, best=0.0),
    "mae": PairedMeasure(absolute_error, higher_is_better=False, best=0.0),
    "psnr": PairedMeasure(signal_to_noise, higher_is_better=True, best=float("inf")),
    "ssim": PairedMeasure(similarity, higher_is_better=True, smallest=11),
    # Five scales, of which the smallest must hold a window.
    "ms_ssim": PairedMeasure(multi_scale_similarity, higher_is_better=True, smallest=11 * 2**4),
    "vif": PairedMeasure(information_fidelity, higher_is_better=True, smallest=41, slicewise=True),
    "uqi": PairedMeasure(universal_quality, higher_is_better=True, smallest=8),
}


def paired_measure(
    name: str, weights: str | os.PathLike[str] | None = None, random_backbone: bool = False
) -> tuple[str, PairedMeasure]:
    """A measure by its name, and the name that its results are to have.

    Args:
        name: one of ``PAIRED_MEASURES``, or ``lpips_alex``, ``lpips_vgg``, ``lpips_squeeze``.
        weights: of LPIPS' backbone, see ``PerceptualDistance``; no other measure has any.
        random_backbone: see ``PerceptualDistance``; the name of the result says so.

    Raises:
        InputError: an unknown name, weights of a measure without, or what ``PerceptualDistance`` refuses.
    """
    if name.startswith(LPIPS):
        distance = PerceptualDistance(name.removeprefix(LPIPS), weights, random_backbone)
        return distance.name, PairedMeasure(distance, False, smallest=32, slicewise=True, best=0.0)
    if name not in PAIRED_MEASURES:
        raise InputError(f"measure {name!r} is not known; expected one of {', '.join(PAIRED_MEASURES)}, lpips_alex.")
    if weights is not None or random_backbone:
        raise InputError(f"{name} has no weights; leave them out.")
    return name, PAIRED_MEASURES[name]


def paired_quality(measure: str | PairedMeasure, image: Tensor, reference: Tensor) -> Tensor:
    """A measure of each pair.

    Args:
        measure: name of one without weights, or what ``paired_measure`` gives.
        image: ``(B, 1, W, H[, D])`` in [-1, 1].
        reference: same shape and range.

    Returns:
        ``(B,)``.

    Raises:
        InputError: an unknown name, shapes differ or do not fit, a side is too short for the measure, or a grey level
            is not in [-1, 1].
    """
    chosen = paired_measure(measure)[1] if isinstance(measure, str) else measure
    check_pair(image, reference)
    sides = image.shape[2:4] if chosen.slicewise else image.shape[2:]
    if min(sides) < chosen.smallest:
        raise InputError(
            f"images of {'x'.join(map(str, image.shape[2:]))} pixels; "
            f"{measure if isinstance(measure, str) else 'the measure'} needs {chosen.smallest} a side."
        )
    return chosen.function(image, reference)


class PairedQualityMetric(CumulativeIterationMetric):
    """A measure of each pair of an evaluator, and the mean over all pairs.

    For MONAI evaluators through ``monai.handlers.IgniteMetricHandler``. Called with two tensors ``(B, 1, W, H[, D])``
    in [-1, 1], or lists of them without ``B``; ``get_buffer`` gives the value of each pair, ``(N, 1)``.

    Args:
        name: see ``paired_measure``.
        weights: see ``paired_measure``.
        random_backbone: see ``paired_measure``.
    """

    def __init__(self, name: str, weights: str | os.PathLike[str] | None = None, random_backbone: bool = False) -> None:
        self.name, self.measure = paired_measure(name, weights, random_backbone)
        super().__init__()

    def __str__(self) -> str:
        return self.name

    @torch.no_grad()
    def _compute_tensor(self, y_pred: Tensor, y: Tensor) -> Tensor:
        return paired_quality(self.measure, y_pred, y)[:, None]

    def aggregate(self) -> Tensor:
        """Mean over all pairs, a scalar.

        Raises:
            ValueError: no pair was given since the last reset.
        """
        values = self.get_buffer()
        if values is None:
            raise ValueError(f"no pair was given since the last reset, so there is no {self}")
        return torch.as_tensor(values).mean()
