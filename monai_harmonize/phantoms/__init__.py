"""Procedural chest radiographs and CT: the embedded default data, with the same anatomy at every imaging site."""

from monai_harmonize.phantoms.anatomy import FINDINGS, Finding, Lesion, ThoraxAnatomy, sample_anatomy
from monai_harmonize.phantoms.chest_dataset import ensure_chest_dataset, write_chest_dataset
from monai_harmonize.phantoms.ct_dataset import ensure_ct_dataset
from monai_harmonize.phantoms.ct_scanners import SCANNERS, Scanner, scan
from monai_harmonize.phantoms.ct_materials import Materials
from monai_harmonize.phantoms.ct_volume import voxelize
from monai_harmonize.phantoms.radiograph import render, render_paths
from monai_harmonize.phantoms.sites import SITES, Site
from monai_harmonize.phantoms.thorax import PathLengths, lesion_mask, lung_mask, project_thorax

__all__ = [
    "FINDINGS",
    "SCANNERS",
    "SITES",
    "Finding",
    "Lesion",
    "Materials",
    "PathLengths",
    "Scanner",
    "Site",
    "ThoraxAnatomy",
    "ensure_chest_dataset",
    "ensure_ct_dataset",
    "lesion_mask",
    "lung_mask",
    "project_thorax",
    "render",
    "render_paths",
    "sample_anatomy",
    "scan",
    "voxelize",
    "write_chest_dataset",
]
