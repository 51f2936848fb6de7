"""The bundle's commands: one as a process of its own from the repository root, the others as workflows."""

import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest
import torch
from monai.bundle import ConfigWorkflow

from monai_harmonize.phantoms import ensure_ct_dataset
from monai_harmonize.safety.thresholds import Bar, Thresholds, load_thresholds, save_thresholds

CONFIGS = "bundles/site_curve_ct/configs"
COUNTS = {"train": 2, "validation": 1, "test": 1}
SITES = ("site_a", "site_b")


def workflow(*names: str, **options: Any) -> ConfigWorkflow:
    """The command line, in this process."""
    ready = ConfigWorkflow([f"{CONFIGS}/{name}.json" for name in names], logging_file=False, **options)
    ready.initialize()
    return ready


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ct") / "data"
    ensure_ct_dataset(folder, sites=SITES, anatomies_per_site=COUNTS, shape=(32, 32, 12), workers=1, progress=False)
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, data: Path) -> Path:
    """Bundle root with a fitted curve, by the literal command."""
    root = tmp_path_factory.mktemp("bundle")
    given = ["--config_file", f"{CONFIGS}/train.json", "--bundle_root", str(root), "--dataset_dir", str(data)]
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return root


def test_fitting_writes_a_curve_in_hounsfield_units(bundle: Path) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    knots, values = state["curve.source_levels"], state["curve.target_levels"]
    assert -1100 < float(knots[0]) < -900
    assert float(knots[-1]) > 500
    assert bool((values.diff() > 0).all())
    # Air, -988 HU at site A, is the anchor.
    assert float(values[0]) == pytest.approx(-1010, abs=30)


def test_evaluation_reports_hounsfield_units(bundle: Path, data: Path, tmp_path: Path) -> None:
    places = {"bundle_root": str(bundle), "dataset_dir": str(data), "output_dir": str(tmp_path)}
    workflow("train", "evaluate", **places, **{"validate#split": "train"}).run()
    rows = [line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines()]
    metrics = {name: float(value) for name, value in rows}
    assert metrics["site_distance_raw_hu"] > 10
    assert metrics["site_distance_hu"] < 0.5 * metrics["site_distance_raw_hu"]


def harmonize(bundle: Path, data: Path, output: Path, **options: Any) -> None:
    places = {"bundle_root": str(bundle), "dataset_dir": str(data), "output_dir": str(output)}
    workflow("inference", **places, **options).run()


def test_volumes_keep_geometry_type_and_padding(bundle: Path, data: Path, tmp_path: Path) -> None:
    harmonize(bundle, data, tmp_path)
    (source,) = (data / "test" / "site_a").glob("*.nii.gz")
    old, new = nibabel.load(source), nibabel.load(tmp_path / "test" / "site_a" / source.name)
    np.testing.assert_array_equal(old.affine, new.affine)
    assert old.get_data_dtype() == new.get_data_dtype() == np.int16
    before, after = np.asarray(old.dataobj).ravel(), np.asarray(new.dataobj).ravel()
    padding = before == -2000
    assert padding.any()
    assert (after[padding] == -2000).all()
    order = np.argsort(before[~padding], kind="stable")
    assert (np.diff(after[~padding][order].astype(int)) >= 0).all()
    assert not np.array_equal(before, after)
    assert pd.read_csv(tmp_path / "certificates.csv")["verdict"].tolist() == ["pass"]


def test_a_dicom_series_becomes_one_new_series(bundle: Path, tmp_path: Path) -> None:
    data, output = tmp_path / "data", tmp_path / "out"
    ensure_ct_dataset(
        data, sites=SITES, anatomies_per_site={"test": 1}, shape=(32, 32, 8), file_format="dicom", workers=1,
        progress=False,
    )  # fmt: skip
    (series,) = (data / "test" / "site_a").iterdir()
    harmonize(bundle, data, output, input=str(series))
    sources, written = (sorted(folder.glob("*.dcm")) for folder in (series, output))
    assert [path.name for path in sources] == [path.name for path in written]
    assert len(written) == 8
    old, new = ([pydicom.dcmread(path) for path in paths] for paths in (sources, written))
    assert len({slice_.SeriesInstanceUID for slice_ in new}) == 1
    assert len({slice_.SOPInstanceUID for slice_ in new} | {slice_.SOPInstanceUID for slice_ in old}) == 16
    assert new[0].SeriesInstanceUID != old[0].SeriesInstanceUID
    curve = pd.read_csv(output / "certificates.csv")
    assert curve["verdict"].isin(["pass"]).all()
    for before, after in zip(old, new, strict=True):
        for keyword in ("RescaleSlope", "RescaleIntercept", "ImagePositionPatient", "PixelSpacing", "WindowCenter"):
            assert before[keyword].value == after[keyword].value, keyword
        padding = before.pixel_array == -976  # -2000 HU
        assert padding.any()
        np.testing.assert_array_equal(after.pixel_array[padding], -976)


