"""A bundle's own training on the server's labelled images; only a finished one replaces weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, strftime
from typing import Any

import torch
from monai.bundle import ConfigWorkflow

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.best_model import BestModelSaver
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.engines.weights import trained_settings, trained_weights
from monai_harmonize.label_app.image_looks import LOOK, ImageLooks, save_look
from monai_harmonize.label_app.served_bundles import Kind, kind_of
from monai_harmonize.label_app.train_records import SITE, Labelled, write_manifest

__all__ = ["STATS", "TrainOptions", "train_bundle"]

# Below the folder of the weights: of the training that runs, or of the last one where that ended early.
ATTEMPT, STATS = "label_training", "train_stats.json"


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
        images: labelled images.
        options: see ``TrainOptions``.

    Returns:
        Numbers of the training, also written as ``train_stats.json`` beside the weights.

    Raises:
        InputError: what the user can act on: labels, options, weights of another network.
    """
    started, began = monotonic(), strftime("%Y-%m-%d %H:%M:%S")
    attempt = bundle.weights.parent / ATTEMPT
    shutil.rmtree(attempt, ignore_errors=True)
    manifest = attempt / "manifest.csv"
    write_manifest(images, manifest, options.val_split, kind_of(bundle) is Kind.classification)
    workflow = training(bundle, manifest, attempt, options)
    workflow.initialize()
    saver = best_model(workflow)
    if options.pretrained and bundle.weights.is_file():
        trained_weights(bundle.weights, workflow.parser.get_parsed_content("network"))
        workflow.parser.get_parsed_content("validate#evaluator").run()
    workflow.run()
    if not (attempt / "model.pt").is_file() or saver.best is None:
        raise InputError(f"{bundle.root.name}: no epoch had a score on the validation images; label more images.")
    looks = ImageLooks(bundle, attempt / "model.pt")
    save_look(looks.pooled([one.image for one in images]), len(images), attempt / LOOK)
    stats = {
        "start_ts": began,
        "epoch": options.max_epochs,
        "total_time": round(monotonic() - started, 1),
        "best_metric": saver.best,
        "metric": saver.metric,
        "images": len(images),
    }
    publish(attempt, bundle.weights.parent, stats)
    return stats


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


def publish(attempt: Path, models: Path, stats: dict[str, Any]) -> None:
    """Move what a finished training left to where inference looks; the weights go last."""
    with atomic_path(models / STATS) as temporary:
        temporary.write_text(json.dumps(stats, indent=4) + "\n", encoding="utf-8")
    for name in (LOOK, "model.json", "model.pt"):
        if (attempt / name).is_file():
            with atomic_path(models / name) as temporary:
                shutil.copyfile(attempt / name, temporary)
    shutil.rmtree(attempt, ignore_errors=True)
