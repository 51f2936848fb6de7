"""The folder of radiographs: content, determinism, recovery."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest
from filelock import FileLock
from PIL import Image

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms import chest_dataset as module
from monai_harmonize.phantoms import ensure_chest_dataset, write_chest_dataset

SMALL: dict[str, Any] = {
    "sites": ("site_a", "site_b"),
    "anatomies_per_site": {"train": 3, "validation": 1, "test": 2},
    "size": 48,
    "progress": False,
    "workers": 1,
}


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_chest_dataset(tmp_path_factory.mktemp("chest"), **SMALL).parent


@pytest.fixture
def count_makes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one entry whenever a dataset is made."""
    made: list[int] = []
    make: Callable[..., None] = module._make

    def counted(*arguments: Any) -> None:
        made.append(1)
        make(*arguments)

    monkeypatch.setattr(module, "_make", counted)
    return made


def test_manifest_lists_every_file_once(folder: Path) -> None:
    table = pd.read_csv(folder / "manifest.csv")
    assert list(table) == [
        "file",
        "site",
        "label",
        "patient",
        "split",
        "mask",
        "lung_mask",
        "polarity",
        "anatomy",
        "finding",
    ]
    named = {*table["file"], *table["mask"].dropna(), *table["lung_mask"], "manifest.csv", "dataset.json"}
    assert named == set(digest(folder))
    assert table["file"].is_unique
    assert table["split"].value_counts().to_dict() == {"train": 6, "test": 4, "truth": 4, "validation": 2}
    assert (table["label"] == table["mask"].notna()).all()
    assert (table["label"] == (table["finding"] != "none")).all()


def test_sites_share_no_patient_outside_the_truth(folder: Path) -> None:
    table = pd.read_csv(folder / "manifest.csv")
    own = table[table["split"] != "truth"]
    assert own["patient"].is_unique
    truth = table[table["split"] == "truth"].merge(table[table["split"] == "test"], on="anatomy")
    assert len(truth) == 4
    assert (truth["site_x"] != truth["site_y"]).all()
    assert (truth["label_x"] == truth["label_y"]).all()


def test_truth_shows_the_same_anatomy_pixel_by_pixel(folder: Path) -> None:
    def grey(file: str) -> np.ndarray:
        dataset = pydicom.dcmread(folder / file)
        stored = dataset.pixel_array / (2**dataset.BitsStored - 1)
        return 1 - stored if dataset.PhotometricInterpretation == "MONOCHROME1" else stored

    table = pd.read_csv(folder / "manifest.csv")
    tests = table[(table["split"] == "test") & (table["site"] == "site_a")].set_index("anatomy")
    truths = table[(table["split"] == "truth") & (table["site"] == "site_b")].set_index("anatomy")
    pairs = [(grey(tests["file"][name]), grey(truths["file"][name])) for name in tests.index]
    paired = [np.corrcoef(test.ravel(), truth.ravel())[0, 1] for test, truth in pairs]
    crossed = np.corrcoef(pairs[0][0].ravel(), pairs[1][1].ravel())[0, 1]
    assert min(paired) > 0.85
    assert min(paired) > crossed
    names = [("mask", anatomy) for anatomy in tests.index[tests["label"] == 1]]
    for column, anatomy in [*names, *(("lung_mask", anatomy) for anatomy in tests.index)]:
        masks = [np.asarray(Image.open(folder / rows[column][anatomy])) for rows in (tests, truths)]
        np.testing.assert_array_equal(*masks)
        assert set(np.unique(masks[0])) == {0, 255}


def test_dicom_files_agree_with_the_manifest(folder: Path) -> None:
    table = pd.read_csv(folder / "manifest.csv")
    datasets = [pydicom.dcmread(folder / file) for file in table["file"]]
    assert [d.PatientID for d in datasets] == list(table["patient"])
    assert len({d.SOPInstanceUID for d in datasets}) == len(datasets)
    assert {d.PhotometricInterpretation for d in datasets} == {"MONOCHROME1", "MONOCHROME2"}
    spacing = pd.Series([float(d.ImagerPixelSpacing[0]) for d in datasets]).groupby(table["anatomy"])
    assert (spacing.nunique() == 1).all()
    assert spacing.first().nunique() > 5


@pytest.mark.long
def test_bytes_do_not_depend_on_the_number_of_workers(folder: Path, tmp_path: Path) -> None:
    write_chest_dataset(tmp_path, **{**SMALL, "workers": 2})
    assert digest(tmp_path) == digest(folder)


def test_seed_changes_every_image(folder: Path, tmp_path: Path) -> None:
    write_chest_dataset(tmp_path, **SMALL, seed=1)
    old, new = digest(folder), digest(tmp_path)
    assert not [name for name in new if name.endswith(".dcm") and new[name] in old.values()]


