"""Options by which commands name a bundle and its configurations."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["DEFAULT_BUNDLE", "BundleName", "Overlays"]

DEFAULT_BUNDLE = "tone_curve_cxr"

BundleName = Annotated[str, typer.Option("--bundle", help="Folder of a bundle, or its name below ./bundles.")]
Overlays = Annotated[
    list[str] | None,
    typer.Option("--overlay", help="Further configuration, a name within the bundle or a JSON file; may be repeated."),
]
