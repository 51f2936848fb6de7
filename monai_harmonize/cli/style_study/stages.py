"""The steps of a style study, in the order in which they need each other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from monai_harmonize.cli.study.definition import Model
from monai_harmonize.cli.study.stage import Stage
from monai_harmonize.cli.study.training import configurations, done, run, train
from monai_harmonize.cli.style_study.judging import judge_styles, predict_example, train_look_classifier
from monai_harmonize.cli.style_study.settings import StyleStudy
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.evaluation.style.study_folder import PLAIN
from monai_harmonize.networks import digest_of_weights

__all__ = ["stages_of"]

# Seconds on one thread at the defaults, roughly.
STYLE_COST, SEGMENTATION_COST, STYLED_COST, LOOKS_COST, JUDGING_COST, SCORING_COST = 160, 60, 220, 20, 35, 10
# Extractors but the first are lighter.
LIGHT = 0.5


def stages_of(study: StyleStudy) -> list[Stage]:
    """All steps; the long ones come early, so that no process waits at the end."""
    return list(steps(study))


def steps(study: StyleStudy) -> Iterator[Stage]:
    """See ``stages_of``."""
    definition = study.definition
    for seed in study.seeds:
        yield segmentation_training(study, PLAIN, seed)
    yield from style_trainings(study, definition.networks[: len(definition.methods)])
    for kind in definition.augmentations:
        for seed in study.seeds:
            yield segmentation_training(study, kind, seed)
    yield looks_training(study)
    yield from style_trainings(study, definition.networks[len(definition.methods) :])
    yield judging(study, None)
    for network in definition.networks:
        yield judging(study, network)
    for kind in definition.kinds:
        for seed in study.seeds:
            for look in study.sites.all:
                yield scoring(study, kind, seed, look)
        yield example(study, kind)


def style_trainings(study: StyleStudy, networks: Sequence[tuple[str, str]]) -> Iterator[Stage]:
    """Trainings of some networks, or of their parts."""
    for network in networks:
        for look in study.looks_of(network[0]):
            yield style_training(study, network, look)


def style_training(study: StyleStudy, network: tuple[str, str], look: str | None) -> Stage:
    """Train between all known looks; a network of one ``look`` learns to draw all others in it."""
    model, weights = study.definition.style_model(*network), study.style_weights(*network, look)
    targets = list(study.sites.known) if look is None else [look]
    sources = [site for site in study.sites.known if site != look]

    def work() -> None:
        options = {"records": study.records_of_styles(), "source_site": sources, "target_site": targets}
        train(model, {**options, "seed": study.style_seed, **model.train}, weights)

    share = (1 if network[1] == study.definition.main else LIGHT) * (1 if look is None else LIGHT)
    return Stage(
        f"train {model.title}, {network[1]}" + (f", to {look}" if look else ""),
        done(weights),
        lambda: {**configurations(model), "sources": sources, "targets": targets, "seed": study.style_seed},
        work,
        (weights,),
        weights.parent,
        cost=STYLE_COST * share,
    )


def segmentation_training(study: StyleStudy, kind: str, seed: int) -> Stage:
    """Train at the home look, with the augmentation that the kind is named after."""
    model, weights = study.definition.segmentation_model(kind), study.segmentation_weights(kind, seed)
    method = None if kind == PLAIN else study.definition.augmentations[kind].style
    style = None if method is None else study.style_weights(method, study.definition.main)
    # The style of home comes first, and the images have it already.
    foreign = list(range(1, len(study.sites.known)))

    def work() -> None:
        options: dict[str, Any] = {"records": study.manifest, "site": study.sites.home, "seed": seed}
        options |= {} if style is None else {"style_checkpoint": str(style), "style_numbers": foreign}
        train(model, {**options, **model.train}, weights)

    def settings() -> dict[str, Any]:
        drawn = None if style is None else [digest_of_weights(style), foreign]
        return {**configurations(model), "style": drawn}

    return Stage(
        f"train {model.title}, seed {seed}",
        done(weights),
        settings,
        work,
        (weights,),
        weights.parent,
        needs=() if style is None else (style,),
        cost=SEGMENTATION_COST if style is None else STYLED_COST,
    )


def looks_training(study: StyleStudy) -> Stage:
    """Train the classifier of looks."""
    weights = study.look_classifier

    def settings() -> dict[str, Any]:
        plain = configurations(study.definition.segmentation)
        return {"images": plain, "seed": study.style_seed, "inception_weights": digest(study.inception_weights)}

    results = (weights, weights.with_suffix(".json"), study.look_accuracy)
    work = partial(train_look_classifier, study)
    return Stage("train the classifier of looks", done(weights), settings, work, results, cost=LOOKS_COST)


def judging(study: StyleStudy, network: tuple[str, str] | None) -> Stage:
    """Score what a style transfer network draws, or the images as they are."""
    table = study.raw_scores if network is None else study.style_scores(*network)
    judges = [study.look_classifier, study.segmentation_weights(PLAIN, study.seeds[0])]
    needs = tuple(judges if network is None else [*judges, *study.parts(network)])

    def settings() -> dict[str, Any]:
        return {
            "weights": [digest_of_weights(path) for path in needs],
            "slices": study.definition.slices,
            "lpips_weights": digest(study.lpips_weights),
        }

    shown = "images as they are" if network is None else f"{study.definition.methods[network[0]].title}, {network[1]}"
    results = (table, table.with_suffix(".npz"))
    cost = JUDGING_COST * (1 if network is not None and network[1] == study.definition.main else LIGHT)
    work = partial(judge_styles, study, network)
    return Stage(f"judge {shown}", table.with_suffix(".done.json"), settings, work, results, table, needs, cost)


def scoring(study: StyleStudy, kind: str, seed: int, look: str) -> Stage:
    """Test a segmentation network on a look."""
    # Augmentation is of training only.
    model, weights = study.definition.segmentation, study.segmentation_weights(kind, seed)
    table = study.segmentation_scores(kind, seed, look)

    def work() -> None:
        folder = table.with_name("running")
        options: dict[str, Any] = {
            "records": study.manifest,
            "site": look,
            "split": sorted({record["split"] for record in study.tested(look)}),
            "checkpoint": str(weights),
            "output_dir": str(folder),
            "seed": seed,
        }
        run(model, ["evaluate"], {**options, **model.train})
        with atomic_path(table) as temporary:
            shutil.copyfile(folder / table.name, temporary)
        shutil.rmtree(folder)

    title = f"segment {look} by {study.definition.segmentation_model(kind).title}, seed {seed}"
    settings = partial(applied, replace(model, overlays=(*model.overlays, "evaluate")), weights)
    return Stage(title, table.with_suffix(".done.json"), settings, work, (table,), table, (weights,), SCORING_COST)


def example(study: StyleStudy, kind: str) -> Stage:
    """Segment the examples of the report."""
    weights, arrays = study.segmentation_weights(kind, study.seeds[0]), study.predictions(kind)
    title = f"segment examples by {study.definition.segmentation_model(kind).title}"
    settings = partial(applied, study.definition.segmentation, weights)
    work = partial(predict_example, study, kind)
    return Stage(title, arrays.with_suffix(".done.json"), settings, work, (arrays,), arrays, (weights,), 5)


def applied(model: Model, weights: Path) -> dict[str, Any]:
    """What decides the result of a network that is only applied."""
    return {**configurations(model), "weights": digest_of_weights(weights)}


def digest(weights: str | None) -> str | None:
    """Of a file; a name of torchvision's, or nothing, stays as it is."""
    return digest_of_weights(Path(weights)) if weights is not None and Path(weights).is_file() else weights
