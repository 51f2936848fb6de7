"""The statistics of a style study as one call: scores in, tables, figures and a page out."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path

import monai
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

import monai_harmonize
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.evaluation.page_parts import embedded
from monai_harmonize.evaluation.style.examples import Examples, read_arrays
from monai_harmonize.evaluation.style.figures import drawn_figure, score_figure, segmentation_figure
from monai_harmonize.evaluation.style.page_tables import segmentation_page_table, style_page_table
from monai_harmonize.evaluation.style.paper import PAPER_NOTE
from monai_harmonize.evaluation.style.report_template import STYLE_TEMPLATE
from monai_harmonize.evaluation.style.segmentation_table import segmentation_table
from monai_harmonize.evaluation.style.study import UNCHANGED, StyleStudy, load_style_study
from monai_harmonize.evaluation.style.study_folder import PLAIN
from monai_harmonize.evaluation.style.style_table import style_table
from monai_harmonize.evaluation.style.words import findings, headline, warnings

__all__ = ["StyleReport", "run_style_report"]


@dataclass(frozen=True)
class StyleReport:
    """What `run_style_report` made; the tables are what the CSV files hold.

    Args:
        report: the HTML page.
        study: what was read.
        styles: every style transfer network, see `style_table`.
        segmentation: every segmentation network, see `segmentation_table`.
    """

    report: Path
    study: StyleStudy
    styles: pd.DataFrame
    segmentation: pd.DataFrame

    @property
    def table_1(self) -> pd.DataFrame:
        """Rows of the main extractor, and of no style transfer."""
        return self.styles[self.styles["extractor"].isin([UNCHANGED[1], self.study.main])]


def run_style_report(study_dir: str | os.PathLike[str], *, seed: int = 0, resamples: int = 2000) -> StyleReport:
    """Reads a study and writes `table1.csv`, `extractors.csv`, `table2.csv` and `report.html` into its folder.

    Args:
        study_dir: folder of `study.json`.
        seed: of the bootstrap; the same seed gives the same numbers.
        resamples: of the bootstrap.

    Raises:
        InputError: a file of the study is missing or damaged; the message names it.
    """
    study = load_style_study(Path(study_dir))
    styles = style_table(study.styles(), study.networks, seed=seed, resamples=resamples)
    found = study.segmentations()
    segmentation = segmentation_table(found, study.home, study.content["kinds"], seed=seed, resamples=resamples)
    report = StyleReport(study.folder / "report.html", study, styles, segmentation)
    page = render(report, resamples, seed)
    texts = {
        "table1.csv": report.table_1.to_csv(index=False),
        "extractors.csv": styles.to_csv(index=False),
        "table2.csv": segmentation.to_csv(index=False),
        "report.html": page,
    }
    for name, text in texts.items():
        with atomic_path(study.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return report


def render(report: StyleReport, resamples: int, seed: int) -> str:
    """HTML text of the page."""
    study, styles, segmentation = report.study, report.styles, report.segmentation
    lpips = study.content["lpips_weights"] is not None
    distance = "LPIPS (AlexNet)" if lpips else "Distance (random backbone, no LPIPS)"
    accuracy = json.loads(study.look_accuracy.read_text(encoding="utf-8"))
    inception = study.content["inception_weights"] is not None
    compared = [method for method in study.content["methods"] if extractors_of(study, method)]
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(STYLE_TEMPLATE).render(
        looks=list(study.looks),
        headline=headline(segmentation, study.home),
        warnings=list(warnings(styles, segmentation, lpips=lpips, seeds=len(study.content["seeds"]))),
        findings=list(findings(segmentation, study.home, study.content["sites"]["unseen"])),
        scores=embedded(score_figure(segmentation, study.looks), "Mean IoU with 95% intervals over patients."),
        segmentation=segmentation_page_table(segmentation, study.looks),
        segmented=Markup("").join(segmented_figures(study)),
        methods=style_page_table(report.table_1, distance, paper=True),
        drawn=drawn(study, [(method, study.main) for method in study.content["methods"]], "Methods (Figs. 5 and 6)"),
        extractors=style_page_table(styles, distance, paper=False) if compared else "",
        by_extractor=[
            drawn(study, extractors_of(study, method), f"{study.content['methods'][method]} with each extractor")
            for method in compared
        ],
        resamples=resamples,
        slices=study.content["slices"],
        classifier="a fine-tuned Inception-v3" if inception else "a small DenseNet that was trained on the looks",
        accuracy="right in " + ", ".join(f"{share:.0%} of {look}" for look, share in accuracy.items()),
        largest=f"{math.log(max(len(study.content['sites']['shifted']), 1)):.2f}",
        paper=PAPER_NOTE,
        provenance=provenance(study, seed),
    )


def extractors_of(study: StyleStudy, method: str) -> list[tuple[str, str]]:
    """Networks of a method that was trained with several extractors; empty for others."""
    found = [network for network in study.networks if network[0] == method]
    return found if len(found) > 1 else []


def drawn(study: StyleStudy, networks: list[tuple[str, str]], what: str) -> Markup:
    """What some networks draw."""
    titles = {name: study.content["methods"][name[0]] for name in networks}
    if len(set(titles.values())) < len(titles):
        titles = {name: name[1] for name in networks}
    examples = {title: Examples.read(study.table_of(name).with_suffix(".npz")) for name, title in titles.items()}
    return embedded(
        drawn_figure(examples),
        f"{what}: the middle one of the judged slices of the first home test patient, in each learned look; one grey "
        "window for all. Style: somebody in that look. Below each image what separates it from the truth (from the "
        "content where there is none): orange brighter, purple darker.",
    )


def segmented_figures(study: StyleStudy) -> list[Markup]:
    """Fig. 7 for each look but home."""
    titles = study.content["kinds"]
    arrays = {kind: read_arrays(study.predictions(kind)) for kind in titles}
    return [
        embedded(
            segmentation_figure(
                arrays[PLAIN][f"image/{look}"],
                arrays[PLAIN][f"label/{look}"],
                {titles[kind]: found[f"seen/{look}"] for kind, found in arrays.items()},
            ),
            f"Segmentation of {look} (Fig. 7): the slice with most of the spine of the first test patient.",
        )
        for look in list(study.looks)[1:]
    ]


def provenance(study: StyleStudy, seed: int) -> dict[str, str]:
    """Where the numbers come from."""
    sites = study.content["sites"]
    return {
        "Manifest": Path(study.content["manifest"]).name,
        "Looks": f"home {sites['home']}; styles learned of {', '.join([sites['home'], *sites['shifted']])}; unseen "
        + (", ".join(sites["unseen"]) or "none"),
        "Seeds of the segmentation's trainings": ", ".join(map(str, study.content["seeds"])),
        "Seed of the style transfer": str(study.content["style_seed"]),
        "Software": f"monai_harmonize {monai_harmonize.__version__}, MONAI {monai.__version__}",
        "Seed of the bootstrap": str(seed),
    }
