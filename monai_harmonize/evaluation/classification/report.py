"""One self-contained HTML page of a study: tables and figures of the paper, ours beside theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from jinja2 import Environment, StrictUndefined

from monai_harmonize.evaluation.classification.example_figure import example_figure
from monai_harmonize.evaluation.classification.histogram_figure import site_histogram_figure
from monai_harmonize.evaluation.classification.page_table import area_table, similarity_page_table
from monai_harmonize.evaluation.classification.paper import PAPER_NOTE
from monai_harmonize.evaluation.classification.patch_figure import patch_figure
from monai_harmonize.evaluation.classification.pictures import Pictures
from monai_harmonize.evaluation.classification.report_template import STUDY_TEMPLATE
from monai_harmonize.evaluation.classification.roc_figure import roc_figure
from monai_harmonize.evaluation.classification.scores import ScoreSet
from monai_harmonize.evaluation.classification.study import Study
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW, Direction
from monai_harmonize.evaluation.classification.style import Look, looks
from monai_harmonize.evaluation.classification.words import best, finding, inversions, loss, warnings
from monai_harmonize.evaluation.images import Load, load_item
from monai_harmonize.evaluation.page_parts import embedded

__all__ = ["DirectionResult", "render_study"]


@dataclass(frozen=True)
class DirectionResult:
    """All that a direction gave.

    Args:
        direction: whose.
        scores: of the classifiers.
        pictures: the images.
        table_1: its rows, see `similarity_table`.
        table_2: its rows, see `table_2`.
        tests: see `auc_tests`.
        per_image: see `per_image_table`.
        rocs: see `roc_table`.
    """

    direction: Direction
    scores: ScoreSet
    pictures: Pictures
    table_1: pd.DataFrame
    table_2: pd.DataFrame
    tests: pd.DataFrame
    per_image: pd.DataFrame
    rocs: pd.DataFrame


def render_study(
    study: Study,
    results: Sequence[DirectionResult],
    provenance: Mapping[str, str],
    *,
    resamples: int,
    load: Load = load_item,
) -> str:
    """HTML text of the page.

    Args:
        study: what was done.
        results: of every direction.
        provenance: lines on where the numbers come from.
        resamples: bootstrap resamples used.
        load: reader of a record; some images are read again for the figures.
    """
    panels = [
        (f"{r.direction.source} images, classifier of {r.direction.target}", r.scores, r.table_2, _looks(study, r))
        for r in results
    ]
    titles = {method.name: method.title for method in study.methods}
    turned = [
        f"{r.direction.source} to {r.direction.target}: {sentence}"
        for r in results
        for sentence in inversions(r.per_image, titles)
    ]
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(STUDY_TEMPLATE).render(
        sites=study.sites,
        headline=" ".join(best(r.table_2, str(r.direction)) for r in results),
        inversions=turned,
        rocs=embedded(
            roc_figure(panels),
            "ROC curves (Fig. 10 of the paper), mean over the classifier's trainings; the area under each is "
            "the AUC of Table 2, with its 95% interval.",
        ),
        parts=[_part(study, result, load) for result in results],
        resamples=resamples,
        paper=PAPER_NOTE,
        provenance=dict(provenance),
    )


def _looks(study: Study, result: DirectionResult) -> dict[str, Look]:
    return looks(result.direction, study.methods)


def _part(study: Study, result: DirectionResult, load: Load) -> dict[str, object]:
    rows, look, direction = result.table_2.set_index("method"), _looks(study, result), result.direction
    methods = [rows.loc[name] for name in rows.index if name not in (OWN, RAW)]
    return {
        "direction": direction,
        "warnings": list(warnings(result.table_2, result.per_image)),
        "sentences": [loss(result.table_2), *(finding(row, rows.loc[RAW], len(methods)) for row in methods)],
        "areas": area_table(result.table_2),
        "similarity": similarity_page_table(result.table_1),
        "examples": embedded(
            example_figure(result.pictures, look, load=load),
            "Images (Fig. 7): rows from the lowest to the highest mean SSIM, one grey window for all; the last column "
            f"is another patient of {direction.target}. Red: inverted.",
        ),
        "histograms": embedded(
            site_histogram_figure(result.pictures, look),
            "Mean histograms (Fig. 8); the outermost columns may be cut.",
        ),
        "patches": embedded(
            patch_figure(result.pictures, look, load=load),
            "The same place in every image (Fig. 9), marked yellow on the left: the lesion where the manifest marks "
            "one, else where the methods change most beyond a tone curve. Each row has one grey window.",
        ),
    }
