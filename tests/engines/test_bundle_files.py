"""Bundles that are packed, unpacked by MONAI and run elsewhere."""

import json
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest
import torch
from monai.bundle import download

from monai_harmonize.data import InputError
from monai_harmonize.engines import Harmonized
from monai_harmonize.engines.bundle import Bundle, find_bundle
from monai_harmonize.engines.bundle_files import export_bundle
from monai_harmonize.engines.weights import fitted_by, record_fit, save_weights

NAME = "tone_curve_cxr"


@pytest.fixture
def bundle() -> Bundle:
    return find_bundle(NAME)


def weights_of(bundle: Bundle, folder: Path, *overlays: str) -> Path:
    """Random weights of a network that some overlays of a training make, and what a training writes beside them."""
    fit = bundle.fit(overlays)
    torch.manual_seed(0)
    workflow = bundle.workflow("inference", fit.overlays, {"checkpoint": "none"})
    weights = save_weights(workflow.parser.get_parsed_content("network_def"), folder / "model.pt")
    record_fit(weights, fit)
    (folder / "resume.pt").write_bytes(b"state of a training")
    return weights


def unpacked(archive: Path, folder: Path) -> Bundle:
    """The archive as MONAI's download leaves it."""
    download(name=NAME, url=archive.as_uri(), bundle_dir=str(folder), progress=False)
    return Bundle(folder / NAME)


def test_content_and_bytes(bundle: Bundle, tmp_path: Path) -> None:
    weights = weights_of(bundle, tmp_path / "fit")
    first = export_bundle(bundle, weights, tmp_path / "one")
    assert first.name == f"{NAME}_v{bundle.metadata['version']}.zip"
    names = set(ZipFile(first).namelist())
    assert {f"{NAME}/{name}" for name in ("LICENSE", "docs/README.md", "models/model.pt", "models/model.json")} <= names
    assert {f"{NAME}/configs/{path.name}" for path in bundle.root.glob("configs/*")} <= names
    assert not any("resume" in name or "/data/" in name or "/eval/" in name for name in names)
    assert export_bundle(bundle, weights, tmp_path / "two").read_bytes() == first.read_bytes()


def test_overlays_of_the_training_become_part_of_inference(bundle: Bundle, tmp_path: Path) -> None:
    weights = weights_of(bundle, tmp_path / "fit", "network", "grid")
    assert list(fitted_by(weights).overlays) == ["network_inference", "grid_inference"]
    image = torch.rand(1, 1, 48, 40) * 2 - 1
    expected = Harmonized(bundle.root, weights).network(image)

    copy = unpacked(export_bundle(bundle, weights, tmp_path), tmp_path / "elsewhere")
    assert list(fitted_by(copy.weights).overlays) == []
    plain = json.loads(copy.config("inference").read_text())
    assert plain["network_def"] != json.loads(bundle.config("inference").read_text())["network_def"]
    torch.testing.assert_close(Harmonized(copy.root, copy.weights).network(image), expected, rtol=0, atol=0)


def test_refused(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no weights to pack"):
        export_bundle(bundle, tmp_path / "model.pt", tmp_path)
    weights = weights_of(bundle, tmp_path / "fit")
    with pytest.raises(InputError, match=f"was fitted with the bundle {NAME}"):
        export_bundle(find_bundle("cyclegan_cxr"), weights, tmp_path)
    assert not list(tmp_path.glob("*.zip"))


def test_a_bundle_that_works_leaves_its_images_behind(bundle: Bundle, tmp_path: Path) -> None:
    root = shutil.copytree(bundle.root, tmp_path / NAME, ignore=shutil.ignore_patterns("data", "models", "eval"))
    for folder in ("data", "eval", "harmonized"):
        (root / folder).mkdir()
        (root / folder / "image.dcm").write_bytes(b"a patient")
    archive = export_bundle(Bundle(root), weights_of(Bundle(root), root / "models"), tmp_path)
    assert not any(name.endswith(".dcm") for name in ZipFile(archive).namelist())
