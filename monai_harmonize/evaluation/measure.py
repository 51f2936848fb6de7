"""From files to numbers of single images and histograms: the part of the protocol that reads pixels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.cases import Pairing
from monai_harmonize.evaluation.images import RAW, TRUTH, Image, Load, load_case, load_item, load_unit_image
from monai_harmonize.metrics import (
    gradient_agreement,
    grey_level_histogram,
    monotone_residual,
    structural_similarity,
    wasserstein_distance,
)

__all__ = ["IMAGE_MEASURES", "Measured", "measure_images", "read_all"]

Array = NDArray[np.float64]
Thing = TypeVar("Thing")
Read = TypeVar("Read")

IMAGE_MEASURES = (
    "ssim_to_input",
    "residual_rms",
    "residual_share",
    "gradient_agreement",
    "ssim_to_truth",
    "mae_to_truth",
)


@dataclass(frozen=True)
class Measured:
    """What was read from the pixels.

    Args:
        per_image: one row per case and method: `image`, `method`, `IMAGE_MEASURES` (NaN where one does not
            apply) and `wasserstein_to_target` of that image alone.
        histograms: by method, one histogram per case, `(cases, bins)`; only methods that every case has.
        target_histograms: one per image of the target site, `(targets, bins)`.
    """

    per_image: pd.DataFrame
    histograms: dict[str, Array]
    target_histograms: Array


def measure_images(pairing: Pairing, *, load: Load = load_item, progress: bool = True) -> Measured:
    """Reads every image once and keeps numbers and histograms, not pixels.

    Args:
        pairing: cases and images of the target site.
        load: reader of a record.
        progress: whether to show a progress bar.

    Raises:
        InputError: images cannot be compared; the message has one line for each of them.
    """
    targets = read_all(pairing.targets, lambda item: load_unit_image(item, load), "Target site", progress)
    target_histograms = np.stack([grey_level_histogram(image) for image in targets])
    target = target_histograms.mean(axis=0)
    rows: list[dict[str, object]] = []
    stacks: dict[str, list[Array]] = defaultdict(list)
    cases = read_all(pairing.cases, lambda case: (case.name, load_case(case, load)), "Source site", progress)
    for name, images in cases:
        for method, image in images.items():
            histogram = grey_level_histogram(image)
            stacks[method].append(histogram)
            numbers = _measure(method, images) | {
                "wasserstein_to_target": float(wasserstein_distance(histogram, target))
            }
            rows.append({"image": name, "method": method, **numbers})
    histograms = {method: np.stack(s) for method, s in stacks.items() if len(s) == len(pairing.cases)}
    columns = ["image", "method", *IMAGE_MEASURES, "wasserstein_to_target"]
    return Measured(pd.DataFrame(rows, columns=columns), histograms, target_histograms)


def _measure(method: str, images: dict[str, Image]) -> dict[str, float]:
    image, raw, truth = images[method], images[RAW], images.get(TRUTH)
    numbers: dict[str, float] = {}
    if method != RAW:
        residual = float(np.sqrt(np.mean(np.square(monotone_residual(image, raw)))))
        numbers |= {
            "ssim_to_input": structural_similarity(image, raw),
            "residual_rms": residual,
            "residual_share": residual / float(image.std()),
            "gradient_agreement": gradient_agreement(image, raw),
        }
    if truth is not None and method != TRUTH:
        numbers["ssim_to_truth"] = structural_similarity(image, truth)
        numbers["mae_to_truth"] = float(np.abs(image - truth).mean())
    return numbers


def read_all(things: Iterable[Thing], read: Callable[[Thing], Read], what: str, progress: bool) -> Iterator[Read]:
    """Yields what can be read and at the end refuses everything that could not, all of it at once."""
    problems = []
    for thing in tqdm(things, desc=what, unit="image", disable=not progress):
        try:
            image = read(thing)
        except (OSError, RuntimeError, ValueError) as error:
            problems.append(str(error))
            continue
        yield image
    if problems:
        listed = "\n  ".join(problems)
        count = f"{len(problems)} image{'s' * (len(problems) != 1)}"
        raise InputError(f"{count} cannot be compared; mend or leave out:\n  {listed}")
