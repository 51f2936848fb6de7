"""Images that were held out of a training, and those that only seem to be."""

from __future__ import annotations

import numpy as np
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.tolerant import Failure
from monai_harmonize.evaluation.samples.evaluate import PIXEL_SIZE
from monai_harmonize.evaluation.samples.images import ImageSet
from monai_harmonize.metrics.memorisation import nearest_training_images, standardised_pixels

__all__ = ["without_training_images"]

# Pixel distance below which two images are one, stored with other bits: 8 instead of 12 bits make about 0.003.
SAME_IMAGE = 0.01


def without_training_images(held_out: ImageSet, training: ImageSet) -> ImageSet:
    """Held-out images without those that show a training image, which are listed among its failures.

    At a distance of 0 they would be the yardstick of the memorisation alarm, and copies no alarm.
    """
    distance, neighbour = nearest_training_images(
        *(standardised_pixels(each.pixels, PIXEL_SIZE) for each in (held_out, training))
    )
    kept = np.flatnonzero(distance > SAME_IMAGE)
    same = [
        Failure(
            held_out.names[number],
            f"shows the training image {training.names[neighbour[number]]}, so it was not held out and is left out",
        )
        for number in np.flatnonzero(distance <= SAME_IMAGE)
    ]
    if len(kept) < 2:
        raise InputError(f"the held-out images are training images, such as {same[0]}; name images of other patients.")
    return ImageSet(
        tuple(held_out.names[number] for number in kept),
        tuple(held_out.patients[number] for number in kept),
        held_out.pixels[torch.from_numpy(kept)],
        (*held_out.failures, *same),
    )
