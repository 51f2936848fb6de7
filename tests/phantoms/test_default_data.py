"""Which images a bundle works on."""

import json
import os
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.manifest import ManifestError
from monai_harmonize.phantoms import default_data
from monai_harmonize.phantoms.cohort import COHORTS, Cohort
from monai_harmonize.phantoms.default_data import chest_inputs, chest_manifest


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


def test_default_data_are_made_when_nothing_is_named(tmp_path, monkeypatch) -> None:
    counts = {"train": 2, "validation": 1, "test": 1}
    monkeypatch.setitem(COHORTS, "subtle", Cohort(counts, 1.0, ("site_a", "site_b")))
    manifest = chest_manifest(None, None, tmp_path / "data")
    assert manifest.path == tmp_path / "data" / "manifest.csv"
    assert {"site_a", "site_b"} <= set(manifest.sites)
    assert len(manifest.select(site="site_a", split="train")) == 2
    inputs = chest_inputs(None, None, None, tmp_path / "data", "site_a", "test")
    assert [Path(item["image"]).relative_to(inputs.root).parts[:2] for item in inputs.items] == [("test", "site_a")]


def test_a_folder_with_a_manifest(own_data, forbidden) -> None:
    manifest = chest_manifest(None, own_data, forbidden)
    assert manifest.path == own_data / "manifest.csv"
    splits = {split: {r["patient"] for r in manifest.select(split=split)} for split in ("train", "validation", "test")}
    assert sum(map(len, splits.values())) == len(set.union(*splits.values())) == 20
    assert chest_manifest(None, own_data, forbidden) == manifest
    assert chest_manifest(None, own_data, forbidden, seed=1) != manifest
    inputs = chest_inputs(None, None, own_data, forbidden, "a", "test")
    assert inputs.root == own_data
    assert {Path(item["image"]).relative_to(own_data).parts[0] for item in inputs.items} == {"a"}
    assert len(inputs.items) == len(manifest.select(site="a", split="test")) > 0


def test_a_decathlon_manifest_is_found_and_csv_comes_first(own_data, forbidden) -> None:
    listed = {"site": "a", "training": [{"image": "a/0.png", "patient": "1"}]}
    (own_data / "manifest.json").write_text(json.dumps(listed))
    assert len(chest_manifest(None, own_data, forbidden).records) == 20
    (own_data / "manifest.csv").unlink()
    assert len(chest_manifest(None, own_data, forbidden).records) == 1


def test_a_manifest_beside_the_data_or_elsewhere(own_data, forbidden, tmp_path) -> None:
    beside = chest_inputs(None, own_data / "manifest.csv", None, forbidden, "b", "test")
    assert beside.root == own_data
    (tmp_path / "lists").mkdir()
    elsewhere = (own_data / "manifest.csv").rename(tmp_path / "lists" / "mine.csv")
    inputs = chest_inputs(None, str(elsewhere), str(own_data), forbidden, "b", "test")
    assert inputs == beside
    with pytest.raises(ManifestError, match=r"mine\.csv: 20 problems"):
        chest_manifest(elsewhere, None, forbidden)


def test_a_folder_without_manifest(tmp_path, forbidden) -> None:
    with pytest.raises(InputError, match=r"scans: holds none of .*manifest.csv, manifest.json; write one, or name it"):
        chest_manifest(None, tmp_path / "scans", forbidden)


def test_files_and_folders(tmp_path, forbidden) -> None:
    write_images(tmp_path, "day1/x.png", "day1/deep/y.png", "day2/z.png")
    take = partial(chest_inputs, manifest=None, dataset_dir=None, default_dir=forbidden, site="site_a", split="test")

    def names(found: default_data.ChestInputs) -> list[str]:
        return [os.path.relpath(item["image"], found.root) for item in found.items]

    one = take(tmp_path / "day1" / "x.png")
    assert (one.root, names(one)) == (tmp_path / "day1", ["x.png"])
    folder = take(str(tmp_path / "day1"))
    assert (folder.root, names(folder)) == (tmp_path / "day1", ["deep/y.png", "x.png"])
    several = take([tmp_path / "day1" / "deep", str(tmp_path / "day2" / "z.png")])
    assert (several.root, names(several)) == (tmp_path, ["day1/deep/y.png", "day2/z.png"])
    assert all(set(item) == {"image"} for item in several.items)


def test_a_folder_of_slices_is_one_volume_on_request(tmp_path, forbidden) -> None:
    header = b"\0" * 128 + b"DICM"
    for name in ("a/1", "a/2", "b/1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(header)
    take = partial(default_data.ct_inputs, tmp_path, None, None, forbidden, "site_a", "test")
    assert [item["image"] for item in take(series=True).items] == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert len(take().items) == 3


def test_relative_inputs_have_an_absolute_root(tmp_path, forbidden, monkeypatch) -> None:
    write_images(tmp_path, "day1/x.png")
    monkeypatch.chdir(tmp_path)
    found = chest_inputs("day1", None, None, forbidden, "a", "test")
    assert found.root == tmp_path / "day1"
    assert found.items == [{"image": "day1/x.png"}]


def test_inputs_that_do_not_exist_or_hold_nothing(tmp_path, forbidden) -> None:
    (tmp_path / "empty").mkdir()
    for name, told in (("empty", "empty: the folder holds no"), ("absent.png", r"absent\.png: there is no such file")):
        with pytest.raises(ImageFileError, match=told):
            chest_inputs(tmp_path / name, None, None, forbidden, "a", "test")


def test_unknown_sites_are_told(own_data, forbidden) -> None:
    with pytest.raises(ManifestError, match="no site 'c'; the sites are 'a', 'b'"):
        chest_inputs(None, None, own_data, forbidden, "c", "test")


def test_tuberculosis_is_more_patients_and_worse_disease(tmp_path, monkeypatch, own_data) -> None:
    asked = {}

    def make(folder: Path, **options: object) -> Path:
        asked.update(options, folder=folder)
        return own_data / "manifest.csv"

    monkeypatch.setattr(default_data, "ensure_chest_dataset", make)
    assert len(chest_manifest(None, None, tmp_path / "data", cohort="tuberculosis").records) == 20
    assert asked["folder"] == tmp_path / "data"
    assert asked["severity"] > 1
    assert asked["sites"] == ("site_a", "site_b")
    first = asked.copy()
    chest_inputs(None, None, None, tmp_path / "data", "a", "test", cohort="tuberculosis")
    assert asked == first
