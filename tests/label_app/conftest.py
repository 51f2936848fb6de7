"""Bundles with weights beside a server's studies: radiographs as PNG and DICOM, CT as NIfTI and as DICOM series."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from monai_harmonize.engines.weights import save_weights
from monai_harmonize.phantoms import ensure_spine_dataset

EDGE = 6.0
# Weights drawn at random: what is tested is that an answer is what the command line writes, whatever the network.
DRAWN = {
    "adain_ct": {},
    "cyclegan_cxr": {},
    "spine_segmentation_ct": {},
    "tb_classification_cxr": {"image_size": 128, "threshold": 0.5},
}
UNTRAINED = ("lung_segmentation_cxr", "unit_cxr")


@pytest.fixture(scope="session")
def spine_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CT phantoms with label maps: two of each look for training, one for tests."""
    folder = tmp_path_factory.mktemp("spine") / "data"
    options = {"sites": ("exported", "reference"), "shape": (40, 40, 12), "spacing": (EDGE,) * 3, "workers": 1}
    counts = {"train": 2, "validation": 1, "test": 1}
    ensure_spine_dataset(folder, anatomies_per_site=counts, progress=False, **options)
    return folder


@pytest.fixture(scope="session")
def ct_series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DICOM series of eight slices."""
    folder = tmp_path_factory.mktemp("series") / "data"
    options = {"sites": ("exported",), "shape": (24, 24, 8), "spacing": (10.0,) * 3, "workers": 1}
    ensure_spine_dataset(folder, anatomies_per_site={"train": 1}, progress=False, file_format="dicom", **options)
    (series,) = {path.parent for path in folder.rglob("*.dcm")}
    return series


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory, chest_data: Path) -> Path:
    """Folder of bundles: a fitted tone curve, four with drawn weights, two untrained."""
    folder = tmp_path_factory.mktemp("served") / "bundles"
    for name in ("tone_curve_cxr", *DRAWN, *UNTRAINED):
        shutil.copytree(f"bundles/{name}/configs", folder / name / "configs")
    root = folder / "tone_curve_cxr"
    files = [str(root / "configs" / "train.json")]
    fitting = ConfigWorkflow(files, logging_file=False, bundle_root=str(root), dataset_dir=str(chest_data))
    fitting.initialize()
    fitting.run()
    torch.manual_seed(0)
    for name, settings in DRAWN.items():
        parser = ConfigParser()
        parser.read_config(str(folder / name / "configs" / "inference.json"))
        network = parser.get_parsed_content("network_def")
        if name == "cyclegan_cxr":  # a new one changes next to nothing
            torch.nn.init.normal_(network.layers[-1].weight, std=0.2)
        if name == "adain_ct":  # a new one has no style
            network.store_styles([torch.rand(2, 1, 32, 32)])
        weights = save_weights(network, folder / name / "models" / "model.pt")
        if settings:
            weights.with_suffix(".json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="session")
def radiographs(chest_data: Path) -> list[Path]:
    """DICOM radiographs of site A and B."""
    return sorted(chest_data.glob("test/*/*[0-9].dcm"))
