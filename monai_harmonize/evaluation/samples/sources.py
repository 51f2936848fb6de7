"""Which images are samples, which were learned from, and which were held out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.samples.images import Named, is_manifest, named_images

__all__ = ["Sources", "named_sources"]

OTHER_SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Sources:
    """Where the images are; each a folder, or a manifest (CSV, JSON).

    Args:
        samples: synthetic images; of a manifest all rows.
        training: real images that the generator learned from; of a manifest split ``train``.
        held_out: real images of other patients; of a manifest splits ``validation`` and ``test``. By default those of
            ``training``, where that is a manifest which has any.
        truth: the right image of each sample, by equal names; of a manifest all rows.
        site: of the real images' manifests.
        root: folder that relative paths of manifests start from; their own by default.
    """

    samples: Path
    training: Path
    held_out: Path | None = None
    truth: Path | None = None
    site: str | None = None
    root: Path | None = None


def named_sources(sources: Sources, output_dir: Path) -> tuple[Named, Named, Named | None]:
    """Samples, training and held-out images.

    Args:
        sources: where they are.
        output_dir: left out of every search.

    Raises:
        InputError: no images, a file in two sets, or results among the images.
    """
    for source in (sources.samples, sources.training, sources.held_out, sources.truth):
        if source is not None and output_dir.exists() and source.exists() and output_dir.samefile(source):
            raise InputError(f"--output {output_dir}: is one of the inputs; the picture would count as an image of it.")
    if output_dir.exists() and not output_dir.is_dir():
        raise InputError(f"--output {output_dir}: is a file; name a folder.")

    def real(source: Path, split: Sequence[str]) -> Named:
        return named_images(source, split, sources.site, sources.root, output_dir)

    samples = named_images(sources.samples, root=sources.root, exclude=output_dir)
    training, held_out = real(sources.training, ["train"]), None
    if sources.held_out is not None:
        held_out = real(sources.held_out, OTHER_SPLITS)
    elif is_manifest(sources.training):
        with suppress(InputError):  # a manifest of training images only
            held_out = real(sources.training, OTHER_SPLITS)
    refuse_common(samples, training, "a sample and a training image")
    if held_out is not None:
        refuse_common(training, held_out, "a training image and a held-out image")
        refuse_patients(training, held_out)
    return samples, training, held_out


def refuse_common(first: Named, second: Named, what: str) -> None:
    """Raise ``InputError`` where a file is in both sets: its distance to itself would be 0."""
    files = {Path(item["image"]).resolve() for item in first.items}
    common = sorted(str(item["image"]) for item in second.items if Path(item["image"]).resolve() in files)
    if common:
        raise InputError(f"{common[0]}: is {what}; give different folders or splits ({len(common)} such files).")


def refuse_patients(training: Named, held_out: Named) -> None:
    """Raise ``InputError`` where manifests say that held-out images are of training patients."""
    first, second = (
        {(i.get("site"), i["patient"]) for i in each.items if "patient" in i} for each in (training, held_out)
    )
    if common := first & second:
        raise InputError(f"{len(common)} patients have training and held-out images; hold out whole patients.")
