"""What judges styles in a study: a classifier of looks, the home segmentation network, a perceptual distance."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from monai_harmonize.cli.study.definition import Model
from monai_harmonize.cli.style_study.cases import cases_of
from monai_harmonize.cli.style_study.segmentation import Segmentation
from monai_harmonize.cli.style_study.settings import StyleStudy
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.engines import Harmonized
from monai_harmonize.engines.look_classifier import (
    accuracy,
    fit_inception_classifier,
    fit_look_classifier,
    look_classifier,
)
from monai_harmonize.engines.rand_style_transfer import DrawnStyle
from monai_harmonize.evaluation.style.examples import Image, as_seen, examples_of, write_arrays
from monai_harmonize.evaluation.style.scoring import Judges, score_styles, spread_slices
from monai_harmonize.evaluation.style.study_folder import PLAIN
from monai_harmonize.inferers import SeamlessInferer, VolumeStatisticsInferer
from monai_harmonize.metrics import perceptual_distance
from monai_harmonize.metrics.perceptual_distance import PerceptualDistance

__all__ = ["Drawing", "distance_of", "judge_styles", "predict_example", "train_look_classifier"]

# Of a training volume, for the classifier of looks.
SLICES = 8
SLICES_AT_ONCE = 8
# Background and spine.
LABELS = 2


def train_look_classifier(study: StyleStudy) -> None:
    """Train on slices of the training splits of the looks that the methods know; count on the validation splits.

    Nothing here needs a mask.
    """
    images = Segmentation(study, study.definition.segmentation)

    def volumes(split: str) -> dict[str, list[Tensor]]:
        return {
            look: [
                spread_slices(images.image(record), SLICES).movedim(-1, 0)
                for record in study.manifest.select(site=look, split=split)
            ]
            for look in study.sites.known
        }

    looks, path = list(volumes("train").values()), study.look_classifier
    if study.inception_weights is None:
        fit_look_classifier(looks, path, seed=study.style_seed)
    else:
        fit_inception_classifier(looks, path, study.inception_weights)
    found = accuracy(look_classifier(path, len(looks)), volumes("validation"))
    with atomic_path(study.look_accuracy) as temporary:
        temporary.write_text(json.dumps(found, indent=4) + "\n", encoding="utf-8")


def distance_of(study: StyleStudy) -> PerceptualDistance:
    """LPIPS with the weights that were given, else a distance with a random backbone; the report says which."""
    logging.getLogger(perceptual_distance.__name__).setLevel(logging.ERROR)
    return PerceptualDistance(weights=study.lpips_weights, random_backbone=study.lpips_weights is None)


def judge_styles(study: StyleStudy, network: tuple[str, str] | None) -> None:
    """Write scores and examples of one style transfer network, or of the images as they are.

    Args:
        study: with trained networks.
        network: method and extractor; ``None`` for no change.
    """
    plain = study.segmentation_weights(PLAIN, study.seeds[0])
    segment = Segmentation(study, study.definition.segmentation, plain)
    looks, cases = study.sites.known, cases_of(study, segment, warn=network is None)
    draw: Callable[[Tensor, int], Tensor] = unchanged
    table = study.raw_scores
    if network is not None:
        draw = Drawing(study.definition.style_model(*network), study.parts(network))
        table = study.style_scores(*network)
    classifier = look_classifier(study.look_classifier, len(looks))
    judges = Judges(classifier, distance_of(study), segment, LABELS)
    scores = score_styles(draw, cases, looks, judges)
    examples_of(draw, cases, looks).write(table.with_suffix(".npz"))
    with atomic_path(table) as temporary:
        scores.to_csv(temporary, index=False, float_format="%.6f")


def unchanged(volume: Tensor, _: int) -> Tensor:
    """No style transfer."""
    return volume


class Drawing:
    """Trained style transfer that draws some slices of a volume in a look.

    Args:
        model: the bundle.
        parts: weights of one network that stores all looks, or of one for each look.
    """

    def __init__(self, model: Model, parts: Sequence[Path]) -> None:
        self.networks = [Harmonized(model.find().root, weights).network for weights in parts]
        self.inferer = VolumeStatisticsInferer(SeamlessInferer(multiple=1), batch_size=SLICES_AT_ONCE)

    def __call__(self, volume: Tensor, look: int) -> Tensor:
        """Volume ``(1, W, H, D)`` in the look of this number, in [-1, 1]."""
        single = len(self.networks) > 1
        network: Any = self.networks[look if single else 0]
        style = DrawnStyle(network, 0 if single else look, 1.0)
        return torch.as_tensor(self.inferer(volume[None], style))[0].clamp(-1, 1)


def predict_example(study: StyleStudy, kind: str) -> None:
    """Write what a segmentation network sees in an example of each look but home: the slice with most of the spine."""
    weights = study.segmentation_weights(kind, study.seeds[0])
    segment = Segmentation(study, study.definition.segmentation, weights)
    arrays: dict[str, Image] = {}
    for look in study.sites.all[1:]:
        volume, label, _ = segment.load(study.tested(look)[0])
        place = int((label > 0).sum(dim=(0, 1)).argmax())
        shown = {"image": volume[0], "label": label, "seen": segment(volume)}
        arrays |= {f"{name}/{look}": as_seen(part[..., place]) for name, part in shown.items()}
    write_arrays(study.predictions(kind), arrays)
