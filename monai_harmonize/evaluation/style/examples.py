"""Slices that the report shows: drawn by each network, and what they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.evaluation.style.scoring import StyleCase

__all__ = ["Examples", "as_seen", "examples_of", "read_arrays", "write_arrays"]

Image = NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """One slice of a home test patient, by look other than home.

    Args:
        content: ``(W, H)`` in [-1, 1].
        drawn: by a network.
        truths: the same slice of the same patient, where there is one.
        styles: a slice of somebody in the look.
    """

    content: Image
    drawn: dict[str, Image]
    truths: dict[str, Image]
    styles: dict[str, Image]

    def write(self, path: Path) -> None:
        """Save as ``.npz``."""
        parts = {"drawn": self.drawn, "truths": self.truths, "styles": self.styles}
        arrays = {f"{part}/{look}": image for part, images in parts.items() for look, image in images.items()}
        write_arrays(path, {"content": self.content, **arrays})

    @classmethod
    def read(cls, path: Path) -> Examples:
        """What ``write`` saved."""
        arrays = read_arrays(path)
        parts = {
            part: {name.partition("/")[2]: image for name, image in arrays.items() if name.startswith(f"{part}/")}
            for part in ("drawn", "truths", "styles")
        }
        return cls(arrays["content"], **parts)


def examples_of(draw: Callable[[Tensor, int], Tensor], cases: Sequence[StyleCase], looks: Sequence[str]) -> Examples:
    """The middle slice of the first case of the home look; styles are middle slices of the first cases of each look.

    Args:
        draw: see ``score_styles``.
        cases: see ``score_styles``.
        looks: see ``score_styles``.
    """
    first = next(case for case in cases if case.look == looks[0])
    styles = {look: next((case.volume for case in cases if case.look == look), None) for look in looks[1:]}
    with torch.no_grad():
        drawn = {look: draw(first.volume, number) for number, look in enumerate(looks) if number}
    return Examples(
        middle(first.volume),
        {look: middle(volume) for look, volume in drawn.items()},
        {look: middle(first.truths[look]) for look in looks[1:] if look in first.truths},
        {look: middle(volume) for look, volume in styles.items() if volume is not None},
    )


def middle(volume: Tensor) -> Image:
    """Middle slice ``(W, H)`` of ``(1, W, H, D)``, as it is seen."""
    return as_seen(volume[0, ..., volume.shape[-1] // 2].float())


def as_seen(slices: Tensor) -> NDArray[Any]:
    """A slice ``(W, H)`` whose axes point to the patient's right and front, as one sees it: front up, right left."""
    return np.asarray(slices.flip(0, 1).cpu())


def write_arrays(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Save arrays by name; the file appears whole or not at all."""
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """What ``write_arrays`` saved."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
