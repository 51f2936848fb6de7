"""The whole evaluation as one call: manifest and folder of harmonized images in, tables and report out."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation.cases import pair_manifest
from monai_harmonize.evaluation.classification.section import ClassificationSection, classification_section
from monai_harmonize.evaluation.images import Load, load_item
from monai_harmonize.evaluation.protocol import Evaluation, evaluate_harmonization
from monai_harmonize.evaluation.report import render_report
from monai_harmonize.evaluation.run_files import origin_of, write_files
from monai_harmonize.evaluation.verdict import Verdict, judge

__all__ = ["EvaluationRun", "run_evaluation"]

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class EvaluationRun:
    """What `run_evaluation` made.

    Args:
        report: the HTML page.
        evaluation: all numbers.
        verdict: the same in words.
        classification: areas of own, raw and harmonized images, where scores were given.
    """

    report: Path
    evaluation: Evaluation
    verdict: Verdict
    classification: pd.DataFrame | None = None


def run_evaluation(
    manifest: PathLike,
    harmonized_dir: PathLike,
    output_dir: PathLike,
    source_site: str,
    target_site: str,
    *,
    split: str = "test",
    seed: int = 0,
    root: PathLike | None = None,
    bundle_root: PathLike | None = None,
    resamples: int = 2000,
    load: Load = load_item,
    progress: bool = True,
    classification: Mapping[str, PathLike] | None = None,
) -> EvaluationRun:
    """Evaluates harmonized images of one site and writes tables and a report.

    Writes into `output_dir`, each file whole or not at all: `results.csv` (one row per method and measure),
    `per_image.csv`, `summary.json` and `report.html`.

    Args:
        manifest: CSV or JSON manifest; splits it lacks are completed as for training.
        harmonized_dir: what inference wrote; a file has its source's path below `root`.
        output_dir: made if missing.
        source_site: site of the harmonized images, A.
        target_site: site they were brought to, B.
        split: images to evaluate.
        seed: of templates, bootstrap and random halves.
        root: folder that relative paths start from; the manifest's own by default.
        bundle_root: bundle that harmonized; its metadata gives name, version and guarantee class.
        resamples: bootstrap resamples.
        load: reader of a record.
        progress: whether to show progress bars.
        classification: CSV files of a classifier's probabilities by `own` (the target site's images), `raw` and
            `harmonized` (the source site's), see `classification_section`; written as `classification.csv` too.

    Raises:
        InputError: a file of `classification` cannot be used.
        ManifestError: problems of the manifest, all at once, or no image of a site in `split`.
        ValueError: no harmonized file exists, or images cannot be compared; the message names each file.
    """
    folder = Path(manifest).parent if root is None else Path(root)
    images = load_manifest(manifest, folder).with_splits()
    sites = {"source_site": source_site, "target_site": target_site}
    pairing = pair_manifest(images, Path(harmonized_dir), root=folder.absolute(), **sites, split=split, seed=seed)
    bundle = bundle_metadata(bundle_root)
    section = classifier_section(classification, **sites, seed=seed, resamples=resamples)
    evaluation = evaluate_harmonization(pairing, load=load, seed=seed, resamples=resamples, progress=progress)
    verdict = judge(evaluation, source_site, target_site)
    facts: dict[str, Any] = {
        **sites,
        "guarantee_class": str(bundle.get("guarantee_class", "G4")),
        "provenance": origin_of(pairing, bundle, Path(manifest).name, split, seed),
        "resamples": resamples,
    }
    page, table = (section.page, section.table) if section else (None, None)
    texts = {"report.html": render_report(evaluation, verdict, load=load, classification=page, **facts)}
    texts |= {} if table is None else {"classification.csv": table.to_csv(index=False)}
    write_files(Path(output_dir), evaluation, {**asdict(verdict), "missing": pairing.missing, **facts}, texts)
    return EvaluationRun(Path(output_dir) / "report.html", evaluation, verdict, table)


def classifier_section(files: Mapping[str, PathLike] | None, **options: Any) -> ClassificationSection | None:
    """Section of a classifier, where its scores are given; options as for ``classification_section``."""
    if files is None:
        return None
    return classification_section({name: Path(path) for name, path in files.items()}, **options)


def bundle_metadata(bundle_root: PathLike | None) -> dict[str, Any]:
    """Metadata of a bundle; empty where none is known."""
    if bundle_root is None:
        return {}
    path = Path(bundle_root) / "configs" / "metadata.json"
    metadata: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return metadata
