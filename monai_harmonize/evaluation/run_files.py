"""What one evaluation writes: tables, a summary for machines, the report, and where all of it came from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import monai

import monai_harmonize
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.evaluation.cases import Pairing
from monai_harmonize.evaluation.protocol import Evaluation

__all__ = ["origin_of", "write_files"]


def write_files(folder: Path, evaluation: Evaluation, summary: Mapping[str, Any], texts: Mapping[str, str]) -> None:
    """Write ``results.csv``, ``per_image.csv`` and ``summary.json`` into a folder, each whole or not at all.

    Args:
        folder: made if missing.
        evaluation: all numbers.
        summary: what ``summary.json`` tells beside the measurements.
        texts: contents of further files by their names.
    """
    summary = {**summary, "measurements": [asdict(measurement) for measurement in evaluation.measurements]}
    contents = {
        "results.csv": evaluation.results.to_csv(index=False),
        "per_image.csv": evaluation.per_image.to_csv(index=False),
        "summary.json": json.dumps(without_nan(summary), indent=4, allow_nan=False) + "\n",
        **texts,
    }
    for name, text in contents.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def origin_of(pairing: Pairing, bundle: Mapping[str, Any], manifest: str, split: str, seed: int) -> dict[str, str]:
    """Images, method, software and seed of an evaluation, by the words of the report.

    Args:
        pairing: the images.
        bundle: metadata of the bundle that harmonized; empty where it is unknown.
        manifest: name of the manifest.
        split: of the images.
        seed: of templates, bootstrap and random halves.
    """
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


def without_nan(value: Any) -> Any:
    """The same structure with null where a number does not exist, since JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
