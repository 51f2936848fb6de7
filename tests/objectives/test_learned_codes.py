"""CGAN, ACGAN and InfoGAN do what their papers say they do, on images with one visible factor."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from learning import SIZE, learned
from sklearn.metrics import roc_auc_score
from torch import Tensor

from monai_harmonize.data import LatentCode
from monai_harmonize.metrics.code_information import code_information
from monai_harmonize.metrics.visible_factors import visible_factors
from monai_harmonize.objectives import ACGAN, CGAN, GAN, InfoGAN

CLASSES = LatentCode(8, [2])
NUMBERS = LatentCode(16, continuous=1)


def dark_or_bright(number: int) -> Tensor:
    """Dark images for class 0, bright ones for class 1, with a gradient of any direction."""
    random = np.random.default_rng(number)
    across, along = random.uniform(-0.3, 0.3, 2)
    ramp = torch.linspace(-1, 1, SIZE)
    return (0.5 if number % 2 else -0.5) + across * ramp[None, :, None] + along * ramp[None, None, :]


def bar(number: int) -> Tensor:
    """A bright bar at any place along x."""
    place = np.random.default_rng(number).uniform(0.15, 0.85)
    profile = torch.exp(-(((torch.arange(SIZE) + 0.5) / SIZE - place) ** 2) / (2 * 0.12**2))
    return (2 * profile - 1)[None, :, None].expand(1, SIZE, SIZE).clone()


def recognised(codes: Tensor, images: Tensor) -> float:
    """AUC of the mean level for the class that was asked for."""
    return float(roc_auc_score(CLASSES.category(codes).argmax(1), images.mean((1, 2, 3))))


def test_a_told_discriminator_makes_the_generator_draw_what_is_asked_for() -> None:
    codes, images, _ = learned(partial(CGAN, code=CLASSES), CLASSES, dark_or_bright, planes=2)
    print("CGAN", recognised(codes, images))
    codes, images, _ = learned(GAN, CLASSES, dark_or_bright)
    print("GAN", recognised(codes, images))


def test_a_classifying_discriminator_makes_the_generator_draw_what_is_asked_for() -> None:
    codes, images, losses = learned(partial(ACGAN, code=CLASSES), CLASSES, dark_or_bright, outputs=2)
    print("ACGAN", recognised(codes, images))
    for name in ("classification", "classification_real", "classification_fake"):
        first, last = (np.mean([step[name] for step in part]) for part in (losses[:5], losses[-20:]))
        print(name, first, last)


@pytest.mark.parametrize("weight", [1.0, 0.1, 0.0])
def test_codes_find_the_visible_factor_where_their_information_counts(weight: float) -> None:
    weights = {"numbers": weight, "recognised_numbers": weight}
    codes, images, losses = learned(
        partial(InfoGAN, code=NUMBERS, loss_weights=weights), NUMBERS, bar, outputs=1, steps=300
    )
    factors = visible_factors(images)
    print(weight, factors["centre_x"].std(), bar(3).mean(), losses[-1])
    print({n: code_information(NUMBERS.numbers(codes)[:, 0], f) for n, f in factors.items()})
