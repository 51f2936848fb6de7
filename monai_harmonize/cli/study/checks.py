"""What would stop a study after hours of training is told before the first."""

from __future__ import annotations

from monai_harmonize.cli.study.definition import Definition, Model
from monai_harmonize.cli.study.settings import Study
from monai_harmonize.data import InputError, records_with_labels
from monai_harmonize.data.manifest import Manifest

__all__ = ["check_study"]


def check_study(study: Study) -> None:
    """Look for everything that the steps will ask for.

    Raises:
        InputError: a bundle, overlay or entry of the definition does not exist, a method's bundle is no harmonizer, or
            images to train or to test on lack a class; the message names it.
        ManifestError: a site has no image of a split.
    """
    check_bundles(study.definition)
    check_labels(study)


def check_bundles(definition: Definition) -> None:
    """Refuse bundles that lack what the definition asks of them."""
    for model in (definition.classifier, *definition.methods.values()):
        model.find().files("train", model.overlays, model.train)
    for model in definition.methods.values():
        check_harmonizer(model)


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
