"""What would stop a study after hours of training is told before the first."""

from __future__ import annotations

from math import isfinite
from typing import Any

from monai_harmonize.cli.study.definition import Definition, Model
from monai_harmonize.cli.study.names import CODE
from monai_harmonize.cli.study.patients import refuse_shared_patients
from monai_harmonize.cli.study.settings import Study
from monai_harmonize.data import InputError, records_with_labels
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.data.spacing import checked_spacing
from monai_harmonize.engines.bundle import read_config

__all__ = ["check_counts", "check_kinds", "check_study"]

# Entries of a training that count something.
COUNTS = frozenset({"batch_size", "epochs", "patches_per_volume", "slices_per_volume", "val_interval"})


def check_study(study: Study) -> None:
    """Look for everything that the steps will ask for.

    Raises:
        InputError: a bundle, overlay or entry of the definition does not exist or counts something by another number
            than 1, 2, 3 ..., is of another kind than the bundle's own, a method's bundle is no harmonizer, images to
            train or to test on lack a class, or a classifier would learn of a patient on whom it is tested; the message
            names it.
        ManifestError: a site has no image of a split.
    """
    check_bundles(study.definition)
    check_labels(study)
    check_patients(study)


def check_bundles(definition: Definition) -> None:
    """Refuse bundles that lack what the definition asks of them."""
    for model in (definition.classifier, *definition.methods.values()):
        model.find().files("train", model.overlays, model.train)
        check_counts(model)
        check_kinds(model)
    for model in definition.methods.values():
        check_harmonizer(model)


def check_counts(model: Model) -> None:
    """Refuse a training whose epochs or images at a time, of the definition or an overlay, are no number of them."""
    content = {**training_of(model), **model.train}
    for name in sorted(COUNTS & content.keys()):
        value = content[name]
        if isinstance(value, str) and value.startswith(CODE):
            continue
        if type(value) is not int or value < 1:
            raise InputError(
                f"{name} of {model.title} (bundle {model.bundle}) is {value!r}; expected a whole number of 1 or more."
            )


def check_kinds(model: Model) -> None:
    """Refuse values of a definition that are of another kind than those of the configurations, and a wrong spacing."""
    content = training_of(model)
    for name, value in model.train.items():
        expected = kind_expected(content.get(name), value)
        if expected is not None:
            raise InputError(f"{name} of {model.title} (bundle {model.bundle}) is {value!r}; expected {expected}.")
    spacing = {**content, **model.train}.get("spacing")
    if "spacing" in content and not (isinstance(spacing, str) and spacing.startswith(CODE)):
        try:
            checked_spacing(spacing, optional=content["spacing"] is None)
        except InputError as error:
            raise InputError(f"{model.title} (bundle {model.bundle}): {error}") from error


def kind_expected(default: Any, value: Any) -> str | None:
    """What a value should be by the default in whose place it stands; ``None`` where it is, or nobody can tell."""
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(default, int | float):
        number = value is None or (type(value) in (int, float) and isfinite(value))
        return None if number else f"a number, as {default}"
    if isinstance(default, list):
        return "a list" if isinstance(value, str | bool | dict) else None
    if isinstance(default, dict):
        return None if isinstance(value, dict) else "an object of entries"
    return None


def training_of(model: Model) -> dict[str, Any]:
    """Top-level entries of a training as they stand in the files; the last one counts."""
    return {
        key: value
        for name in ("train", *model.overlays)
        for key, value in read_config(model.find().config(name)).items()
    }


def check_harmonizer(model: Model) -> None:
    """Refuse a bundle whose inference cannot harmonize as asked."""
    bundle = model.find()
    if "guarantee_class" not in bundle.metadata:
        raise InputError(f"{bundle.root}: is no harmonizer; name one that is.")
    overlays = [*model.configurations_of_inference, *([model.reverse] if model.reverse else [])]
    bundle.files("inference", overlays, model.inference)


def check_labels(study: Study) -> None:
    """Refuse images of one class only, or with labels that are none."""
    classifier = study.definition.classifier
    if "label_column" not in classifier.find().entries("train", classifier.overlays):
        return
    column = str(classifier.train.get("label_column", "label"))
    used = [(site, (split,)) for site in study.targets for split in ("train", "validation", "test")]
    for site, splits in used + [(direction.source, study.splits) for direction in study.directions]:
        check_labels_of(study.manifest, site, splits, column)


def check_labels_of(manifest: Manifest, site: str, splits: tuple[str, ...], column: str) -> None:
    """The same of some splits of a site."""
    records = manifest.select(site=site, split=splits)
    try:
        records_with_labels(records, column)
    except InputError as error:
        raise InputError(f"{manifest.path}: site {site}, split {' and '.join(splits)}: {error}") from error


def check_patients(study: Study) -> None:
    """Refuse patients of the source site's tested images of whom the classifier of the target site learns."""
    for direction in study.directions:
        trained = study.manifest.select(site=direction.target, split=("train", "validation"))
        tested = study.manifest.select(site=direction.source, split=study.splits)
        refuse_shared_patients(study.manifest, trained, tested)
