"""The statistics of a study as one call: scores and harmonized images in, tables, figures and a page out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import monai
import pandas as pd

import monai_harmonize
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation.classification.curves import roc_table
from monai_harmonize.evaluation.classification.pictures import read_pictures
from monai_harmonize.evaluation.classification.report import DirectionResult, render_study
from monai_harmonize.evaluation.classification.scores import ScoreSet, read_direction
from monai_harmonize.evaluation.classification.significance import auc_tests
from monai_harmonize.evaluation.classification.study import Study, load_study
from monai_harmonize.evaluation.classification.study_folder import RAW, Direction
from monai_harmonize.evaluation.classification.tables import per_image_table, similarity_table, table_2
from monai_harmonize.evaluation.images import Load, load_item

__all__ = ["ClassificationReport", "run_classification_report"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class ClassificationReport:
    """What `run_classification_report` made; the tables are what the CSV files hold.

    Args:
        report: the HTML page.
        study: what was read.
        table_1: SSIM to the input, see `similarity_table`.
        table_2: areas, see `table_2`.
        delong: tests, see `auc_tests`.
        per_image: every harmonized image, see `per_image_table`.
        rocs: points of the curves.
    """

    report: Path
    study: Study
    table_1: pd.DataFrame
    table_2: pd.DataFrame
    delong: pd.DataFrame
    per_image: pd.DataFrame
    rocs: pd.DataFrame

    def __fspath__(self) -> str:
        """The page, so that this can stand where a path can."""
        return str(self.report)


def run_classification_report(
    study_dir: PathLike,
    output_dir: PathLike | None = None,
    *,
    seed: int = 0,
    resamples: int = 2000,
    load: Load = load_item,
    progress: bool = True,
) -> ClassificationReport:
    """Reads a study and writes `table1.csv`, `table2.csv`, `delong.csv`, `per_image.csv`, `rocs.csv`, `report.html`.

    Args:
        study_dir: folder of `study.json`, see `Study`.
        output_dir: made if missing; the study's own folder by default.
        seed: of the bootstrap; the same seed gives the same numbers.
        resamples: of the bootstrap.
        load: reader of a record.
        progress: whether to show a progress bar.

    Raises:
        InputError: the study, a file of scores or an image cannot be used; the message names it.
        ManifestError: problems of the manifest.
    """
    study = load_study(Path(study_dir))
    # All scores are read before the first image, which takes longer.
    scores = {direction: read_direction(study, direction) for direction in study.directions}
    manifest = load_manifest(study.manifest, study.root).with_splits()
    results = []
    for direction, found in scores.items():
        pictures = read_pictures(study, direction, manifest, load=load, progress=progress)
        similarity = similarity_table(study, pictures, seed=seed, resamples=resamples)
        results.append(
            DirectionResult(
                direction,
                found,
                pictures,
                similarity,
                table_2(study, direction, found, similarity, seed=seed, resamples=resamples),
                _of(direction, auc_tests(found)),
                per_image_table(pictures, found),
                _of(direction, roc_table(found)),
            )
        )
    tables = {
        "table1": pd.concat([result.table_1 for result in results], ignore_index=True),
        "table2": pd.concat([result.table_2 for result in results], ignore_index=True),
        "delong": pd.concat([result.tests for result in results], ignore_index=True),
        "per_image": pd.concat([result.per_image for result in results], ignore_index=True),
        "rocs": pd.concat([result.rocs for result in results], ignore_index=True),
    }
    page = render_study(study, results, _provenance(study, scores, seed), resamples=resamples, load=load)
    folder = study.folder if output_dir is None else Path(output_dir)
    texts = {f"{name}.csv": table.to_csv(index=False) for name, table in tables.items()} | {"report.html": page}
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return ClassificationReport(folder / "report.html", study, *tables.values())


def _of(direction: Direction, table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "source", direction.source)
    table.insert(1, "target", direction.target)
    return table


def _provenance(study: Study, scores: dict[Direction, ScoreSet], seed: int) -> dict[str, str]:
    trainings = {method.title: len(method.harmonizer_seeds) for method in study.methods}
    counts = [f"{d}: {len(s.own.images)} own, {len(s.others[RAW].images)} of the other site" for d, s in scores.items()]
    tested = " and ".join(study.splits)
    return {
        "Manifest": f"{study.manifest.name}, split {tested}; harmonizers saw split {study.target_split}",
        "Images": "; ".join(counts),
        "Seeds of the classifier's trainings": ", ".join(map(str, study.seeds)),
        "Trainings of the harmonizers": ", ".join(f"{title} {count}" for title, count in trainings.items()),
        "Software": f"monai_harmonize {monai_harmonize.__version__}, MONAI {monai.__version__}",
        "Seed of the bootstrap": str(seed),
    }
