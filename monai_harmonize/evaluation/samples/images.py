"""Sets of images to compare, at one size on one scale; a file that cannot be read is listed and left out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from tqdm import tqdm

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.formats import find_images
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.data.tolerant import Failure, first_cause
from monai_harmonize.evaluation.cases import Item
from monai_harmonize.evaluation.images import Load, load_item
from monai_harmonize.transforms.scale_grey_levels import ScaleGreyLevels

__all__ = ["ImageSet", "Named", "is_manifest", "named_images", "read_images", "read_one"]


@dataclass(frozen=True)
class Named:
    """Images by the names that results call them.

    Args:
        names: paths below their folder, with the suffix.
        items: records, each with ``image`` and, from a manifest, its other columns.
    """

    names: tuple[str, ...]
    items: tuple[Item, ...]


@dataclass(frozen=True)
class ImageSet:
    """Images that could be read.

    Args:
        names: of each.
        patients: of each; its own name where none is known.
        pixels: ``(N, 1, S, S)`` in [-1, 1], float32.
        failures: what could not be read.
    """

    names: tuple[str, ...]
    patients: tuple[str, ...]
    pixels: Tensor
    failures: tuple[Failure, ...] = ()

    def __len__(self) -> int:
        return len(self.names)


def is_manifest(source: Path) -> bool:
    """Whether a path names a list of images and not images."""
    return source.suffix.lower() in {".csv", ".json"}


def named_images(
    source: Path,
    split: Sequence[str] | None = None,
    site: str | None = None,
    root: Path | None = None,
    exclude: Path | None = None,
) -> Named:
    """Images of a folder, searched to any depth, or of a manifest.

    Args:
        source: folder, image, or CSV or JSON manifest.
        split: splits to take from a manifest, as written; one without any is divided as for training. All by default.
        site: to take from a manifest; all by default.
        root: folder that a manifest's relative paths start from; its own by default.
        exclude: folder that is left out of the search, such as that of the results.

    Raises:
        InputError: no image, an input that does not exist, or a manifest with problems.
    """
    if not is_manifest(source):
        paths = find_images(source, exclude=exclude)
        below = source if source.is_dir() else source.parent
        return Named(tuple(Path(os.path.relpath(p, below)).as_posix() for p in paths), _items(paths))
    manifest = load_manifest(source, root)
    # A validation set that training would take out of the training images is none that was held out for sure.
    if split and not any("split" in record for record in manifest.records):
        manifest = manifest.with_splits()
    records = manifest.select(site=site, split=split)
    return Named(tuple(str(record["file"]) for record in records), tuple(records))


def _items(paths: Sequence[Path]) -> tuple[Item, ...]:
    return tuple({"image": str(path)} for path in paths)


def read_one(item: Item, load: Load = load_item) -> Tensor:
    """One radiograph or slice, ``(1, W, H)`` in [-1, 1], float32, on its file's nominal grey range.

    Raises:
        InputError: it cannot be read, is a volume or holds NaN; the message names the file.
    """
    image = ScaleGreyLevels()(load(item)).as_subclass(Tensor).float()
    if image.ndim != 3 or image.shape[0] != 1:
        raise ImageFileError(item["image"], f"has shape {tuple(image.shape)}; expected one grey image (1, W, H)")
    if not image.isfinite().all():
        raise ImageFileError(item["image"], "holds NaN or infinity")
    return image.clamp(-1, 1)


def read_images(
    named: Named, what: str, size: int, least: int = 2, load: Load = load_item, progress: bool = True
) -> ImageSet:
    """Read a set, every image reduced by area to one square.

    Args:
        named: the files.
        what: what the set is called, for the progress bar and errors.
        size: S, pixels per side.
        least: images that must be readable.
        load: reader of a record.
        progress: whether to show a progress bar.

    Raises:
        InputError: fewer can be read.
    """
    names, patients, pixels, failures = [], [], [], []
    pairs = list(zip(named.names, named.items, strict=True))
    for name, item in tqdm(pairs, desc=what, unit="image", disable=not progress):
        try:
            image = read_one(item, load)
        except (OSError, RuntimeError, ValueError) as error:  # whatever a file provokes belongs to that file
            failures.append(Failure(str(item["image"]), first_cause(error)))
            continue
        names.append(name)
        patients.append(str(item.get("patient", name)))
        pixels.append(interpolate(image[None], size=(size, size), mode="area")[0])
    if len(names) < least:
        listed = "".join(f"\n  {failure}" for failure in failures)
        raise InputError(f"{what}: {len(names)} images can be read; expected {least} at least.{listed}")
    return ImageSet(tuple(names), tuple(patients), torch.stack(pixels), tuple(failures))
