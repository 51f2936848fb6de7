"""Bundles that are packed, unpacked by MONAI and run elsewhere."""

import json
import os
import shutil
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest
import torch
from monai.bundle import download

from monai_harmonize.data import InputError
from monai_harmonize.engines import Harmonized
from monai_harmonize.engines.bundle import Bundle, find_bundle
from monai_harmonize.engines.bundle_files import copy_bundle, export_bundle
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


def test_bytes_do_not_depend_on_the_machine(bundle: Bundle, tmp_path: Path, monkeypatch) -> None:
    weights = weights_of(bundle, tmp_path / "fit")
    before = export_bundle(bundle, weights, tmp_path / "one").read_bytes()
    os.utime(weights, (1e9, 1e9))
    weights.chmod(0o600)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1234567890")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    usual = os.umask(0o077)
    try:
        assert export_bundle(bundle, weights, tmp_path / "two").read_bytes() == before
    finally:
        os.umask(usual)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("name", "../evil"),
        ("name", "/evil"),
        ("name", ""),
        ("name", "a\nb"),
        ("name", None),
        ("version", "../1"),
        ("version", 1),
    ],
)
def test_a_bundle_cannot_name_another_place(bundle: Bundle, tmp_path: Path, entry: str, text: object) -> None:
    weights = weights_of(bundle, tmp_path / "fit")
    (weights.parent / "model.json").unlink()
    own = Bundle(tmp_path / "own")
    (own.root / "configs").mkdir(parents=True)
    (own.root / "configs" / "metadata.json").write_text(json.dumps({**bundle.metadata, entry: text}))
    with pytest.raises(InputError, match=f"metadata.json: {entry} is .* expected letters"):
        export_bundle(own, weights, tmp_path / "out")
    assert not list(tmp_path.rglob("*.zip"))


def test_a_link_out_of_a_bundle_is_not_followed(bundle: Bundle, tmp_path: Path) -> None:
    weights = weights_of(bundle, tmp_path / "fit")
    (tmp_path / "secret.md").write_text("SECRET")
    own = Bundle(copy_bundle(bundle, tmp_path / "copies"))
    (own.root / "docs" / "within.md").symlink_to(own.root / "docs" / "README.md")
    assert f"{NAME}/docs/within.md" in ZipFile(export_bundle(own, weights, tmp_path)).namelist()
    (own.root / "docs" / "out.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(InputError, match=r"out\.md: is a link that leads out of the bundle"):
        export_bundle(own, weights, tmp_path / "out")
    with pytest.raises(InputError, match="leads out"):
        copy_bundle(own, tmp_path / "again")
    assert not (tmp_path / "out").exists()
    assert not list((tmp_path / "again").iterdir())


def test_an_interrupted_export_leaves_the_older_archive(bundle: Bundle, tmp_path: Path, monkeypatch) -> None:
    weights = weights_of(bundle, tmp_path / "fit")
    archive = export_bundle(bundle, weights, tmp_path / "out")
    before = archive.read_bytes()
    write = ZipFile.writestr

    def interrupted(file: ZipFile, info: ZipInfo, *rest: object) -> None:
        if info.filename.endswith("model.pt"):
            raise KeyboardInterrupt
        write(file, info, *rest)

    monkeypatch.setattr(ZipFile, "writestr", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export_bundle(bundle, weights, tmp_path / "out")
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    assert archive.read_bytes() == before


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
