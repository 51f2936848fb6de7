"""The whole evaluation as one call: manifest and folder of harmonized images in, tables and report out."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import monai
import pandas as pd

import monai_harmonize
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation.cases import Pairing, pair_manifest
from monai_harmonize.evaluation.classification.section import classification_section
from monai_harmonize.evaluation.images import Load, load_item
from monai_harmonize.evaluation.protocol import Evaluation, evaluate_harmonization
from monai_harmonize.evaluation.report import render_report
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
    pairing = pair_manifest(
        load_manifest(manifest, folder).with_splits(),
        Path(harmonized_dir),
        root=folder.absolute(),
        source_site=source_site,
        target_site=target_site,
        split=split,
        seed=seed,
    )
    bundle = _bundle_metadata(bundle_root)
    section = None
    if classification is not None:
        files = {name: Path(path) for name, path in classification.items()}
        section = classification_section(files, source_site, target_site, seed=seed, resamples=resamples)
    evaluation = evaluate_harmonization(pairing, load=load, seed=seed, resamples=resamples, progress=progress)
    verdict = judge(evaluation, source_site, target_site)
    facts: dict[str, Any] = {
        "source_site": source_site,
        "target_site": target_site,
        "guarantee_class": str(bundle.get("guarantee_class", "G4")),
        "provenance": _provenance(pairing, bundle, Path(manifest).name, split, seed),
        "resamples": resamples,
    }
    page = render_report(evaluation, verdict, load=load, classification=section.page if section else None, **facts)
    _write(Path(output_dir), evaluation, {**asdict(verdict), "missing": pairing.missing, **facts}, page)
    if section:
        with atomic_path(Path(output_dir) / "classification.csv") as temporary:
            temporary.write_text(section.table.to_csv(index=False), encoding="utf-8")
    return EvaluationRun(Path(output_dir) / "report.html", evaluation, verdict, section.table if section else None)


def _write(folder: Path, evaluation: Evaluation, summary: dict[str, Any], page: str) -> None:
    summary["measurements"] = [asdict(measurement) for measurement in evaluation.measurements]
    texts = {
        "results.csv": evaluation.results.to_csv(index=False),
        "per_image.csv": evaluation.per_image.to_csv(index=False),
        "summary.json": json.dumps(_without_nan(summary), indent=4, allow_nan=False) + "\n",
        "report.html": page,
    }
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _bundle_metadata(bundle_root: PathLike | None) -> dict[str, Any]:
    if bundle_root is None:
        return {}
    path = Path(bundle_root) / "configs" / "metadata.json"
    metadata: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return metadata


def _provenance(pairing: Pairing, bundle: dict[str, Any], manifest: str, split: str, seed: int) -> dict[str, str]:
    patients = len({case.group for case in pairing.cases})
    target_patients = len({str(item.get("patient", item["image"])) for item in pairing.targets})
    return {
        "Source images": f"{len(pairing.cases)} images, {patients} patients",
        "Target images": f"{len(pairing.targets)} images, {target_patients} patients",
        "Paired truth": f"{sum(case.truth is not None for case in pairing.cases)} images",
        "Manifest": f"{manifest}, split {split}",
        "Bundle": " ".join(str(bundle[key]) for key in ("name", "version") if key in bundle) or "not given",
        "Software": f"monai_harmonize {monai_harmonize.__version__}, MONAI {monai.__version__}",
        "Seed": str(seed),
        "Date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    }


def _without_nan(value: Any) -> Any:
    """The same structure with null where a number does not exist, since JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
