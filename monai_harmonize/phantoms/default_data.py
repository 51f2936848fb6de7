"""Which images a bundle works on: the user's own, or the embedded default data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.formats import find_images, find_volumes
from monai_harmonize.data.inputs import Inputs, PathLike, named_inputs
from monai_harmonize.data.manifest import Manifest, load_manifest
from monai_harmonize.phantoms.chest_dataset import ensure_chest_dataset
from monai_harmonize.phantoms.cohort import COHORTS
from monai_harmonize.phantoms.ct_dataset import ensure_ct_dataset
from monai_harmonize.phantoms.spine_dataset import ensure_spine_dataset

__all__ = ["CHEST", "CT", "EVERYWHERE", "PAIRED", "PARTLY_PAIRED", "SPINE", "TUBERCULOSIS", "DefaultData"]

# Two grey scales, as in Xu et al. 2020, and another kernel.
SPINE_SITES = ("reference", "exported", "sharp")
MANIFEST_NAMES = ("manifest.csv", "manifest.json")


@dataclass(frozen=True)
class DefaultData:
    """Images of one kind: those that a bundle was asked to use, or else phantoms.

    Args:
        make: makes the phantoms in a folder, where they are not there yet, and returns their manifest.
        find: images among the files and folders that a user names, ``find_images`` or ``find_volumes``.
    """

    make: Callable[[PathLike], Path]
    find: Callable[..., list[Path]] = find_images

    def manifest(
        self, manifest: PathLike | None, dataset_dir: PathLike | None, default_dir: PathLike, seed: int = 0
    ) -> Manifest:
        """Load the manifest that a bundle was asked to use, with every split filled.

        Args:
            manifest: the user's manifest; its relative paths start from ``dataset_dir`` or else from its own folder.
            dataset_dir: folder of the user's files; without ``manifest`` it holds a ``manifest.csv`` or
                ``manifest.json``.
            default_dir: folder of the phantoms, made there when neither of the two is given.
            seed: seed of splits that the manifest does not name.

        Raises:
            InputError: ``dataset_dir`` holds no manifest.
            ManifestError: problems of the manifest, all at once.
        """
        if manifest is None:
            manifest = self.make(default_dir) if dataset_dir is None else manifest_in(dataset_dir)
        return load_manifest(manifest, dataset_dir).with_splits(seed=seed)

    def inputs(
        self,
        inputs: PathLike | Sequence[PathLike] | None,
        manifest: PathLike | None,
        dataset_dir: PathLike | None,
        default_dir: PathLike,
        site: str,
        split: str,
        output_dir: PathLike | None = None,
    ) -> Inputs:
        """Images that inference was asked to work on: files and folders, or a site's split of a manifest.

        Args:
            inputs: see ``named_inputs``; ``None`` takes the manifest.
            manifest: see ``manifest``.
            dataset_dir: see ``manifest``.
            default_dir: see ``manifest``.
            site: site of the manifest.
            split: split of the manifest.
            output_dir: see ``named_inputs``.

        Raises:
            InputError: ``inputs`` is an empty list, or see ``manifest``.
            ImageFileError: an input does not exist or a folder holds no image.
            ManifestError: problems of the manifest, all at once.
        """
        if inputs is not None:
            return named_inputs(inputs, output_dir, self.find)
        chosen = self.manifest(manifest, dataset_dir, default_dir)
        root = Path(dataset_dir) if dataset_dir is not None else chosen.path.parent
        return Inputs(chosen.select(site=site, split=split), root)


def manifest_in(folder: PathLike) -> Path:
    """Manifest of a folder, by its usual names."""
    for name in MANIFEST_NAMES:
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise InputError(f"{folder}: holds none of {', '.join(MANIFEST_NAMES)}; write one, or name it with --manifest.")


def make_chest(folder: PathLike, cohort: str) -> Path:
    """Chest radiographs of a cohort, a name of ``COHORTS``; those of one cohort replace another's."""
    patients = COHORTS[cohort]
    return ensure_chest_dataset(
        folder,
        sites=patients.sites,
        anatomies_per_site=patients.counts,
        severity=patients.severity,
        shared=patients.shared,
    )


def make_spine(folder: PathLike) -> Path:
    """Spine CT with label maps."""
    return ensure_spine_dataset(folder, sites=SPINE_SITES)


CHEST = DefaultData(partial(make_chest, cohort="subtle"))
TUBERCULOSIS = DefaultData(partial(make_chest, cohort="tuberculosis"))
# Patients whom two sites examined: all, or a quarter of them.
PAIRED = DefaultData(partial(make_chest, cohort="paired"))
PARTLY_PAIRED = DefaultData(partial(make_chest, cohort="partly_paired"))
# Patients whom all three sites examined.
EVERYWHERE = DefaultData(partial(make_chest, cohort="everywhere"))
# Chest CT, whose DICOM slices count one by one: each can be harmonized without the others.
CT = DefaultData(ensure_ct_dataset)
SPINE = DefaultData(make_spine, find_volumes)
