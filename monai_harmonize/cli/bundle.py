"""Options by which commands name a bundle and its configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DEFAULT_BUNDLE", "BundleName", "Checkpoint", "Overlays"]

DEFAULT_BUNDLE = "tone_curve_cxr"

BundleName = Annotated[str, typer.Option("--bundle", help="Folder of a bundle, or its name.")]
Overlays = Annotated[
    list[str] | None,
    typer.Option("--overlay", help="Further configuration, a name within the bundle or a JSON file; may be repeated."),
]
Checkpoint = Annotated[
    Path | None, typer.Option(help="Weights, or a folder with model.pt; the bundle's own by default.")
]
