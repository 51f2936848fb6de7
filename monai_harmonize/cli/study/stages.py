"""The steps of a study, in the order in which they need each other."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monai_harmonize.cli.job import Job
from monai_harmonize.cli.study.definition import Model
from monai_harmonize.cli.study.settings import Study
from monai_harmonize.cli.study.stage import Stage
from monai_harmonize.cli.study.training import configurations, done, run, train
from monai_harmonize.data import InputError
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.engines.weights import trained_settings
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW, Direction
from monai_harmonize.networks import digest_of_weights
from monai_harmonize.safety.certificate_writer import TABLE_NAME

__all__ = ["stages_of"]


def stages_of(study: Study) -> Iterator[Stage]:
    """All steps in the order in which they need each other; what is cheap and tells most comes first."""
    for site in study.targets:
        for seed in study.seeds:
            yield classifier_training(study, site, seed)
    for direction in study.directions:
        for seed in study.seeds:
            yield scoring(study, direction, seed, OWN)
            yield scoring(study, direction, seed, RAW)
    for method in study.definition.methods:
        for direction in study.directions:
            if study.definition.methods[method].reverse is None or direction == study.directions[0]:
                yield harmonizer_training(study, method, direction)
            yield harmonization(study, method, direction)
            for seed in study.seeds:
                yield scoring(study, direction, seed, method)


def classifier_training(study: Study, site: str, seed: int) -> Stage:
    """Train on the site's training split; the validation split chooses weights and threshold."""
    model, weights = study.definition.classifier, study.classifier_weights(site, seed)

    def work() -> None:
        options = {"records": study.manifest, "site": site, "seed": seed}
        train(model, {**options, **model.train}, weights)

    title = f"train {model.title} on {site}, seed {seed}"
    return Stage(title, done(weights), lambda: training_settings(study, model), work, (weights,), weights.parent)


def harmonizer_training(study: Study, method: str, direction: Direction) -> Stage:
    """Train without labels."""
    model, weights = study.definition.methods[method], study.harmonizer_weights(method, direction)

    def work() -> None:
        options: dict[str, Any] = {
            "records": study.records_of_harmonizers(),
            "source_site": direction.source,
            "target_site": direction.target,
        }
        options |= {"seed": study.seed} if "seed" in model.find().entries("train") else {}
        train(model, {**options, **model.train}, weights)

    both = " and back" if model.reverse else ""
    title = f"train {model.title}, {direction.source} to {direction.target}{both}"
    ways = study.directions if model.reverse else (direction,)
    trained = tuple(study.harmonizer_weights(method, way) for way in ways)
    return Stage(title, done(weights), lambda: training_settings(study, model), work, trained, weights.parent)


def harmonization(study: Study, method: str, direction: Direction) -> Stage:
    """Write harmonized files with their certificates; what an earlier run wrote stays, what is gone is made again."""
    model, folder = study.definition.methods[method], study.harmonized(direction, method)
    weights, backwards = study.harmonizer_weights(method, direction), direction != study.directions[0]
    inputs, paths = study.inputs(direction), OutputPaths(folder, study.root)
    results = (folder / TABLE_NAME, *(paths.path_for(Path(item["image"])) for item in inputs.items))
    overlays = [*model.configurations_of_inference, *([model.reverse] if model.reverse and backwards else [])]

    def work() -> None:
        job = Job(model.find(), overlays, weights, {"panels": "none", **model.inference})
        summary = job.run(inputs, folder)
        if summary.failures:
            raise InputError(
                f"{folder}: {len(summary.failures)} of {summary.images} images could not be harmonized, see above."
            )

    def settings() -> dict[str, Any]:
        return {"weights": digest_of_weights(weights), "inference": dict(model.inference), "overlays": overlays}

    title = f"harmonize {direction.source} to {direction.target} by {model.title}"
    return Stage(title, folder.with_name(f"{folder.name}.done.json"), settings, work, results)


def scoring(study: Study, direction: Direction, seed: int, name: str) -> Stage:
    """Score images by a classifier of the target site: its own, raw ones of the source site, or harmonized ones."""
    model, weights = study.definition.classifier, study.classifier_weights(direction.target, seed)
    table = study.scores(direction.target, seed, name)

    def work() -> None:
        options: dict[str, Any] = {
            "records": study.manifest,
            "dataset_dir": str(study.root),
            "site": direction.target if name == OWN else direction.source,
            "split": "test" if name == OWN else list(study.splits),
            "harmonized": None if name in (OWN, RAW) else str(study.harmonized(direction, name)),
            "checkpoint": str(weights),
            "output_dir": str(table.with_suffix("")),
        }
        run(model, ["evaluate"], {**model.train, **options})
        with atomic_path(table) as temporary:
            shutil.copyfile(table.with_suffix("") / "scores.csv", temporary)
        shutil.rmtree(table.with_suffix(""))
        if name == OWN:
            threshold = trained_settings(weights)["threshold"]
            with atomic_path(study.threshold(direction.target, seed)) as temporary:
                temporary.write_text(json.dumps({"threshold": threshold}) + "\n", encoding="utf-8")

    def settings() -> dict[str, Any]:
        harmonized = study.harmonized(direction, name)
        mark = harmonized.with_name(f"{harmonized.name}.done.json")
        images = None if name in (OWN, RAW) else json.loads(mark.read_text(encoding="utf-8"))
        return {"classifier": digest_of_weights(weights), "images": images}

    if name in (OWN, RAW):
        shown = f"{direction.target} itself" if name == OWN else f"raw {direction.source}"
    else:
        shown = f"{direction.source} harmonized by {study.definition.methods[name].title}"
    title = f"classify {shown} by the network of {direction.target}, seed {seed}"
    results = (table, study.threshold(direction.target, seed)) if name == OWN else (table,)
    return Stage(title, table.with_suffix(".done.json"), settings, work, results, table)


def training_settings(study: Study, model: Model) -> dict[str, Any]:
    """What decides a training's result, besides its site and seed, which are in the mark's path."""
    return {**configurations(model), "harmonizer_seed": study.seed, "transductive": study.transductive}
