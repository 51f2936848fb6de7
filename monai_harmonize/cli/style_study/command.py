"""``style-study``: style transfer methods and extractors compared, and a U-Net with styles in its training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from monai_harmonize.cli.alone import alone_in
from monai_harmonize.cli.evaluate import LARGEST_SEED
from monai_harmonize.cli.manifest import DatasetDir
from monai_harmonize.cli.messages import console
from monai_harmonize.cli.protocol import narrow_table, number
from monai_harmonize.cli.study.parallel import run_in_parallel
from monai_harmonize.cli.style_study.checks import check_style_study
from monai_harmonize.cli.style_study.definition import Sites, find_style_definition
from monai_harmonize.cli.style_study.judging import distance_of
from monai_harmonize.cli.style_study.settings import StyleStudy
from monai_harmonize.cli.style_study.stages import stages_of
from monai_harmonize.evaluation.style import StyleReport, run_style_report
from monai_harmonize.networks.inception_classifier import InceptionClassifier
from monai_harmonize.phantoms import ensure_spine_dataset
from monai_harmonize.phantoms.default_data import SPINE

__all__ = ["style_study"]


def style_study(
    output: Annotated[Path, typer.Option(help="Folder of the study; the same command again continues there.")],
    manifest: Annotated[
        Path | None, typer.Option(help="CSV or Decathlon JSON of CT with masks and several looks; phantoms by default.")
    ] = None,
    dataset_dir: DatasetDir = None,
    home: Annotated[
        str | None, typer.Option(help="Site at which segmentation learns; by default as the definition says.")
    ] = None,
    shifted: Annotated[
        list[str] | None, typer.Option(help="Site whose look the methods learn; may be repeated.")
    ] = None,
    unseen: Annotated[
        list[str] | None, typer.Option(help="Site that nobody trains on, only tested; may be repeated.")
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(min=0, max=LARGEST_SEED, help="Seed of a segmentation, may be repeated; 0 by default."),
    ] = None,
    style_seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the style transfer networks.")] = 0,
    definition: Annotated[str, typer.Option(help="What is compared: xu2020, or a JSON file.")] = "xu2020",
    lpips_weights: Annotated[
        str | None, typer.Option(help="AlexNet for LPIPS: a file, or IMAGENET1K_V1 to download it.")
    ] = None,
    inception_weights: Annotated[
        str | None, typer.Option(help="Inception-v3 for CIS: a file, or IMAGENET1K_V1 to download it.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Steps at a time, one thread each.")] = 2,
) -> None:
    """Compare style transfer methods and extractors; train a U-Net with their styles and test it on other looks.

    Writes report.html with the tables and figures of Xu et al. 2020. An interrupted study goes on where it was.
    """
    compared = find_style_definition(definition)
    sites = chosen_sites(compared.sites, home, shifted, unseen, own=manifest is not None or dataset_dir is not None)
    phantoms = replace(SPINE, make=partial(ensure_spine_dataset, sites=sites.all))
    with alone_in(output):
        loaded = phantoms.manifest(manifest, dataset_dir, output / "data")
        study = StyleStudy(
            folder=output,
            manifest=loaded,
            root=(dataset_dir or loaded.path.parent).absolute(),
            definition=compared,
            sites=sites,
            seeds=tuple(seed or (0,)),
            style_seed=style_seed,
            lpips_weights=lpips_weights,
            inception_weights=inception_weights,
        )
        check_style_study(study)
        if lpips_weights is not None:
            distance_of(study)  # weights that do not fit are told before the first training
        if inception_weights is not None:
            InceptionClassifier(inception_weights)
        study.begin()
        run_in_parallel(partial(stages_of, study), processes)
        report = run_style_report(output)
    print_tables(report)
    console.print(str(report.report))


def chosen_sites(
    default: Sites, home: str | None, shifted: list[str] | None, unseen: list[str] | None, *, own: bool
) -> Sites:
    """Looks that were named, else the definition's; one's ``own`` data have no unseen look unless it is named."""
    return Sites(
        home or default.home,
        tuple(shifted) if shifted else default.shifted,
        tuple(unseen) if unseen else (() if own else default.unseen),
    )


def print_tables(report: StyleReport) -> None:
    """The two tables of the paper, in short; the CSV files hold all of their columns."""
    lpips = "LPIPS" if report.study.content["lpips_weights"] is not None else "distance"
    table = narrow_table(
        "Table 1: style transfer", "network", lpips, "paper", "CIS", "paper", "SSIM truth", "mIoU home"
    )
    for row in report.styles.itertuples():
        table.add_row(
            row.title,
            number(row.lpips, ".3f"),
            number(row.paper_lpips, ".3f") if row.extractor == report.study.main else "",
            number(row.cis, ".3f"),
            number(row.paper_cis, ".3f") if row.extractor == report.study.main else "",
            number(row.ssim_truth, ".3f"),
            number(row.mean_iou, ".3f"),
        )
    console.print(table)
    table = narrow_table("Table 2: segmentation", "network", "look", "PA", "mIoU", "95 %", "loss", "regained")
    for row in report.segmentation.itertuples():
        table.add_row(
            row.title,
            row.look,
            f"{row.pixel_accuracy:.3f}",
            f"{row.mean_iou:.3f}",
            "" if row.mean_iou_low != row.mean_iou_low else f"{row.mean_iou_low:.3f}-{row.mean_iou_high:.3f}",
            f"{100 * row.loss:.1f}",
            number(row.regained, ".0%"),
        )
    console.print(table)
