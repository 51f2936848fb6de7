"""Folders of spine phantoms: files, geometry, manifest."""

from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from monai_harmonize.data.dicom_reader import DicomRadiographReader
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.data.nifti import NiftiRadiographReader
from monai_harmonize.data.segmentation_records import records_with_masks
from monai_harmonize.phantoms import default_data
from monai_harmonize.phantoms.default_data import SPINE
from monai_harmonize.phantoms.spine_dataset import ensure_spine_dataset, write_spine_dataset

COUNTS = {"train": 1, "test": 1}
SMALL = {
    "sites": ("reference", "exported"),
    "anatomies_per_site": COUNTS,
    "shape": (40, 36, 12),
    "spacing": (4.0, 4.0, 5.0),
    "workers": 1,
    "progress": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_spine_dataset(tmp_path_factory.mktemp("spine"), **SMALL).parent


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def read_series(folder: Path) -> tuple[NDArray[np.float32], list[NDArray[np.float64]]]:
    """HU (columns, rows, slices) and the affine of each slice."""
    reader = DicomRadiographReader()
    slices = [reader.get_data(reader.read(path)) for path in sorted(folder.iterdir())]
    return np.stack([pixels for pixels, _ in slices], axis=-1), [meta["affine"] for _, meta in slices]


def test_the_manifest_passes_the_check_and_has_truth(folder: Path) -> None:
    manifest = load_manifest(folder / "manifest.csv")
    table = pd.read_csv(manifest.path)
    assert list(table) == ["file", "site", "patient", "split", "mask", "anatomy"]
    assert table.groupby(["split", "site"]).size().to_dict() == {
        (split, site): 1 for split in ("train", "test", "truth") for site in ("reference", "exported")
    }
    assert len(records_with_masks(manifest.records)) == 6
    for anatomy, group in table[table.split.isin(["test", "truth"])].groupby("anatomy"):
        assert sorted(group.site) == ["exported", "reference"], anatomy
        assert group.patient.nunique() == 1


def test_one_anatomy_has_one_label_map_and_two_looks(folder: Path) -> None:
    table = pd.read_csv(folder / "manifest.csv")
    for _, group in table[table.split.isin(["test", "truth"])].groupby("anatomy"):
        first, second = (np.asarray(nibabel.load(folder / name).dataobj) for name in group["mask"])
        np.testing.assert_array_equal(first, second)
        assert set(np.unique(first)) <= {0, *range(15, 25)}
        assert (first > 0).sum() > 50
        one, other = (np.asarray(nibabel.load(folder / name).dataobj, float) for name in group["file"])
        assert np.abs(one - other).mean() > 100


def test_files_are_hounsfield_units_in_the_patients_space(folder: Path) -> None:
    for row in pd.read_csv(folder / "manifest.csv").itertuples():
        image, mask = (nibabel.load(folder / name) for name in (row.file, row.mask))
        assert image.shape == mask.shape == (40, 36, 12)
        assert (image.get_data_dtype(), mask.get_data_dtype()) == (np.int16, np.uint8)
        assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
        np.testing.assert_array_equal(image.affine, mask.affine)
        np.testing.assert_allclose(image.header.get_zooms(), (4, 4, 5))
        assert image.affine[0, 3] == pytest.approx(78)


def test_nifti_and_dicom_agree_in_values_and_place(folder: Path, tmp_path: Path) -> None:
    table = pd.read_csv(write_spine_dataset(tmp_path, **SMALL, file_format="dicom"))
    assert len(table) == 6
    for row in table.itertuples():
        found, affines = read_series(tmp_path / row.file)
        reader = NiftiRadiographReader()
        wanted, meta = reader.get_data(reader.read(folder / f"{row.file}.nii.gz"))
        np.testing.assert_array_equal(found, wanted)
        for number, affine in enumerate(affines):
            np.testing.assert_allclose(affine[:3, :2], meta["affine"][:3, :2], atol=1e-4)
            corner = meta["affine"] @ (0, 0, number, 1)
            np.testing.assert_allclose(affine[:3, 3], corner[:3], atol=1e-4)
        assert (tmp_path / row.mask).read_bytes() == (folder / row.mask).read_bytes()
    load_manifest(tmp_path / "manifest.csv")


@pytest.mark.long
def test_the_same_arguments_give_the_same_bytes_with_any_number_of_workers(folder: Path, tmp_path: Path) -> None:
    first = contents(folder)
    write_spine_dataset(tmp_path / "two", **{**SMALL, "workers": 2})
    second = contents(tmp_path / "two")
    assert first == second
    ensure_spine_dataset(tmp_path / "two", **{**SMALL, "seed": 1})
    assert contents(tmp_path / "two")["manifest.csv"] == first["manifest.csv"]
    name = "train/reference/reference-train-0000.nii.gz"
    assert contents(tmp_path / "two")[name] != first[name]


def test_a_complete_dataset_is_left_alone(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.nii.gz")}
    ensure_spine_dataset(folder, **SMALL)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.nii.gz")} == before


def test_options_decide_labels_pairs_and_strength(tmp_path: Path) -> None:
    small = {**SMALL, "anatomies_per_site": {"test": 1}, "paired": False}
    table = pd.read_csv(ensure_spine_dataset(tmp_path / "classes", **small, labels="classes", strength=0.0))
    assert set(table.split) == {"test"}
    mask = np.asarray(nibabel.load(tmp_path / "classes" / table["mask"][0]).dataobj)
    assert set(np.unique(mask)) >= {0, 1, 2, 3}
    (name,) = table[table.site == "exported"].file
    image = np.asarray(nibabel.load(tmp_path / "classes" / name).dataobj)
    assert image.min() < -1000, "at strength 0 the export is the reference"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sites": ("site_x",)}, "site_x"),
        ({"sites": ("sharp", "sharp")}, "none twice"),
        ({"anatomies_per_site": {"truth": 1}}, "unknown splits"),
        ({"anatomies_per_site": {"train": 0}}, "at least one patient"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"file_format": "png"}, "expected one of"),
        ({"labels": "bones"}, "'bones'"),
        ({"shape": (4, 4, 4)}, "8 or more"),
        ({"spacing": (1.0, 1.0, 40.0)}, "0.3 to 10"),
        ({"strength": 9.0}, "strength must be"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ensure_spine_dataset(tmp_path, **{**SMALL, **options})
    assert not list(tmp_path.iterdir())


def test_bundles_get_phantoms_or_the_users_data(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def make(default_dir: Path, **options: object) -> Path:
        asked.update(options, folder=default_dir)
        return folder / "manifest.csv"

    monkeypatch.setattr(default_data, "ensure_spine_dataset", make)
    assert len(SPINE.manifest(None, None, tmp_path).records) == 6
    assert asked == {"folder": tmp_path, "sites": default_data.SPINE_SITES}
    asked.clear()
    inputs = SPINE.inputs(None, None, folder, tmp_path, "exported", "test")
    assert [Path(item["image"]).parent for item in inputs.items] == [folder / "test" / "exported"]
    assert asked == {}
