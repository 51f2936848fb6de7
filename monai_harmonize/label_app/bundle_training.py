"""A bundle's own training on the server's labelled images; only a finished one replaces weights."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, strftime
from typing import Any

import torch
from monai.bundle import ConfigWorkflow

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.best_model import BestModelSaver
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.engines.weights import trained_settings, trained_weights
from monai_harmonize.label_app.image_looks import LOOK, ImageLooks, save_look
from monai_harmonize.label_app.label_kinds import of_this_kind
from monai_harmonize.label_app.publication import STATS, publish, training_alone
from monai_harmonize.label_app.served_bundles import Kind, kind_of
from monai_harmonize.label_app.train_records import SITE, Labelled, write_manifest

__all__ = ["TrainOptions", "train_bundle"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainOptions:
    """What a client sets; the rest is the bundle's ``train.json``.

    Args:
        max_epochs: epochs.
        val_split: share of labelled patients on which the best epoch is chosen.
        pretrained: go on from the weights that are served, where there are some.
        batch_size: patches or images of a step; ``None`` leaves it to the bundle.
        device: where to train.

    Raises:
        InputError: a number outside its range.
    """

    max_epochs: int
    val_split: float = 0.2
    pretrained: bool = True
    batch_size: int | None = None
    device: torch.device | None = None

    def __post_init__(self) -> None:
        for name, value in (("max_epochs", self.max_epochs), ("train_batch_size", self.batch_size)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise InputError(f"{name} is {value!r}; expected a whole number of at least 1.")


def train_bundle(bundle: Bundle, images: Sequence[Labelled], options: TrainOptions) -> dict[str, Any]:
    """Train and, when all epochs are done, replace the weights by those that scored best on validation.

    With ``pretrained`` the served weights are the first candidate, so that training cannot make them worse by its own
    measure. An exception, a kill or a stop leaves the served weights as they are.

    Args:
        bundle: a segmentation or classification.
        images: labelled images; those of another kind are left out, see ``of_this_kind``.
        options: see ``TrainOptions``.

    Returns:
        Numbers of the training, among them how many images were left out by reason; also ``train_stats.json`` beside
        the weights.

    Raises:
        InputError: what the user can act on: labels, options, weights of another network, another training of the
            same bundle.
    """
    with training_alone(bundle.weights) as attempt:
        kept, left_out = of_this_kind(bundle, images, attempt / "masks")
        for reason, count in left_out.items():
            logger.warning("%s: %d left out, which are %s.", bundle.root.name, count, reason)
        stats = {**trained(bundle, kept, options, attempt), "left_out": left_out}
        (attempt / STATS).write_text(json.dumps(stats, indent=4) + "\n", encoding="utf-8")
        publish(bundle.weights)
    return stats


def trained(bundle: Bundle, images: Sequence[Labelled], options: TrainOptions, attempt: Path) -> dict[str, Any]:
    """Train into a folder; its numbers."""
    started, began = monotonic(), strftime("%Y-%m-%d %H:%M:%S")
    manifest = attempt / "manifest.csv"
    write_manifest(images, manifest, options.val_split, kind_of(bundle) is Kind.classification)
    workflow = training(bundle, manifest, attempt, options)
    workflow.initialize()
    saver = best_model(workflow)
    if options.pretrained and bundle.weights.is_file():
        trained_weights(bundle.weights, workflow.parser.get_parsed_content("network"))
        workflow.parser.get_parsed_content("validate#evaluator").run()
    workflow.run()
    if not (attempt / bundle.weights.name).is_file() or saver.best is None:
        raise InputError(f"{bundle.root.name}: no epoch had a score on the validation images; label more images.")
    looks = ImageLooks(bundle, attempt / bundle.weights.name)
    save_look(looks.pooled([one.image for one in images]), len(images), attempt / LOOK)
    return {
        "start_ts": began,
        "epoch": options.max_epochs,
        "total_time": round(monotonic() - started, 1),
        "best_metric": saver.best,
        "metric": saver.metric,
        "images": len(images),
    }


def training(bundle: Bundle, manifest: Path, attempt: Path, options: TrainOptions) -> ConfigWorkflow:
    """The bundle's ``train.json`` on the labelled images, not initialized yet."""
    entries = bundle.entries("train")
    kept = trained_settings(bundle.weights) if options.pretrained else {}
    given: dict[str, Any] = {
        **{name: value for name, value in kept.items() if name in entries},
        "manifest": str(manifest),
        "site": SITE,
        "ckpt_dir": str(attempt),
        "output_dir": str(attempt / "eval"),
        "epochs": options.max_epochs,
    }
    given |= {} if options.batch_size is None else {"batch_size": options.batch_size}
    given |= {} if options.device is None else {"device": options.device}
    return bundle.workflow("train", [], given)


def best_model(workflow: ConfigWorkflow) -> BestModelSaver:
    """The handler of a bundle that keeps the best weights."""
    saver: BestModelSaver = workflow.parser.get_parsed_content("best_model")
    return saver
