"""``bundles``: which there are, and whether one is sound."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from monai_harmonize.cli.bundle_check import problems_of
from monai_harmonize.cli.messages import PROBLEMS, console, errors, only_warnings
from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import BUNDLES, bundles_here, find_bundle

__all__ = ["bundles"]

bundles = typer.Typer(help="List and check bundles.", no_args_is_help=True)


@bundles.command("list", epilog="Example: [bold]monai-harmonize bundles list[/bold]")
def list_bundles() -> None:
    """Show the bundles below ./bundles: version, guarantee class, task and whether they have weights."""
    found = bundles_here()
    if not found:
        raise InputError(f"{BUNDLES}: holds no bundle; run this in a folder with a folder {BUNDLES}.")
    table = Table("name", "version", "class", "task", "weights")
    for bundle in found:
        metadata = bundle.metadata
        weights = "yes" if bundle.weights.is_file() else "no"
        table.add_row(
            metadata["name"], metadata["version"], metadata.get("guarantee_class", "-"), metadata["task"], weights
        )
    console.print(table)


@bundles.command(epilog="Example: [bold]monai-harmonize bundles check tone_curve_cxr[/bold]")
def check(name: Annotated[str, typer.Argument(help="Folder of a bundle, or its name below ./bundles.")]) -> None:
    """Check a bundle's files, JSON, MONAI properties and weights; exit code 1 if something is wrong."""
    bundle = find_bundle(name)
    with only_warnings():
        problems = problems_of(bundle)
    for problem in problems:
        errors.print(f"error: {bundle.root}: {problem}")
    if problems:
        raise typer.Exit(PROBLEMS)
    weights = "weights load" if bundle.weights.is_file() else "it has no weights yet; train it first"
    console.print(f"{bundle.root}: files, configurations and properties are sound; {weights}.")