def test_severity_changes_the_images_of_the_ill_and_no_other(folder: Path, tmp_path: Path) -> None:
    worse = write_chest_dataset(tmp_path, **SMALL, severity=3.0).parent
    table = pd.read_csv(folder / "manifest.csv")
    assert {0, 1} == set(table["label"])
    for file, label in zip(table["file"], table["label"], strict=True):
        assert ((worse / file).read_bytes() == (folder / file).read_bytes()) == (label == 0)


def test_png_is_sixteen_bit_and_bright_is_dense(folder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(write_chest_dataset(tmp_path, **SMALL, file_format="png"))
    row = table[(table["site"] == "site_a") & (table["split"] == "train")].iloc[0]
    image = np.asarray(Image.open(tmp_path / row["file"]))
    assert image.dtype == np.uint16
    stored = pydicom.dcmread(folder / row["file"].replace(".png", ".dcm")).pixel_array
    np.testing.assert_allclose(image / 65535, 1 - stored / 4095, atol=1 / 4095)


def test_ensure_makes_once_and_again_for_other_arguments(tmp_path: Path, count_makes: list[int]) -> None:
    options = {**SMALL, "anatomies_per_site": {"train": 1}}
    assert ensure_chest_dataset(tmp_path, **options) == tmp_path / "manifest.csv"
    before = digest(tmp_path)
    ensure_chest_dataset(tmp_path, **{**options, "sites": list(options["sites"]), "workers": 2})
    assert len(count_makes) == 1
    ensure_chest_dataset(tmp_path, **options, seed=3)
    assert len(count_makes) == 2
    assert set(digest(tmp_path)) - {"dataset.json", "manifest.csv"}
    ensure_chest_dataset(tmp_path, **options)
    assert digest(tmp_path) == before


@pytest.mark.parametrize("lost", ["dataset.json", "manifest.csv"])
def test_incomplete_folder_is_remade(lost: str, tmp_path: Path, count_makes: list[int]) -> None:
    options = {**SMALL, "anatomies_per_site": {"train": 1, "test": 1}}
    ensure_chest_dataset(tmp_path, **options)
    before = digest(tmp_path)
    if lost == "manifest.csv":
        (tmp_path / lost).unlink()
    else:
        record = json.loads((tmp_path / lost).read_text())
        (tmp_path / lost).write_text(json.dumps({**record, "complete": False}))
    (tmp_path / "train" / "site_a" / "stale.dcm").write_bytes(b"half")
    ensure_chest_dataset(tmp_path, **options)
    assert len(count_makes) == 2
    assert digest(tmp_path) == before


SCRIPT = """
import sys
from monai_harmonize.phantoms import chest_dataset
make = chest_dataset._make
def reported(*arguments):
    print("making", flush=True)
    make(*arguments)
chest_dataset._make = reported
print("ready", flush=True)
counts = {"train": 3, "validation": 1, "test": 2}
chest_dataset.ensure_chest_dataset(
    sys.argv[1], sites=["site_a", "site_b"], anatomies_per_site=counts, size=48, progress=False, workers=1
)
"""


def start(target: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(target)], stdout=subprocess.PIPE, text=True)


@pytest.mark.long
def test_killed_run_is_made_good(folder: Path, tmp_path: Path) -> None:
    process = start(tmp_path)
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("*.dcm")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert json.loads((tmp_path / "dataset.json").read_text())["complete"] is False
    ensure_chest_dataset(tmp_path, **SMALL)
    assert digest(tmp_path) == digest(folder)


@pytest.mark.long
def test_processes_wait_for_each_other_and_make_one_dataset(folder: Path, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"):
        processes = [start(tmp_path) for _ in range(2)]
        assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 2
        time.sleep(0.3)
        assert not (tmp_path / "dataset.json").exists()
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(outputs) == ["", "making\n"]
    assert digest(tmp_path) == digest(folder)


def test_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "mine.dcm").write_bytes(b"mine")
    for call in (ensure_chest_dataset, write_chest_dataset):
        with pytest.raises(InputError, match="choose a new or an empty folder"):
            call(tmp_path, **SMALL)
    assert (tmp_path / "train" / "mine.dcm").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sites": ("site_x",)}, "site_x"),
        ({"sites": ()}, "at least one"),
        ({"sites": ("site_a", "site_a")}, "none twice"),
        ({"anatomies_per_site": {"training": 2}}, "training"),
        ({"anatomies_per_site": {"train": -1}}, "at least one patient"),
        ({"anatomies_per_site": {"train": 0}}, "at least one patient"),
        ({"file_format": "jpeg"}, "jpeg"),
        ({"size": 8}, "at least 32"),
        ({"severity": 0.0}, "severity"),
        ({"shared": 1.5}, "shared"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_written(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        ensure_chest_dataset(tmp_path / "new", **{**SMALL, **options})
    assert not (tmp_path / "new").exists()
