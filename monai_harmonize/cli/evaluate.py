"""``evaluate``: the report of a harmonization."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.cli.bundle import DEFAULT_BUNDLE, BundleName, find_bundle
from monai_harmonize.cli.manifest import DatasetDir
from monai_harmonize.cli.messages import console
from monai_harmonize.evaluation import run_evaluation

__all__ = ["evaluate"]


def evaluate(
    manifest: Annotated[Path, typer.Option(help="CSV or Decathlon JSON with both sites.")],
    harmonized: Annotated[Path, typer.Option(help="Folder that inference wrote.")],
    output: Annotated[Path, typer.Option(help="Folder of report.html and the tables.")],
    source_site: Annotated[str, typer.Option(help="Site of the harmonized images.")] = "site_a",
    target_site: Annotated[str, typer.Option(help="Site whose look they were given.")] = "site_b",
    split: Annotated[str, typer.Option(help="Images to evaluate.")] = "test",
    dataset_dir: DatasetDir = None,
    bundle: BundleName = DEFAULT_BUNDLE,
    seed: Annotated[int, typer.Option(help="Seed of templates and intervals.")] = 0,
) -> None:
    """Measure how much closer the images came to the target site and what happened to the anatomy."""
    run = run_evaluation(
        manifest,
        harmonized,
        output,
        source_site,
        target_site,
        split=split,
        seed=seed,
        root=dataset_dir,
        bundle_root=find_bundle(bundle).root,
    )
    console.print(run.verdict.headline)
    for warning in run.verdict.warnings:
        console.print(f"Warning: {warning}")
    console.print(str(run.report))
