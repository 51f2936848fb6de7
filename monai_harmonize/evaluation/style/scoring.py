"""What a style transfer network makes of test images: judged against the input, the paired truth and by networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.style.style_table import BACK, TO
from monai_harmonize.metrics import batch_structural_similarity, conditional_inception_score
from monai_harmonize.metrics.confusion import confusion_matrix, label_iou

__all__ = ["Judges", "StyleCase", "score_styles", "spread_slices"]

# Takes a volume (1, W, H, D) and the number of a look.
Draw = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Judges:
    """Networks that judge.

    Args:
        classifier: of looks, from slices ``(N, 1, W, H)`` to logits, classes in the order of the looks.
        distance: of two volumes ``(1, 1, W, H, D)``, see ``PerceptualDistance``.
        segment: labels ``(W, H, D)`` of a volume, by the network of the home look.
        num_labels: background included.
    """

    classifier: Callable[[Tensor], Tensor]
    distance: Callable[[Tensor, Tensor], Tensor]
    segment: Callable[[Tensor], Tensor]
    num_labels: int


@dataclass(frozen=True)
class StyleCase:
    """A test volume, some of its slices.

    Args:
        image: name of the file.
        patient: whose.
        look: in which it was taken.
        volume: ``(1, W, H, D)`` in [-1, 1].
        label: ``(W, H, D)``, whole numbers.
        truths: the same slices of the same patient in other looks, ``(1, W, H, D)``, where they exist.
    """

    image: str
    patient: str
    look: str
    volume: Tensor
    label: Tensor
    truths: Mapping[str, Tensor] = field(default_factory=dict)


def spread_slices(volume: Tensor, count: int) -> Tensor:
    """Slices along the last axis at the middles of equal parts, all where there are not more."""
    depth = volume.shape[-1]
    places = np.unique(((np.arange(count) + 0.5) * depth / count).astype(int)) if count < depth else np.arange(depth)
    return volume[..., torch.as_tensor(places)]


def score_styles(draw: Draw, cases: Sequence[StyleCase], looks: Sequence[str], judges: Judges) -> pd.DataFrame:
    """Draw every case of the home look in all other looks, and every other case in the home look.

    Args:
        draw: style transfer.
        cases: test volumes.
        looks: home first; their places are the numbers that ``draw`` knows.
        judges: networks that judge.

    Returns:
        A row per way, look (that is not home) and image: ``lpips`` to the input, ``ssim_truth`` and ``mae_truth`` (on
        [0, 1]) to the truth of the same patient; on the way to a look ``cis`` (of all looks of the image, in every of
        its rows) and ``recognized``, the share of slices in which the classifier sees that look; on the way back
        ``mean_iou`` of the home segmentation network. NaN where there is none.

    Raises:
        InputError: there is no case.
    """
    if not cases:
        raise InputError("there is no test image to draw in another look; fill the split test of the manifest.")
    rows: list[dict[str, Any]] = []
    for case in cases:
        with torch.no_grad():
            rows.extend(
                there(draw, case, looks, judges) if case.look == looks[0] else [back(draw, case, judges, looks)]
            )
    return pd.DataFrame(rows)


def there(draw: Draw, case: StyleCase, looks: Sequence[str], judges: Judges) -> Iterator[dict[str, Any]]:
    """Rows of an image of the home look, drawn in each other look."""
    drawn = {number: draw(case.volume, number) for number in range(1, len(looks))}
    logits = {number: judges.classifier(as_batch(volume)) for number, volume in drawn.items()}
    slices = torch.arange(case.volume.shape[-1]).repeat(len(drawn))
    cis = np.nan
    if len(drawn) > 1:
        cis = float(conditional_inception_score(torch.cat(list(logits.values())), slices).mean())
    for number, volume in drawn.items():
        yield {
            "way": TO,
            "look": looks[number],
            **names_of(case),
            **similarity(volume, case, looks[number], judges),
            "cis": cis,
            "recognized": float((logits[number].argmax(1) == number).float().mean()),
            "mean_iou": np.nan,
        }


def back(draw: Draw, case: StyleCase, judges: Judges, looks: Sequence[str]) -> dict[str, Any]:
    """Row of an image of another look, drawn in the home look and segmented."""
    drawn = draw(case.volume, 0)
    confusion = confusion_matrix(judges.segment(drawn), case.label, judges.num_labels)
    return {
        "way": BACK,
        "look": case.look,
        **names_of(case),
        **similarity(drawn, case, looks[0], judges),
        "cis": np.nan,
        "recognized": np.nan,
        "mean_iou": float(label_iou(confusion).nanmean()),
    }


def names_of(case: StyleCase) -> dict[str, str]:
    """Columns that tell the image."""
    return {"image": case.image, "patient": case.patient}


def similarity(drawn: Tensor, case: StyleCase, look: str, judges: Judges) -> dict[str, float]:
    """Perceptual distance to the input; similarity and mean error to the truth."""
    scores = {"lpips": float(judges.distance(drawn[None], case.volume[None]))}
    if look not in case.truths:
        return {**scores, "ssim_truth": np.nan, "mae_truth": np.nan}
    image, truth = ((as_batch(volume) + 1) / 2 for volume in (drawn, case.truths[look]))
    ssim = float(batch_structural_similarity(image, truth, data_range=1.0).mean())
    return {**scores, "ssim_truth": ssim, "mae_truth": float((image - truth).abs().mean())}


def as_batch(volume: Tensor) -> Tensor:
    """Slices ``(D, 1, W, H)`` of a volume ``(1, W, H, D)``."""
    return volume.movedim(-1, 0)
