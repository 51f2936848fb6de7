"""``fit``: a harmonizer from two folders of images, no manifest needed."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from monai_harmonize.cli.bundle import DEFAULT_BUNDLE, BundleName, Overlays
from monai_harmonize.cli.images import Pattern, fitting
from monai_harmonize.cli.messages import console, only_warnings
from monai_harmonize.cli.origin import LOOKS
from monai_harmonize.data import InputError
from monai_harmonize.data.formats import find_images
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.data.polarity import NORMAL
from monai_harmonize.engines.bundle import find_bundle
from monai_harmonize.engines.weights import record_fit
from monai_harmonize.evaluation.site_origins import gallery_of
from monai_harmonize.label_app.served_bundles import modality_of
from monai_harmonize.metrics.site_gallery_file import save_site_gallery
from monai_harmonize.metrics.site_look import FEWEST_IMAGES

__all__ = ["fit"]

LEAST = 3
# From this many images on every tenth is kept for validation; fewer are all needed for the fit.
ENOUGH = 10
# The look of a site is learned from so many of its images at most.
LOOKED_AT = 500


class Inverted(str, Enum):
    """What to do with a source site whose images are inverted."""

    refuse = "refuse"
    turn = "turn"
    keep = "keep"


def fit(
    source: Annotated[list[Path], typer.Option(help="Images to be harmonized later; may be repeated.")],
    target: Annotated[list[Path], typer.Option(help="Images with the look to reach; may be repeated.")],
    output: Annotated[Path, typer.Option(help="Folder of the fitted model.")],
    bundle: BundleName = DEFAULT_BUNDLE,
    overlay: Overlays = None,
    pattern: Pattern = "*",
    inverted: Annotated[
        Inverted | None, typer.Option(help="Source site that is inverted: refuse, turn all its images, or keep.")
    ] = None,
) -> None:
    """Fit a bundle to unlabelled images of two sites, from three images of each upward.

    Every file counts as a patient of its own; for images of several per patient write a manifest and run the
    bundle's train.json.
    """
    found = find_bundle(bundle)
    sites = two_sites(source, target, output, pattern)
    options = {"records": sites, "source_site": "source", "target_site": "target"}
    options |= {"ckpt_dir": str(output), "output_dir": str(output / "eval")}
    options |= {} if inverted is None else {"inverted": inverted.value}
    with only_warnings():
        workflow = found.workflow("train", overlay or (), options)
        workflow.initialize()
        workflow.run()
        workflow.finalize()
    record_fit(output / "model.pt", found.fit(overlay or ()))
    if modality_of(found) != "CT":
        save_looks(sites, output)
    counts = {site: len(sites.select(site, "train")) for site in sites.sites}
    console.print(f"Fitted to {counts['source']} source and {counts['target']} target images: {output / 'model.pt'}")
    metrics = workflow.evaluator.state.metrics
    if "site_distance_raw" in metrics:
        repeated = len(sites.records) > len({record["image"] for record in sites.records})
        seen = ", of the fitted images themselves" if repeated else ""
        distances = f"{metrics['site_distance_raw']:.4f} before, {metrics['site_distance']:.4f} after"
        console.print(f"Wasserstein distance to the target site: {distances}{seen}")
    console.print(f"Next: monai-harmonize harmonize IMAGES --bundle {bundle} --checkpoint {output} --output FOLDER")


def save_looks(sites: Manifest, output: Path) -> None:
    """Note how images of both sites look, by which ``harmonize --from auto`` recognises them; not from too few."""
    found = {str(record["image"]): record for record in sites.records}
    chosen = []
    for site in sites.sites:
        own = [record for record in found.values() if record["site"] == site]
        chosen += [own[place * len(own) // LOOKED_AT] for place in range(LOOKED_AT)] if len(own) > LOOKED_AT else own
        if len(own) < FEWEST_IMAGES:
            (output / LOOKS).unlink(missing_ok=True)
            return
    save_site_gallery(gallery_of(chosen), output / LOOKS)


def two_sites(source: list[Path], target: list[Path], output: Path, pattern: str) -> Manifest:
    """Records of both sites with splits.

    Fewer than ten images are all fitted to, and validation repeats them: its numbers are then optimistic.

    Raises:
        InputError: fewer than three images of a site, or one that belongs to both.
    """
    given = {"source": source, "target": target}
    found = {site: fitting(find_images(paths, exclude=output), pattern) for site, paths in given.items()}
    both = {path.resolve() for path in found["source"]} & {path.resolve() for path in found["target"]}
    if both:
        raise InputError(f"{sorted(both)[0]}: belongs to source and target; each image has one site.")
    records: list[dict[str, Any]] = []
    for site, paths in found.items():
        if len(paths) < LEAST:
            raise InputError(f"--{site}: holds {len(paths)} images; at least {LEAST} are needed.")
        for number, path in enumerate(paths):
            held_out = len(paths) >= ENOUGH and number % 10 == 9
            splits = ["validation" if held_out else "train"] if len(paths) >= ENOUGH else ["train", "validation"]
            item = {"image": str(path.absolute()), "file": str(path), "site": site, "polarity": NORMAL}
            records += [{**item, "split": split} for split in splits]
    return Manifest(output / "manifest.csv", tuple(records))
