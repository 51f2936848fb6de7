"""``sample-metrics``: synthetic images judged against the real ones they were learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.table import Table

from monai_harmonize.cli.evaluate import LARGEST_SEED
from monai_harmonize.cli.manifest import DatasetDir
from monai_harmonize.cli.messages import PROBLEMS, console, only_warnings, tell_error
from monai_harmonize.data import InputError
from monai_harmonize.evaluation.samples.evaluate import Options
from monai_harmonize.evaluation.samples.run import run_sample_metrics
from monai_harmonize.evaluation.samples.sources import Sources
from monai_harmonize.metrics.paired_quality import paired_measure
from monai_harmonize.networks import PooledFeatures
from monai_harmonize.networks.inception_classifier import InceptionClassifier

__all__ = ["sample_metrics"]

PHOTOGRAPHS = "IMAGENET1K_V1"


def sample_metrics(
    samples: Annotated[Path, typer.Option(help="Synthetic images: a folder, or a manifest (CSV, JSON).")],
    training: Annotated[
        Path, typer.Option(help="Real images that the generator learned from: a folder, or split train of a manifest.")
    ],
    output: Annotated[Path, typer.Option(help="Folder of the tables, the summary and the picture.")],
    held_out: Annotated[
        Path | None,
        typer.Option(
            help="Real images of other patients: a folder, or splits validation and test of a manifest; by default "
            "those of --training's manifest."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="The right image of each sample, of equal name: MSE, PSNR, SSIM, VIF, ..."),
    ] = None,
    site: Annotated[str | None, typer.Option(help="Site of the real images of manifests; all by default.")] = None,
    dataset_dir: DatasetDir = None,
    extractor: Annotated[
        str,
        typer.Option(
            help="vgg19, resnet50, resnet101, densenet121, densenet169, densenet201, inception_v3 or fid_inception."
        ),
    ] = "resnet50",
    weights: Annotated[
        str | None,
        typer.Option(help=f"Of the extractor: a file, or a name of torchvision's; {PHOTOGRAPHS} by default."),
    ] = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Numbers that compare with no published ones; no download.")
    ] = False,
    layer: Annotated[str | None, typer.Option(help="Of the extractor; about an eighth of the size by default.")] = None,
    size: Annotated[int, typer.Option(min=32, help="Side in pixels that the extractor sees.")] = 256,
    lpips_weights: Annotated[
        str | None, typer.Option(help="AlexNet for LPIPS of pairs, a file or IMAGENET1K_V1; without it no LPIPS.")
    ] = None,
    inception_weights: Annotated[
        str | None, typer.Option(help="Inception-v3 for the inception score, the same; without it no score.")
    ] = None,
    false_alarm_rate: Annotated[
        float, typer.Option(min=1e-6, max=0.5, help="Of the memorisation alarm, per real image.")
    ] = 0.01,
    neighbours: Annotated[int, typer.Option(min=1, help="k of precision, recall, density and coverage.")] = 3,
    clusters: Annotated[int, typer.Option(min=1, help="Of the training images, at most.")] = 10,
    resamples: Annotated[int, typer.Option(min=2, help="Of the confidence intervals.")] = 200,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Of resamples and clusters.")] = 0,
) -> None:
    """Measure how real and varied synthetic images are, and whether they repeat their training images.

    Exit code 1 where files could not be read or training images are repeated.
    """
    if weights is not None and random_weights:
        raise InputError(f"--weights {weights}: and --random-weights exclude each other; leave one out.")
    chosen = None if random_weights else weights or PHOTOGRAPHS
    features = PooledFeatures(extractor, chosen, random_weights, layer)
    perceptual = {} if lpips_weights is None else dict([paired_measure("lpips_alex", lpips_weights)])
    with only_warnings():
        run = run_sample_metrics(
            Sources(samples, training, held_out, truth, site, dataset_dir),
            output,
            features,
            options=Options(neighbours, clusters, false_alarm_rate, resamples, seed),
            size=size,
            perceptual=perceptual,
            classifier=None if inception_weights is None else InceptionClassifier(inception_weights),
        )
    for failure in run.failures:
        tell_error(failure)
    console.print(table_of(run.table, features.name))
    console.print(run.verdict.headline)
    for finding in run.verdict.findings:
        console.print(f"- {finding}")
    for warning in run.verdict.warnings:
        console.print(f"Warning: {warning}")
    console.print(str(run.picture))
    if run.failures or run.verdict.memorised:
        raise typer.Exit(PROBLEMS)


def table_of(results: pd.DataFrame, features: str) -> Table:
    """Measures with intervals, and which direction is better; the name of the features stands above them once."""
    columns = ("measure", "of", "estimate", "95 % interval", "better", "images")
    table = Table(*columns, title=f"features: {features}")
    for row in results.itertuples():
        interval = "" if pd.isna(row.low) else f"{row.low:.4g} to {row.high:.4g}"
        name, of = row.measure.removesuffix(f"_{features}"), row.of.replace("_", "-")
        table.add_row(name, of, f"{row.estimate:.4g}", interval, row.better, str(row.images))
    return table
