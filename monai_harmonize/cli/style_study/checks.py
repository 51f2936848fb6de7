"""What would stop a style study after half an hour is told before its first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from monai_harmonize.cli.study.checks import check_counts, check_kinds
from monai_harmonize.cli.study.definition import Model
from monai_harmonize.cli.study.patients import refuse_shared_patients
from monai_harmonize.cli.style_study.cases import paired_truths
from monai_harmonize.cli.style_study.settings import StyleStudy
from monai_harmonize.data import InputError, records_with_masks
from monai_harmonize.data.hounsfield import hounsfield_range
from monai_harmonize.data.patient_split import Record
from monai_harmonize.engines.bundle import read_config
from monai_harmonize.evaluation.style.study_folder import PLAIN

__all__ = ["check_style_study"]


def check_style_study(study: StyleStudy) -> None:
    """Look for everything that the steps will ask for.

    Raises:
        InputError: a bundle, overlay or entry of the definition does not exist or cannot do what is asked of it, the
            bundles see different windows or spacings, images lack masks, there is one home test patient only, networks
            would learn of a patient on whom they are tested, or volumes of one patient cannot be told apart.
        ManifestError: a site has no image of a split.
    """
    check_bundles(study)
    check_images(study)
    check_patients(study)


def check_bundles(study: StyleStudy) -> None:
    """Refuse bundles that lack what the definition asks of them."""
    definition = study.definition
    segmentation = {kind: definition.segmentation_model(kind) for kind in definition.kinds}
    styles = {network: definition.style_model(*network) for network in definition.networks}
    for name, model in [*segmentation.items(), *styles.items()]:
        model.find().files("train", model.overlays, model.train)
        check_counts(model)
        check_kinds(model)
        needed = {"site", "records", "mask_columns"} if name in segmentation else {"source_site", "target_site"}
        if name in definition.augmentations and definition.augmentations[str(name)].style is not None:
            needed |= {"style_checkpoint"}
        if missing := sorted(needed - model.find().entries("train", model.overlays)):
            raise InputError(
                f"{model.find().root}: its training has no entry {missing[0]!r}, which {model.title} needs."
            )
    if entry_of(segmentation[PLAIN], "spatial_dims") != 2:
        raise InputError(
            f"{segmentation[PLAIN].title} segments volumes; give a network of slices, by which styles are judged."
        )
    window, spacing = entry_of(segmentation[PLAIN], "window"), entry_of(segmentation[PLAIN], "spacing")
    for model in styles.values():
        learned, own = entry_of(model, "window"), entry_of(model, "spacing")
        if learned != window and (None in (learned, window) or hounsfield_range(learned) != hounsfield_range(window)):
            raise InputError(
                f"{model.title} sees the window {learned} and the segmentation {window}; give both the same in the "
                "definition's 'train'."
            )
        # Without one, styles are learned on the voxels of the files; the training with styles tells if they differ.
        if isinstance(own, list) and isinstance(spacing, list) and own[:2] != spacing[:2]:
            raise InputError(
                f"{model.title} sees the spacing {own} and the segmentation {spacing}; give both the same in the "
                "definition's 'train'."
            )


def entry_of(model: Model, name: str) -> Any:
    """A top-level entry of a training as it stands in the files, the last one counts; ``None`` without one."""
    bundle = model.find()
    contents = [read_config(bundle.config(each)) for each in ("train", *model.overlays)]
    found = [content[name] for content in contents if name in content]
    return model.train.get(name, found[-1] if found else None)


def check_images(study: StyleStudy) -> None:
    """Refuse a manifest in which a look has no image to train or to test on, or masks are missing."""
    for site in study.sites.known:
        for split in ("train", "validation"):
            study.manifest.select(site=site, split=split)
    for split in ("train", "validation", "test"):
        check_masks(study, study.sites.home, study.manifest.select(site=study.sites.home, split=split))
    for look in study.sites.all[1:]:
        check_masks(study, look, study.tested(look))
    patients = {record.get("patient", record["image"]) for record in study.home_cases()}
    if len(patients) < 2:
        raise InputError(
            f"{study.manifest.path}: site {study.sites.home}, split test has {len(patients)} patient; expected two at "
            "least, from which an interval follows."
        )


def check_masks(study: StyleStudy, site: str, records: Sequence[Record]) -> None:
    """Refuse images without a mask."""
    definition = study.definition.segmentation
    try:
        columns = entry_of(definition, "mask_columns")
        found = records_with_masks(records, tuple(columns))
    except InputError as error:
        raise InputError(f"{study.manifest.path}: site {site}: {error}") from error
    if len(found) < len(records):
        raise InputError(
            f"{study.manifest.path}: {len(records) - len(found)} of {len(records)} images of site {site} have no mask; "
            "fill it, or leave them out of the manifest."
        )


def check_patients(study: StyleStudy) -> None:
    """Refuse patients of whom a network learns, in whichever look, and who are tested, and truths that fit twice."""
    trained = study.manifest.select(site=study.sites.known, split=("train", "validation"))
    tested = [record for look in study.sites.all for record in study.tested(look)]
    refuse_shared_patients(study.manifest, trained, tested)
    for look in study.sites.shifted:
        paired_truths(study, look)
