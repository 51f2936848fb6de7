"""Which images a bundle works on."""

import json
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest import ManifestError
from monai_harmonize.phantoms import default_data, ensure_chest_dataset
from monai_harmonize.phantoms.default_data import CHEST, CT, SPINE, TUBERCULOSIS, DefaultData


def write_images(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 3), 7).save(folder / name)


@pytest.fixture
def own_data(tmp_path) -> Path:
    """Folder of a user: ten patients at each of two sites, without splits."""
    rows = [{"file": f"{s}/{i}.png", "site": s, "patient": f"{s}{i}"} for s in "ab" for i in range(10)]
    write_images(tmp_path / "own", *(row["file"] for row in rows))
    pd.DataFrame(rows).to_csv(tmp_path / "own" / "manifest.csv", index=False)
    return tmp_path / "own"


@pytest.fixture
def forbidden(tmp_path, monkeypatch) -> Path:
    """Folder of default data that must not be made."""

    def fail(*_: object) -> None:
        pytest.fail("the default data were made although the user named data")

    monkeypatch.setattr(default_data, "ensure_chest_dataset", fail)
    return tmp_path / "default"


def test_default_data_are_made_when_nothing_is_named(tmp_path) -> None:
    counts = {"train": 2, "validation": 1, "test": 1}
    options = {"sites": ("site_a", "site_b"), "size": 32, "workers": 1, "progress": False}
    small = DefaultData(partial(ensure_chest_dataset, anatomies_per_site=counts, **options))
    manifest = small.manifest(None, None, tmp_path / "data")
    assert manifest.path == tmp_path / "data" / "manifest.csv"
    assert {"site_a", "site_b"} <= set(manifest.sites)
    assert len(manifest.select(site="site_a", split="train")) == 2
    inputs = small.inputs(None, None, None, tmp_path / "data", "site_a", "test")
    assert [Path(item["image"]).relative_to(inputs.root).parts[:2] for item in inputs.items] == [("test", "site_a")]


def test_a_folder_with_a_manifest(own_data, forbidden) -> None:
    manifest = CHEST.manifest(None, own_data, forbidden)
    assert manifest.path == own_data / "manifest.csv"
    splits = {split: {r["patient"] for r in manifest.select(split=split)} for split in ("train", "validation", "test")}
    assert sum(map(len, splits.values())) == len(set.union(*splits.values())) == 20
    assert CHEST.manifest(None, own_data, forbidden) == manifest
    assert CHEST.manifest(None, own_data, forbidden, seed=1) != manifest
    inputs = CHEST.inputs(None, None, own_data, forbidden, "a", "test")
    assert inputs.root == own_data
    assert {Path(item["image"]).relative_to(own_data).parts[0] for item in inputs.items} == {"a"}
    assert len(inputs.items) == len(manifest.select(site="a", split="test")) > 0


def test_a_decathlon_manifest_is_found_and_csv_comes_first(own_data, forbidden) -> None:
    listed = {"site": "a", "training": [{"image": "a/0.png", "patient": "1"}]}
    (own_data / "manifest.json").write_text(json.dumps(listed))
    assert len(CHEST.manifest(None, own_data, forbidden).records) == 20
    (own_data / "manifest.csv").unlink()
    assert len(CHEST.manifest(None, own_data, forbidden).records) == 1


def test_a_manifest_beside_the_data_or_elsewhere(own_data, forbidden, tmp_path) -> None:
    beside = CHEST.inputs(None, own_data / "manifest.csv", None, forbidden, "b", "test")
    assert beside.root == own_data
    (tmp_path / "lists").mkdir()
    elsewhere = (own_data / "manifest.csv").rename(tmp_path / "lists" / "mine.csv")
    inputs = CHEST.inputs(None, str(elsewhere), str(own_data), forbidden, "b", "test")
    assert inputs == beside
    with pytest.raises(ManifestError, match=r"mine\.csv: 20 problems"):
        CHEST.manifest(elsewhere, None, forbidden)


def test_a_folder_without_manifest(tmp_path, forbidden) -> None:
    with pytest.raises(InputError, match=r"scans: holds none of .*manifest.csv, manifest.json; write one, or name it"):
        CHEST.manifest(None, tmp_path / "scans", forbidden)


def test_named_images_need_no_data_set(tmp_path, forbidden) -> None:
    write_images(tmp_path, "scans/x.png")
    inputs = CHEST.inputs(tmp_path / "scans", None, None, forbidden, "a", "test")
    assert (inputs.items, inputs.root) == ([{"image": str(tmp_path / "scans" / "x.png")}], tmp_path / "scans")


def test_a_series_of_spine_ct_is_one_volume(tmp_path, forbidden) -> None:
    for name in ("1", "2"):
        (tmp_path / name).write_bytes(b"\0" * 128 + b"DICM")
    counts = [len(kind.inputs(tmp_path, None, None, forbidden, "a", "test").items) for kind in (SPINE, CT, CHEST)]
    assert counts == [1, 2, 2]


def test_unknown_sites_are_told(own_data, forbidden) -> None:
    with pytest.raises(ManifestError, match="no site 'c'; the sites are 'a', 'b'"):
        CHEST.inputs(None, None, own_data, forbidden, "c", "test")


def test_tuberculosis_is_more_patients_and_worse_disease(tmp_path, monkeypatch, own_data) -> None:
    asked = {}

    def make(folder: Path, **options: object) -> Path:
        asked.update(options, folder=folder)
        return own_data / "manifest.csv"

    monkeypatch.setattr(default_data, "ensure_chest_dataset", make)
    assert len(TUBERCULOSIS.manifest(None, None, tmp_path / "data").records) == 20
    assert asked["folder"] == tmp_path / "data"
    assert asked["severity"] > 1
    assert asked["sites"] == ("site_a", "site_b")
    first = asked.copy()
    TUBERCULOSIS.inputs(None, None, None, tmp_path / "data", "a", "test")
    assert asked == first
