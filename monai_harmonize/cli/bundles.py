"""``bundles``: which there are, whether one is sound, and how to get and pass them on."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from monai_harmonize.cli.bundle import Checkpoint
from monai_harmonize.cli.bundle_check import problems_of
from monai_harmonize.cli.messages import PROBLEMS, console, errors, only_warnings
from monai_harmonize.engines.bundle import BUNDLES, find_bundle, known_bundles
from monai_harmonize.engines.bundle_files import copy_bundle, export_bundle, place_of_copy

__all__ = ["bundles"]

Name = Annotated[str, typer.Argument(help="Folder of a bundle, or its name.")]

bundles = typer.Typer(help="List, check, copy and export bundles.", no_args_is_help=True)


@bundles.command("list", epilog="Example: [bold]monai-harmonize bundles list[/bold]")
def list_bundles() -> None:
    """Show the bundles below ./bundles and those of the package: version, guarantee class, task and weights."""
    table = Table("name", "version", "class", "task", "weights")
    for bundle in known_bundles():
        metadata = bundle.metadata
        weights = "yes" if bundle.weights.is_file() else "no"
        table.add_row(
            metadata["name"], metadata["version"], metadata.get("guarantee_class", "-"), metadata["task"], weights
        )
    console.print(table)


@bundles.command(epilog="Example: [bold]monai-harmonize bundles check tone_curve_cxr[/bold]")
def check(name: Name) -> None:
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


@bundles.command(epilog="Example: [bold]monai-harmonize bundles copy cyclegan_cxr[/bold]")
def copy(
    names: Annotated[list[str] | None, typer.Argument(help="Bundles by folder or name; all by default.")] = None,
    output: Annotated[Path, typer.Option(help="Folder that receives a folder of each.")] = BUNDLES,
) -> None:
    """Copy bundles of the package to where `python -m monai.bundle run` finds them and you can edit them."""
    chosen = map(find_bundle, names) if names else known_bundles()
    possible = {place_of_copy(bundle, output): bundle for bundle in chosen}  # all of them, or none is copied
    for bundle in possible.values():
        console.print(f"{copy_bundle(bundle, output)}")


@bundles.command(
    epilog="Example: [bold]monai-harmonize bundles export tone_curve_cxr --checkpoint my_model --output archives[/bold]"
)
def export(
    name: Name,
    output: Annotated[Path, typer.Option(help="Folder of the archive.")] = Path(),
    checkpoint: Checkpoint = None,
) -> None:
    """Pack a bundle and its weights into one zip file, as MONAI's `download` and MONAI Label take it."""
    bundle = find_bundle(name)
    archive = export_bundle(bundle, bundle.chosen_weights(checkpoint), output)
    console.print(
        f"{archive}: {archive.stat().st_size / 2**20:.1f} MiB, SHA-256 {sha256(archive.read_bytes()).hexdigest()}"
    )
