"""``protocol``: a classifier of one site, tested on another's images, raw and harmonized by every method."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from monai_harmonize.cli.alone import alone_in
from monai_harmonize.cli.evaluate import LARGEST_SEED
from monai_harmonize.cli.manifest import DatasetDir
from monai_harmonize.cli.messages import INTERRUPTED, console, errors, only_warnings
from monai_harmonize.cli.study.checks import check_study
from monai_harmonize.cli.study.definition import find_definition
from monai_harmonize.cli.study.settings import Study
from monai_harmonize.cli.study.stages import stages_of
from monai_harmonize.evaluation.classification import ClassificationReport, run_classification_report
from monai_harmonize.evaluation.classification.study_folder import Direction
from monai_harmonize.phantoms.default_data import TUBERCULOSIS

__all__ = ["protocol"]


def protocol(
    output: Annotated[Path, typer.Option(help="Folder of the study; the same command again continues there.")],
    manifest: Annotated[
        Path | None, typer.Option(help="CSV or Decathlon JSON with labels and both sites; phantoms by default.")
    ] = None,
    dataset_dir: DatasetDir = None,
    source_site: Annotated[str, typer.Option(help="Site whose images are new to the classifier.")] = "site_a",
    target_site: Annotated[str, typer.Option(help="Site at which the classifier learns.")] = "site_b",
    both_directions: Annotated[
        bool, typer.Option("--both-directions/--one-direction", help="Exchange the sites, too.")
    ] = True,
    seed: Annotated[
        list[int] | None,
        typer.Option(min=0, max=LARGEST_SEED, help="Seed of a classifier, may be repeated; 0, 1, 2 by default."),
    ] = None,
    harmonizer_seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Seed of the harmonizers' training.")
    ] = 0,
    definition: Annotated[
        str, typer.Option(help="What is compared: lee2020, lee2020_paper (a GPU's scale), or a JSON file.")
    ] = "lee2020",
    method: Annotated[list[str] | None, typer.Option(help="Only these of its methods; may be repeated.")] = None,
    split: Annotated[
        list[str] | None, typer.Option(help="Split of the source site to test, may be repeated; test by default.")
    ] = None,
    transductive: Annotated[
        bool, typer.Option("--transductive", help="Let harmonizers train on the tested images, without labels.")
    ] = False,
) -> None:
    """Train a classifier at one site; test it there, on another site's raw images and on harmonized ones.

    Writes report.html with the tables and figures of Lee et al. 2020. An interrupted study goes on where it was.
    """
    with alone_in(output):
        loaded = TUBERCULOSIS.manifest(manifest, dataset_dir, output / "data")
        directions = [Direction(source_site, target_site)]
        directions += [Direction(target_site, source_site)] if both_directions else []
        study = Study(
            folder=output,
            manifest=loaded,
            root=(dataset_dir or loaded.path.parent).absolute(),
            definition=find_definition(definition).only(method),
            directions=tuple(directions),
            seeds=tuple(seed or (0, 1, 2)),
            splits=tuple(split or ("test",)),
            transductive=transductive,
            seed=harmonizer_seed,
        )
        check_study(study)
        study.begin()
        run_stages(study)
        report = run_classification_report(output)
    print_tables(report)
    console.print(str(report.report))


def run_stages(study: Study) -> None:
    """Run what an earlier call has not finished, and tell how far it is."""
    stages, started, skipped = list(stages_of(study)), monotonic(), 0
    for number, stage in enumerate(stages, start=1):
        minutes, seconds = divmod(round(monotonic() - started), 60)
        errors.print(f"[{number}/{len(stages)}, {minutes}:{seconds:02}] {stage.title}")
        try:
            with only_warnings():
                skipped += not stage.run()
        except KeyboardInterrupt:
            errors.print("Interrupted; the same command continues.")
            raise typer.Exit(INTERRUPTED) from None
    if skipped:
        errors.print(f"{skipped} of {len(stages)} steps were done before.")


def print_tables(report: ClassificationReport) -> None:
    """The two tables of the paper, in short; the CSV files hold all of their columns."""
    for (source, target), rows in report.table_1.groupby(["source", "target"], sort=False):
        table = narrow_table(
            f"Table 1: SSIM to the raw image, {source} to {target}", "method", "SSIM", "inverted", "paper"
        )
        for row in rows.itertuples():
            paper = spread(row.paper_ssim, row.paper_ssim_sd)
            table.add_row(row.title, spread(row.ssim, row.ssim_sd), f"{row.inverted} of {row.images}", paper)
        console.print(table)
    for (source, target), rows in report.table_2.groupby(["source", "target"], sort=False):
        title = f"Table 2: classifier of {target} on images of {source}"
        table = narrow_table(title, "images", "AUC", "95 %", "recovered", "p (Holm)", "sens", "spec", "paper")
        for row in rows.itertuples():
            seen = " (transductive)" if row.transductive is True else ""
            table.add_row(
                row.title + seen,
                f"{row.auc:.3f}",
                f"{row.auc_low:.3f}-{row.auc_high:.3f}",
                number(row.recovered, ".0%"),
                number(row.p_raw_holm, ".2g"),
                f"{row.sensitivity:.2f}",
                f"{row.specificity:.2f}",
                number(row.paper_auc, ".2f"),
            )
        console.print(table)


def narrow_table(title: str, first: str, *others: str) -> Table:
    """Table whose numbers stay on one line in a terminal of 80 columns."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, no_wrap=True, justify="right")
    return table


def number(value: float, style: str) -> str:
    """A number, or nothing where there is none."""
    return "" if isnan(value) else format(value, style)


def spread(mean: float, deviation: float) -> str:
    """Mean and standard deviation."""
    return "" if isnan(mean) else f"{mean:.3f}" + ("" if isnan(deviation) else f" ± {deviation:.3f}")
