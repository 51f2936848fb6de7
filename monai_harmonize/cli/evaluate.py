"""``evaluate``: the report of a harmonization."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.cli.manifest import DatasetDir
from monai_harmonize.cli.messages import console
from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import find_bundle, known_bundles
from monai_harmonize.evaluation import run_evaluation
from monai_harmonize.safety.certificate_table import CertificateTable
from monai_harmonize.safety.certificate_writer import TABLE_NAME

__all__ = ["LARGEST_SEED", "evaluate"]

# NumPy's generators take 32 bits.
LARGEST_SEED = 2**32 - 1


def evaluate(
    manifest: Annotated[Path, typer.Option(help="CSV or Decathlon JSON with both sites.")],
    harmonized: Annotated[Path, typer.Option(help="Folder that inference wrote.")],
    output: Annotated[Path, typer.Option(help="Folder of report.html and the tables.")],
    source_site: Annotated[str, typer.Option(help="Site of the harmonized images.")] = "site_a",
    target_site: Annotated[str, typer.Option(help="Site whose look they were given.")] = "site_b",
    split: Annotated[str, typer.Option(help="Images to evaluate.")] = "test",
    dataset_dir: DatasetDir = None,
    bundle: Annotated[
        str | None, typer.Option(help="Bundle that harmonized; by default the one that the certificates name.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of templates and intervals.")] = 0,
    own_scores: Annotated[
        Path | None, typer.Option(help="scores.csv of a classifier of the target site, of its own images.")
    ] = None,
    raw_scores: Annotated[Path | None, typer.Option(help="The same classifier's, of the source site's images.")] = None,
    harmonized_scores: Annotated[Path | None, typer.Option(help="The same, of the harmonized images.")] = None,
) -> None:
    """Measure how much closer the images came to the target site and what happened to the anatomy.

    With the three tables of a classifier, also what harmonization is worth to it.
    """
    scores = {"own": own_scores, "raw": raw_scores, "harmonized": harmonized_scores}
    given = {kind: path for kind, path in scores.items() if path is not None}
    if given and len(given) < len(scores):
        missing = ", ".join(f"--{kind}-scores" for kind in scores if kind not in given)
        raise InputError(f"{missing}: is missing; give the three tables of a classifier, or none.")
    name = bundle or bundle_of(harmonized)
    run = run_evaluation(
        manifest,
        harmonized,
        output,
        source_site,
        target_site,
        split=split,
        seed=seed,
        root=dataset_dir,
        bundle_root=find_bundle(name).root if name else None,
        classification=given or None,
    )
    console.print(run.verdict.headline)
    for warning in run.verdict.warnings:
        console.print(f"Warning: {warning}")
    console.print(str(run.report))


def bundle_of(harmonized: Path) -> str | None:
    """The one known bundle that all certificates of a folder name."""
    named = {row["bundle"] for row in CertificateTable(harmonized / TABLE_NAME).known().values()}
    known = {bundle.root.name for bundle in known_bundles()}
    return next(iter(named)) if len(named) == 1 and named <= known else None
