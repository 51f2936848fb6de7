"""CT phantoms: materials, scanners, files."""

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest

from monai_harmonize.data.errors import InputError
from monai_harmonize.phantoms.anatomy import sample_anatomy
from monai_harmonize.phantoms.ct_dataset import ensure_ct_dataset
from monai_harmonize.phantoms.ct_materials import Materials
from monai_harmonize.phantoms.ct_scanners import IODINE, SCANNERS, contrast, hounsfield, scan
from monai_harmonize.phantoms.ct_volume import voxelize
from monai_harmonize.phantoms.spectrum import CORTICAL_BONE

SMALL = {"sites": ("site_a", "site_b"), "shape": (24, 24, 8), "workers": 1, "progress": False}


@pytest.fixture(scope="module")
def patient() -> Materials:
    return voxelize(sample_anatomy(3, "none"), (48, 48, 24))


def test_tissues_have_their_hounsfield_units(patient: Materials) -> None:
    image = hounsfield(patient, replace(SCANNERS["site_b"], cupping=0.0))
    pure = (patient.bone == 0) & (patient.iodine == 0)
    assert np.median(image[pure & (patient.water > 1.04)]) == pytest.approx(50, abs=5)
    assert np.median(image[pure & (patient.water > 0.89) & (patient.water < 0.91)]) == pytest.approx(-100, abs=5)
    lung = image[pure & (patient.water > 0.1) & (patient.water < 0.4)]
    assert -900 < np.median(lung) < -650
    assert image[patient.body == 0].max() == -1000
    assert image[patient.bone > 0.3].mean() > 300
    assert 150 < np.median(image[patient.iodine > 0.0055]) < 260


def test_a_lower_voltage_raises_iodine_more_than_bone() -> None:
    iodine, bone = (contrast(table, 80) / contrast(table, 120) for table in (IODINE, CORTICAL_BONE))
    assert iodine > 1.5 > 1.35 > bone > 1.15


def test_scanners_differ_in_calibration_noise_and_padding(patient: Materials) -> None:
    images = {name: scan(patient, scanner, 0) for name, scanner in SCANNERS.items()}
    assert (images["site_a"][0, 0] == -2000).all()
    assert images["site_b"].min() == -1024
    air = patient.body[24, 2] == 0
    assert images["site_a"][24, 2][air].std() > 1.5 * images["site_c"][24, 2][air].std() > 0
    np.testing.assert_array_equal(images["site_a"], scan(patient, SCANNERS["site_a"], 0))
    assert not np.array_equal(images["site_a"], scan(patient, SCANNERS["site_a"], 1))


def test_volumes_of_one_anatomy_lie_at_every_site(tmp_path: Path) -> None:
    path = ensure_ct_dataset(tmp_path, anatomies_per_site={"train": 1, "test": 1}, **SMALL)
    table = pd.read_csv(path)
    assert table.groupby(["split", "site"]).size().to_dict() == {
        (split, site): 1 for split in ("train", "test", "truth") for site in ("site_a", "site_b")
    }
    for row in table.itertuples():
        image = nibabel.load(tmp_path / row.file)
        assert image.shape == (24, 24, 8)
        assert image.get_data_dtype() == np.int16
        assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
    before = path.stat().st_mtime_ns
    assert ensure_ct_dataset(tmp_path, anatomies_per_site={"train": 1, "test": 1}, **SMALL).stat().st_mtime_ns == before


def test_a_series_holds_the_volume(tmp_path: Path) -> None:
    for kind in ("nifti", "dicom"):
        ensure_ct_dataset(tmp_path / kind, anatomies_per_site={"test": 1}, file_format=kind, **SMALL)
    (volume,) = (tmp_path / "nifti" / "test" / "site_a").iterdir()
    wanted = np.asarray(nibabel.load(volume).dataobj)
    (series,) = (tmp_path / "dicom" / "test" / "site_a").iterdir()
    slices = [pydicom.dcmread(path) for path in sorted(series.iterdir())]
    found = np.stack([s.pixel_array.T + int(s.RescaleIntercept) for s in slices], axis=-1)
    np.testing.assert_array_equal(found, wanted)
    assert len({s.SeriesInstanceUID for s in slices}) == 1
    heights = [float(s.ImagePositionPatient[2]) for s in slices]
    np.testing.assert_allclose(np.diff(heights), slices[0].SliceThickness, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sites": ("site_x",)}, "site_x"),
        ({"sites": ("site_a", "site_a")}, "none twice"),
        ({"anatomies_per_site": {"truth": 1}}, "unknown splits"),
        ({"anatomies_per_site": {"train": 0}}, "at least one patient"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"file_format": "png"}, "expected one of"),
        ({"shape": (4, 4, 4)}, "8 or more"),
    ],
)
def test_wrong_options_are_told(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ensure_ct_dataset(tmp_path, **{**SMALL, **options})
