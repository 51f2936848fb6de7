"""A classifier's fate as a section of the evaluation report: own, raw and harmonized images, one classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup, escape

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.classification.page_table import area_table
from monai_harmonize.evaluation.classification.recovery import area_rows
from monai_harmonize.evaluation.classification.roc_figure import roc_figure
from monai_harmonize.evaluation.classification.scores import score_set
from monai_harmonize.evaluation.classification.study import Method
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW, Direction
from monai_harmonize.evaluation.classification.style import looks
from monai_harmonize.evaluation.classification.words import finding, loss
from monai_harmonize.evaluation.page_parts import embedded

__all__ = ["ClassificationSection", "classification_section"]

HARMONIZED = "harmonized"
NOTE = (
    "95% intervals: bootstrap of patients, stratified by class. p: DeLong's paired test. Loss recovered: "
    "(harmonized − raw) / (own − raw); a dash where no loss is shown. ECE: expected calibration error, 15 bins."
)


@dataclass(frozen=True)
class ClassificationSection:
    """What `classification_section` made.

    Args:
        page: HTML of the section, without a heading.
        table: rows of own, raw and harmonized, see `area_rows`.
    """

    page: Markup
    table: pd.DataFrame


def classification_section(
    files: Mapping[str, Path], source_site: str, target_site: str, *, seed: int = 0, resamples: int = 2000
) -> ClassificationSection:
    """Areas with intervals, DeLong's test of raw against harmonized, and the ROC curves.

    Args:
        files: CSV files with columns image, patient, label, probability: `own`, images of the classifier's own site;
            `raw` and `harmonized`, the same images of the other site before and after.
        source_site: name of the other site.
        target_site: name of the classifier's site.
        seed: of the bootstrap.
        resamples: number of resamples.

    Raises:
        InputError: another set of files, or a file cannot be used; see `read_scores`.
    """
    names = {OWN, RAW, HARMONIZED}
    if set(files) != names:
        raise InputError(f"scores are given for {sorted(files)}; expected one file each for {sorted(names)}")
    if missing := [str(files[name]) for name in (OWN, RAW, HARMONIZED) if not files[name].is_file()]:
        raise InputError(f"no such file: {', '.join(missing)}; score the images first")
    scores = score_set({name: [files[name]] for name in (OWN, RAW, HARMONIZED)}, (0,))
    method = Method(HARMONIZED, "Harmonized", False, "G4")
    look = looks(Direction(source_site, target_site), (method,))
    table = pd.DataFrame(area_rows(scores, seed=seed, resamples=resamples))
    table.insert(1, "title", [look[name].label for name in table["method"]])
    figure = roc_figure([(f"Classifier of {target_site}", scores, table, look)])
    rows = table.set_index("method")
    sentences = (loss(table), finding(rows.loc[HARMONIZED], rows.loc[RAW], 1))
    listed = Markup("").join(Markup("<li>{}</li>").format(sentence) for sentence in sentences)
    drawn = embedded(figure, "ROC curves of one classifier on three sets of images.")
    parts = (Markup("<ul>"), listed, Markup("</ul>"), area_table(table, study=False), drawn)
    note = Markup('<p class="note">{}</p>').format(escape(NOTE))
    return ClassificationSection(Markup("\n").join((*parts, note)), table)
