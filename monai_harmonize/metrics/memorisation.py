"""Whether samples are training images: the nearest training neighbour, a privacy alarm.

The review (Li et al. 2021, Discover Artificial Intelligence 1:5, section 7) asks whether generated images are new, or
original data that need consent. No score of a distribution answers it: a generator that repeats its training set has
the best FID. Here every sample's distance to its nearest training image is compared with the distances of real images
that were not trained on: what is new lies as far from the training images as those do.

It sees what its features see. In pixels a copy that is shifted, mirrored or of another tone is far from its original;
deep features forgive this and may also forgive what tells two patients apart. No alarm is no proof of privacy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.calibrated_alarm import Alarm, calibrated_alarm
from monai_harmonize.metrics.feature_sets import checked_sets, distances

__all__ = ["Memorisation", "memorisation", "nearest_training_images", "standardised_pixels"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Memorisation:
    """Nearest training images of N samples.

    Args:
        distance: to it, ``(N,)``, in units of the features.
        neighbour: its number among the training images, ``(N,)``.
        calibration: distances of real images to their nearest training image.
        alarm: which samples lie too near, see ``calibrated_alarm``.
    """

    distance: Array
    neighbour: NDArray[np.int64]
    calibration: Array
    alarm: Alarm

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Numbers of the samples with an alarm and of their training images, the nearest first."""
        raised = np.flatnonzero(self.alarm.alarm | self.alarm.copy)
        ordered = raised[np.argsort(self.distance[raised], kind="stable")]
        return [(int(sample), int(self.neighbour[sample])) for sample in ordered]


def memorisation(
    features: Tensor,
    training: Tensor,
    held_out: Tensor | None = None,
    patients: Sequence[str] | None = None,
    false_alarm_rate: float = 0.01,
) -> Memorisation:
    """Samples that lie nearer to a training image than real images do.

    Args:
        features: of the samples, or their pixels, ``(N, K)``.
        training: of the training images, ``(M, K)``.
        held_out: of real images of other patients, ``(n, K)``, which nothing was trained on. Without them the distance
            of every training image to its nearest one of another patient serves: rougher, as these images do not vary
            independently of each other.
        patients: of the training images; every image is a patient of its own by default. Used without ``held_out``.
        false_alarm_rate: alarms per real image.

    Raises:
        InputError: see ``checked_sets`` and ``calibrated_alarm``, a number of patients that is not that of the images,
            or one patient only.
    """
    samples, real = checked_sets(features, training, least=1)
    distance, neighbour = nearest_training_images(samples, real)
    if held_out is not None:
        calibration, _ = nearest_training_images(checked_sets(held_out, training, least=1)[0], real)
    else:
        calibration, _ = nearest_training_images(real, real, _same_patient(patients, len(real)).to(real.device))
    alarm = calibrated_alarm(distance, calibration, false_alarm_rate)
    return Memorisation(distance, neighbour, calibration, alarm)


def standardised_pixels(images: Tensor, side: int) -> Tensor:
    """Pixels of each image with mean 0 and norm 1, so that another tone does not hide a copy; reduced by area.

    Their distances are root mean squares in units of an image's deviation, at most 2. One of a single level stays 0.

    Args:
        images: ``(N, 1, W, H[, D])``.
        side: pixels per side at most: anatomy, without the noise that hides a copy.

    Returns:
        ``(N, P)``, float64.
    """
    sizes = [min(side, size) for size in images.shape[2:]]
    rows = F.interpolate(images.as_subclass(Tensor).float(), sizes, mode="area").flatten(1).double()
    rows -= rows.mean(dim=1, keepdim=True)
    return F.normalize(rows, eps=1e-12)


def nearest_training_images(
    features: Tensor, training: Tensor, excluded: Tensor | None = None
) -> tuple[Array, NDArray[np.int64]]:
    """Distance to the nearest training image and its number, each ``(N,)``.

    Args:
        features: ``(N, K)``.
        training: ``(M, K)``.
        excluded: pairs that do not count, bool ``(N, M)``.
    """
    between = distances(features, training)
    if excluded is not None:
        between = between.masked_fill(excluded, float("inf"))
    found = between.min(dim=1)
    return found.values.cpu().numpy(), found.indices.cpu().numpy()


def _same_patient(patients: Sequence[str] | None, images: int) -> Tensor:
    """Pairs of images of one patient, bool ``(M, M)``."""
    names = [str(number) for number in range(images)] if patients is None else list(patients)
    if len(names) != images:
        raise InputError(f"there are {len(names)} patients for {images} training images; expected one per image.")
    if len(set(names)) < 2:
        raise InputError("the training images are of one patient; give held-out real images.")
    number = torch.from_numpy(np.unique(names, return_inverse=True)[1])
    return number[:, None] == number
