"""``audit``: what a trained harmonizer does to lesions, on phantoms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.cli.bundle import DEFAULT_BUNDLE, BundleName, Checkpoint
from monai_harmonize.cli.messages import console
from monai_harmonize.engines.bundle import find_bundle
from monai_harmonize.evaluation.audit_run import run_audit

__all__ = ["audit"]


def audit(
    output: Annotated[Path, typer.Option(help="Folder of audit.html and audit.json.")],
    bundle: BundleName = DEFAULT_BUNDLE,
    checkpoint: Checkpoint = None,
    overlay: Annotated[
        list[str] | None, typer.Option(help="Further inference configuration, for example filter.")
    ] = None,
    source_site: Annotated[str, typer.Option(help="Phantom site on which it was trained as the source.")] = "site_a",
    patients: Annotated[int, typer.Option(min=2, help="Rendered with and without a lesion.")] = 48,
    size: Annotated[int, typer.Option(min=32, help="Rows and columns of the phantoms.")] = 256,
    ensemble: Annotated[list[Path] | None, typer.Option(help="Weights of further trainings.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the patients.")] = 0,
) -> None:
    """Audit a trained harmonizer: lesions kept, deleted and invented, hidden codes, disagreement of trainings."""
    found = find_bundle(bundle)
    found.check_harmonizes_single_images()
    weights = found.chosen_weights(checkpoint)
    run = run_audit(
        found.root,
        weights,
        output,
        source_site=source_site,
        patients=patients,
        size=size,
        seed=seed,
        ensemble=ensemble or (),
        overlays=list(dict.fromkeys([*found.fitted_overlays(weights), *(overlay or ())])),
    )
    console.print(f"verdict: {run.audit.verdict}")
    for reason in run.audit.reasons:
        console.print(reason)
    console.print(str(run.report))
    if run.audit.verdict == "fail":
        raise typer.Exit(code=1)
