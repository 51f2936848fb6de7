"""A bundle's training as a step of a study."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from monai_harmonize.cli.study.definition import Model
from monai_harmonize.engines.weights import record_fit

__all__ = ["configurations", "done", "run", "train"]


def train(model: Model, options: dict[str, Any], weights: Path) -> None:
    """Run a bundle's training; one that was interrupted goes on, from its resume state."""
    folders = {"ckpt_dir": str(weights.parent), "output_dir": str(weights.parent / "eval")}
    run(model, [], {**options, **folders})
    record_fit(weights, model.find().fit(model.overlays))


def run(model: Model, further: list[str], options: dict[str, Any]) -> None:
    """Run a bundle's ``train.json`` with overlays."""
    workflow = model.find().workflow("train", [*model.overlays, *further], options)
    workflow.initialize()
    workflow.run()
    workflow.finalize()


def configurations(model: Model) -> dict[str, Any]:
    """What a bundle and its definition decide about the result of a training."""
    bundle = model.find()
    files = [bundle.config(name) for name in ("train", *model.overlays)]
    return {
        "version": bundle.metadata["version"],
        "configurations": [hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in files],
        "train": dict(model.train),
    }


def done(weights: Path) -> Path:
    """Mark of a finished training."""
    return weights.with_suffix(".done.json")