def test_a_bad_volume_does_not_stop_the_good_one(bundle: Path, data: Path, tmp_path: Path, caplog) -> None:
    (source,) = (data / "test" / "site_a").glob("*.nii.gz")
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "good.nii.gz").write_bytes(source.read_bytes())
    (folder / "cut.nii.gz").write_bytes(source.read_bytes()[:900])
    ready = workflow("inference", bundle_root=str(bundle), input=str(folder), output_dir=str(output))
    ready.run()
    assert "1 of 2 files failed" in caplog.text
    assert "cut.nii.gz: truncated or damaged" in caplog.text
    assert [path.name for path in output.glob("*.nii.gz")] == ["good.nii.gz"]
    with pytest.raises(SystemExit) as ended:
        ready.finalize()
    assert ended.value.code == 1


def stored_without_rescale(source: Path, destination: Path) -> Path:
    """A copy whose values are HU + 1024, as a scanner stores them."""
    image = nibabel.load(source)
    stored = np.clip(np.asarray(image.dataobj).astype(int) + 1024, 0, 65535).astype(np.uint16)
    destination.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(stored, image.affine), destination)
    return destination


def test_values_that_are_no_hounsfield_units(bundle: Path, data: Path, tmp_path: Path, caplog) -> None:
    (source,) = (data / "test" / "site_a").glob("*.nii.gz")
    stored = stored_without_rescale(source, tmp_path / "in" / "stored.nii.gz")
    shutil.copy(source, tmp_path / "in" / "good.nii.gz")
    harmonize(bundle, data, tmp_path / "out", input=str(tmp_path / "in"))
    assert "as of stored values without Rescale Slope and Intercept" in caplog.text
    assert "set check_unit to false" in caplog.text
    assert [path.name for path in (tmp_path / "out").glob("*.nii.gz")] == ["good.nii.gz"]
    for switched_off in (False, "false"):
        harmonize(bundle, data, tmp_path / "off", input=str(stored), check_unit=switched_off)
        assert (tmp_path / "off" / "stored.nii.gz").is_file()
        shutil.rmtree(tmp_path / "off")


def test_the_fit_takes_hounsfield_units_only(data: Path, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data, copy)
    source = min((copy / "train" / "site_a").glob("*.nii.gz"))
    stored_without_rescale(source, source)
    with pytest.raises(RuntimeError) as caught:
        workflow("train", bundle_root=str(tmp_path), dataset_dir=str(copy)).run()
    assert f"{source.name}: its values lie in" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("on_fail", ["write", "skip", "copy", "stop"])
def test_a_failed_certificate_decides(bundle: Path, data: Path, tmp_path: Path, on_fail: str) -> None:
    never = {"G0": {"clipped_pixels": Bar("at_most", -2.0, -1.0)}}
    save_thresholds(Thresholds("a test", {**load_thresholds().classes, **never}), tmp_path / "never.json")
    refused = {"postprocessing#transforms#1#thresholds": str(tmp_path / "never.json")}
    harmonize(bundle, data, tmp_path / "out", on_fail=on_fail, **refused)
    assert pd.read_csv(tmp_path / "out" / "certificates.csv")["verdict"].tolist() == ["fail"]
    written = [path.read_bytes() for path in (tmp_path / "out").rglob("*.nii.gz")]
    (source,) = (data / "test" / "site_a").glob("*.nii.gz")
    assert (written == [source.read_bytes()]) == (on_fail == "copy")
    assert bool(written) == (on_fail in ("write", "copy"))


@pytest.mark.real_data
def test_real_volume_comes_back_with_its_geometry(bundle: Path, real_data: Path, tmp_path: Path) -> None:
    source = real_data / "ct" / "verse014_ct.nii.gz"
    workflow("inference", bundle_root=str(bundle), input=str(source), output_dir=str(tmp_path)).run()
    old, new = nibabel.load(source), nibabel.load(tmp_path / source.name)
    np.testing.assert_array_equal(old.affine, new.affine)
    assert old.shape == new.shape
    (row,) = pd.read_csv(tmp_path / "certificates.csv").to_dict("records")
    assert row["verdict"] == "pass"
    assert row["gradient_agreement"] >= 0.995
    assert row["residual_rms"] <= 0.002
