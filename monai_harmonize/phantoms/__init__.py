"""Procedural chest radiographs, chest CT and spine CT: the default data, with the same anatomy at every site."""

from monai_harmonize.phantoms.anatomy import FINDINGS, Finding, Lesion, ThoraxAnatomy, sample_anatomy
from monai_harmonize.phantoms.chest_dataset import ensure_chest_dataset, write_chest_dataset
from monai_harmonize.phantoms.ct_dataset import ensure_ct_dataset
from monai_harmonize.phantoms.ct_materials import Materials
from monai_harmonize.phantoms.ct_scanners import SCANNERS, Scanner, scan
from monai_harmonize.phantoms.ct_volume import voxelize
from monai_harmonize.phantoms.radiograph import render, render_paths
from monai_harmonize.phantoms.sites import SITES, Site
from monai_harmonize.phantoms.spine_anatomy import SpineAnatomy, sample_spine
from monai_harmonize.phantoms.spine_dataset import ensure_spine_dataset, write_spine_dataset
from monai_harmonize.phantoms.spine_levels import LEVELS, NUMBERS, select_labels
from monai_harmonize.phantoms.spine_looks import LOOKS, Look, at_strength, look_at
from monai_harmonize.phantoms.spine_volume import SpineVolume, voxelize_spine
from monai_harmonize.phantoms.thorax import PathLengths, lesion_mask, lung_mask, project_thorax

__all__ = [
    "FINDINGS",
    "LEVELS",
    "LOOKS",
    "NUMBERS",
    "SCANNERS",
    "SITES",
    "Finding",
    "Lesion",
    "Look",
    "Materials",
    "PathLengths",
    "Scanner",
    "Site",
    "SpineAnatomy",
    "SpineVolume",
    "ThoraxAnatomy",
    "at_strength",
    "ensure_chest_dataset",
    "ensure_ct_dataset",
    "ensure_spine_dataset",
    "lesion_mask",
    "look_at",
    "lung_mask",
    "project_thorax",
    "render",
    "render_paths",
    "sample_anatomy",
    "sample_spine",
    "scan",
    "select_labels",
    "voxelize",
    "voxelize_spine",
    "write_chest_dataset",
    "write_spine_dataset",
]
