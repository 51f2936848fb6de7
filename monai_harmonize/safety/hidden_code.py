"""Does a cycle network hide its input in its output? (Chu, Zhmoginov, Sandler, arXiv 1712.02950, 2017)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError

__all__ = ["HiddenCode", "hidden_code_test"]

Translate = Callable[[Tensor], Tensor]

# Half width in pixels of a blur that no eye notices.
BLUR_SIGMA = 0.5
# Half an 8-bit level: a cycle error below it is rounding, and a ratio to it says nothing.
FLOOR = 1 / 510


@dataclass(frozen=True)
class HiddenCode:
    """Cycle errors, root mean square, share of the grey scale.

    Args:
        cycle_error: of the undisturbed cycle.
        quantised: with the translation rounded to 8 bits.
        noisy: with white noise of one 8-bit level added to it.
        blurred: with a Gaussian of 0.5 pixel applied to it.
        ratio: the largest of the three over the undisturbed error, that at least half an 8-bit level.
        amplification: how many times larger a disturbance is after the way back, the largest of the three. For a
            curve it is at most its inverse's largest slope.
    """

    cycle_error: float
    quantised: float
    noisy: float
    blurred: float
    ratio: float
    amplification: float


@torch.no_grad()
def hidden_code_test(
    image: Tensor,
    forward: Translate,
    backward: Translate,
    *,
    grey_range: tuple[float, float] = (-1.0, 1.0),
    seed: int = 0,
) -> HiddenCode:
    """Disturb the translated image invisibly before it is translated back, and see how much worse it comes back.

    An honest pair carries a small disturbance over about as it is. A pair that met the cycle loss by hiding the
    input as a faint code in the output loses the code, and with it the input.

    Args:
        image: batch ``(B, C, H, W[, D])``, float, on the scale.
        forward: A to B.
        backward: B to A.
        grey_range: lowest and highest grey level of the scale.
        seed: of the noise.

    Returns:
        Errors, their ratio and the amplification; the latter is about 1 for an honest pair.

    Raises:
        InputError: the batch has no such axes, or a translation changes its shape.
    """
    if image.ndim not in (4, 5):
        raise InputError(f"a batch of shape {tuple(image.shape)}; expected (B, C, H, W) or (B, C, H, W, D)")
    low, high = grey_range
    scale = high - low
    translated = forward(image)
    level = scale / 255
    noise = torch.randn(translated.shape, generator=torch.Generator().manual_seed(seed)).to(translated) * level
    disturbed = {
        "quantised": torch.round((translated - low) / level) * level + low,
        "noisy": translated + noise,
        "blurred": blurred(translated),
    }
    restored = backward(translated)
    cycle_error = _error(restored, image, scale)
    errors, growth = {}, []
    for name, changed in disturbed.items():
        back = backward(changed)
        errors[name] = _error(back, image, scale)
        size = _error(changed, translated, scale)
        growth.append(_error(back, restored, scale) / size if size > 0 else 0.0)
    ratio = max(errors.values()) / max(cycle_error, FLOOR)
    return HiddenCode(cycle_error=cycle_error, **errors, ratio=ratio, amplification=max(growth))


def blurred(image: Tensor, sigma: float = BLUR_SIGMA) -> Tensor:
    """Gaussian blur of three taps along each spatial axis of ``(B, C, ...)``, mirrored at the edges."""
    side = float(torch.exp(torch.tensor(-0.5 / sigma**2)))
    for axis in range(2, image.ndim):
        pad = [amount for other in reversed(range(2, image.ndim)) for amount in (int(other == axis),) * 2]
        padded = F.pad(image, pad, mode="reflect")
        size = image.shape[axis]
        before, here, after = (padded.narrow(axis, start, size) for start in range(3))
        image = (here + side * (before + after)) / (1 + 2 * side)
    return image


def _error(image: Tensor, reference: Tensor, scale: float) -> float:
    if image.shape != reference.shape:
        raise InputError(f"a translation made {tuple(image.shape)} of {tuple(reference.shape)}; expected one shape")
    return float((image - reference).square().mean().sqrt()) / scale
