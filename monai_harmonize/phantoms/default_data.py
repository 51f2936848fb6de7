"""Which images a bundle works on: the user's own, or the embedded default data."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.formats import find_images, find_volumes
from monai_harmonize.data.manifest import Manifest, load_manifest
from monai_harmonize.phantoms.chest_dataset import ensure_chest_dataset
from monai_harmonize.phantoms.cohort import COHORTS
from monai_harmonize.phantoms.ct_dataset import ensure_ct_dataset
from monai_harmonize.phantoms.spine_dataset import ensure_spine_dataset

__all__ = [
    "ChestInputs",
    "chest_inputs",
    "chest_manifest",
    "ct_inputs",
    "ct_manifest",
    "spine_inputs",
    "spine_manifest",
]

# Two grey scales, as in Xu et al. 2020, and another kernel.
SPINE_SITES = ("reference", "exported", "sharp")
MANIFEST_NAMES = ("manifest.csv", "manifest.json")

PathLike = str | os.PathLike[str]


def chest_manifest(
    manifest: PathLike | None,
    dataset_dir: PathLike | None,
    default_dir: PathLike,
    seed: int = 0,
    cohort: str = "subtle",
) -> Manifest:
    """Load the manifest of chest radiographs that a bundle was asked to use, with every split filled.

    Args:
        manifest: the user's manifest; its relative paths start from ``dataset_dir`` or else from its own folder.
        dataset_dir: folder of the user's files; without ``manifest`` it holds a ``manifest.csv`` or ``manifest.json``.
        default_dir: folder of the embedded phantoms, made there when neither of the two is given.
        seed: seed of splits that the manifest does not name.
        cohort: patients of the phantoms, a name of ``COHORTS``; those of one cohort replace another's.

    Raises:
        InputError: ``dataset_dir`` holds no manifest.
        ManifestError: problems of the manifest, all at once.
    """
    patients = COHORTS[cohort]

    def make() -> Path:
        return ensure_chest_dataset(
            default_dir, sites=patients.sites, anatomies_per_site=patients.counts, severity=patients.severity
        )

    return _manifest(manifest, dataset_dir, make, seed)


def ct_manifest(
    manifest: PathLike | None, dataset_dir: PathLike | None, default_dir: PathLike, seed: int = 0
) -> Manifest:
    """Load the manifest of CT volumes or slices that a bundle was asked to use; as ``chest_manifest``."""
    return _manifest(manifest, dataset_dir, lambda: ensure_ct_dataset(default_dir), seed)


def spine_manifest(
    manifest: PathLike | None,
    dataset_dir: PathLike | None,
    default_dir: PathLike,
    seed: int = 0,
    sites: Sequence[str] = SPINE_SITES,
) -> Manifest:
    """Load the manifest of spine CT with label maps that a bundle was asked to use; as ``chest_manifest``.

    Args:
        manifest: see ``chest_manifest``.
        dataset_dir: see ``chest_manifest``.
        default_dir: see ``chest_manifest``.
        seed: see ``chest_manifest``.
        sites: looks of the phantoms, names of ``LOOKS``.
    """
    return _manifest(manifest, dataset_dir, lambda: ensure_spine_dataset(default_dir, sites=sites), seed)


def _manifest(
    manifest: PathLike | None, dataset_dir: PathLike | None, make_default: Callable[[], Path], seed: int
) -> Manifest:
    if manifest is None:
        manifest = make_default() if dataset_dir is None else manifest_in(dataset_dir)
    return load_manifest(manifest, dataset_dir).with_splits(seed=seed)


def manifest_in(folder: PathLike) -> Path:
    """Manifest of a folder, by its usual names."""
    for name in MANIFEST_NAMES:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise InputError(f"{folder}: holds none of {', '.join(MANIFEST_NAMES)}; write one, or name it with --manifest.")


@dataclass(frozen=True)
class ChestInputs:
    """Images to harmonize.

    Args:
        items: dicts with ``image`` (path) and, from a manifest, its other columns.
        root: folder below which results keep the relative paths of their sources.
    """

    items: list[dict[str, Any]]
    root: Path | None


def chest_inputs(
    inputs: PathLike | Sequence[PathLike] | None,
    manifest: PathLike | None,
    dataset_dir: PathLike | None,
    default_dir: PathLike,
    site: str,
    split: str,
    output_dir: PathLike | None = None,
    cohort: str = "subtle",
) -> ChestInputs:
    """Images that inference was asked to harmonize: files and folders, or a site's split of a manifest.

    Args:
        inputs: a file, a folder (searched to any depth) or a list of them; ``None`` takes the manifest.
        manifest: see ``chest_manifest``.
        dataset_dir: see ``chest_manifest``.
        default_dir: see ``chest_manifest``.
        site: site of the manifest.
        split: split of the manifest.
        output_dir: folder of the results; within an input folder it is left out, so that no result becomes an input.
        cohort: see ``chest_manifest``.

    Raises:
        InputError: ``inputs`` is an empty list.
        ImageFileError: an input does not exist or a folder holds no image.
        ManifestError: problems of the manifest, all at once.
    """

    def load() -> Manifest:
        return chest_manifest(manifest, dataset_dir, default_dir, cohort=cohort)

    return _inputs(inputs, load, dataset_dir, site, split, output_dir)


def ct_inputs(
    inputs: PathLike | Sequence[PathLike] | None,
    manifest: PathLike | None,
    dataset_dir: PathLike | None,
    default_dir: PathLike,
    site: str,
    split: str,
    output_dir: PathLike | None = None,
    series: bool = False,
) -> ChestInputs:
    """CT volumes and DICOM slices to harmonize; arguments and errors as for ``chest_inputs``.

    With ``series``, a folder of DICOM slices among ``inputs`` is one volume (``find_volumes``), for methods that need
    the whole of it.
    """

    def load() -> Manifest:
        return ct_manifest(manifest, dataset_dir, default_dir)

    return _inputs(inputs, load, dataset_dir, site, split, output_dir, find_volumes if series else find_images)


def spine_inputs(
    inputs: PathLike | Sequence[PathLike] | None,
    manifest: PathLike | None,
    dataset_dir: PathLike | None,
    default_dir: PathLike,
    site: str,
    split: str,
    output_dir: PathLike | None = None,
    sites: Sequence[str] = SPINE_SITES,
) -> ChestInputs:
    """Spine CT to harmonize or to segment; arguments and errors as for ``chest_inputs`` and ``spine_manifest``."""

    def load() -> Manifest:
        return spine_manifest(manifest, dataset_dir, default_dir, sites=sites)

    return _inputs(inputs, load, dataset_dir, site, split, output_dir, find_volumes)


def _inputs(
    inputs: PathLike | Sequence[PathLike] | None,
    load: Callable[[], Manifest],
    dataset_dir: PathLike | None,
    site: str,
    split: str,
    output_dir: PathLike | None,
    find: Callable[..., list[Path]] = find_images,
) -> ChestInputs:
    if inputs is not None:
        paths = find(inputs, exclude=output_dir)
        given = [Path(inputs)] if isinstance(inputs, str | os.PathLike) else [Path(entry) for entry in inputs]
        folders = [os.path.abspath(entry if entry.is_dir() else entry.parent) for entry in given]
        return ChestInputs([{"image": str(path)} for path in paths], Path(os.path.commonpath(folders)))
    chosen = load()
    root = Path(dataset_dir) if dataset_dir is not None else chosen.path.parent
    return ChestInputs(chosen.select(site=site, split=split), root)
