"""The command line, a thin door to the bundles, the phantoms and the evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from monai.bundle import ConfigWorkflow
from rich.console import Console

import monai_harmonize
from monai_harmonize.data import InputError, ManifestError, load_manifest
from monai_harmonize.engines.plain_errors import plain_errors
from monai_harmonize.engines.weights import trained_settings
from monai_harmonize.evaluation import run_evaluation
from monai_harmonize.phantoms import write_chest_dataset

app = typer.Typer(help=monai_harmonize.__doc__, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(highlight=False)

Bundle = Annotated[Path, typer.Option(help="Folder of the bundle.")]
DatasetDir = Annotated[
    Path | None,
    typer.Option(help="Folder that the manifest's relative paths start from; its own by default."),
]
Overlays = Annotated[
    list[str] | None,
    typer.Option("--overlay", help="Further configuration of the bundle, for example paper_inference."),
]


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Set up what all commands share."""
    plain_errors()
    if version:
        console.print(monai_harmonize.__version__)
        raise typer.Exit


@app.command()
def phantoms(
    folder: Annotated[Path, typer.Argument(help="Where to write images and manifest.csv.")],
    file_format: Annotated[str, typer.Option("--format", help="dicom or png.")] = "dicom",
    size: Annotated[int, typer.Option(help="Rows and columns in pixels.")] = 256,
    seed: Annotated[int, typer.Option(help="Same seed, same files.")] = 0,
) -> None:
    """Write procedural chest radiographs of three sites."""
    console.print(write_chest_dataset(folder, file_format=file_format, size=size, seed=seed))


@app.command()
def check_manifest(
    manifest: Annotated[Path, typer.Argument(help="CSV or Decathlon JSON.")], dataset_dir: DatasetDir = None
) -> None:
    """Report every problem of a manifest, or count its images by site and split."""
    try:
        records = load_manifest(manifest, dataset_dir).with_splits().records
    except ManifestError as error:  # its own text is shortened
        raise InputError("\n  ".join([f"{error.path}: {len(error.problems)} problems", *error.problems])) from error
    counts: dict[tuple[str, str], int] = {}
    for record in records:
        key = (record["site"], record["split"])
        counts[key] = counts.get(key, 0) + 1
    for (site, split), count in sorted(counts.items()):
        console.print(f"{site:<24}{split:<12}{count:>7}")


@app.command()
def harmonize(
    inputs: Annotated[list[Path], typer.Argument(help="Files or folders: DICOM, PNG, JPEG, NIfTI.")],
    output: Annotated[Path, typer.Option(help="Folder of the harmonized files.")],
    bundle: Bundle = Path("bundles/cyclegan_cxr"),
    overlay: Overlays = None,
    checkpoint: Annotated[Path | None, typer.Option(help="Weights; the bundle's own by default.")] = None,
) -> None:
    """Write images with the look of the bundle's target site, each in its own format."""
    weights = bundle / "models" / "model.pt" if checkpoint is None else checkpoint
    chosen = trained_settings(weights) | ({} if checkpoint is None else {"checkpoint": str(checkpoint)})
    configs = [bundle / "configs" / f"{name}.json" for name in ("inference", *(overlay or ()))]
    missing = [str(path) for path in configs if not path.is_file()]
    if missing:
        raise InputError(f"{', '.join(missing)}: no such configuration; name the folder of a bundle with --bundle.")
    workflow = ConfigWorkflow(
        config_file=[str(path) for path in configs],
        workflow_type="inference",
        bundle_root=str(bundle),
        input=[str(path) for path in inputs],
        output_dir=str(output),
        **chosen,
    )
    workflow.initialize()
    workflow.run()
    failures = workflow.parser.get_parsed_content("evaluator").failures
    console.print(f"Written to {output}")
    if failures:
        raise typer.Exit(code=1)


@app.command()
def evaluate(
    manifest: Annotated[Path, typer.Option(help="CSV or Decathlon JSON with both sites.")],
    harmonized: Annotated[Path, typer.Option(help="Folder that inference wrote.")],
    output: Annotated[Path, typer.Option(help="Folder of report.html and the tables.")],
    source_site: Annotated[str, typer.Option(help="Site of the harmonized images.")] = "site_a",
    target_site: Annotated[str, typer.Option(help="Site whose look they were given.")] = "site_b",
    split: Annotated[str, typer.Option(help="Images to evaluate.")] = "test",
    dataset_dir: DatasetDir = None,
    bundle: Bundle = Path("bundles/cyclegan_cxr"),
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
        bundle_root=bundle if bundle.is_dir() else None,
    )
    console.print(run.verdict.headline)
    for warning in run.verdict.warnings:
        console.print(f"Warning: {warning}")
    console.print(run.report)


if __name__ == "__main__":
    app()
