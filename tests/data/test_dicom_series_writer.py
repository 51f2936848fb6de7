"""A derived series: one new series, its source's geometry and HU, read back by pydicom and ITK."""

from datetime import datetime

import numpy as np
import pydicom
import pytest
from monai.data import ITKReader

from monai_harmonize.data.dicom_series_reader import DicomSeriesReader
from monai_harmonize.data.dicom_series_writer import copy_series, remove_series, write_derived_series
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.writer_contract import Maker

KEPT = (
    "StudyInstanceUID",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "InstanceNumber",
    "RescaleSlope",
    "RescaleIntercept",
    "WindowCenter",
    "WindowWidth",
    "BitsStored",
    "PixelRepresentation",
)


def load(path):
    reader = DicomSeriesReader()
    volume, meta = reader.get_data(reader.read(path))
    return volume, {**meta, "filename_or_obj": str(path)}


def headers(folder):
    return {path.name: pydicom.dcmread(path) for path in sorted(folder.iterdir())}


def test_identity_round_trip(tmp_path, make_series) -> None:
    source, result = tmp_path / "ct", tmp_path / "out" / "ct"
    rescale = {1: {"RescaleSlope": 2, "RescaleIntercept": -500}}
    make_series(source, changes=rescale, SmallestImagePixelValue=None)
    volume, meta = load(source)
    write_derived_series(volume, meta, result, Maker("test 1", created=datetime(2024, 5, 6, 7, 8, 9)))
    again, new_meta = load(result)
    np.testing.assert_array_equal(again, volume)
    np.testing.assert_array_equal(new_meta["affine"], meta["affine"])
    old, new = headers(source), headers(result)
    assert list(new) == list(old)
    for name in old:
        for keyword in KEPT:
            assert new[name][keyword].value == old[name][keyword].value, keyword
        assert list(new[name].ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        assert new[name].ContentTime == "070809.000000"
        (origin,) = new[name].SourceImageSequence
        assert origin.ReferencedSOPInstanceUID == old[name].SOPInstanceUID
    (series,) = {one.SeriesInstanceUID for one in new.values()}
    assert series not in {one.SeriesInstanceUID for one in old.values()}
    instances = {one.SOPInstanceUID for one in new.values()}
    assert len(instances | {one.SOPInstanceUID for one in old.values()}) == 10
    assert not list(tmp_path.glob("out/.*"))


def test_itk_reads_the_written_series_at_the_same_place(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct")
    volume, meta = load(tmp_path / "ct")
    changed = np.rint(volume * 0.5 + 30)
    write_derived_series(changed, meta, tmp_path / "out")
    reader = ITKReader()
    values, itk_meta = reader.get_data(reader.read(tmp_path / "out"))
    np.testing.assert_array_equal(np.asarray(values), changed)
    np.testing.assert_allclose(itk_meta["affine"], meta["affine"], atol=1e-9)


def test_extremes_are_renewed_where_the_source_has_them(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct", changes={2: {"SmallestImagePixelValue": -7, "LargestImagePixelValue": 9}})
    volume, meta = load(tmp_path / "ct")
    write_derived_series(np.clip(volume, -1000, 20000) + 3, meta, tmp_path / "out")
    for name, header in headers(tmp_path / "out").items():
        if name == "003.dcm":
            stored = header.pixel_array
            assert (header.SmallestImagePixelValue, header.LargestImagePixelValue) == (stored.min(), stored.max())
            assert (header.SmallestImagePixelValue, header["LargestImagePixelValue"].VR) == (27, "SS")
        else:
            assert "SmallestImagePixelValue" not in header


def test_anonymised_slices_without_a_series_become_one(tmp_path, make_series) -> None:
    made = {}
    for patient in ("1", "2"):
        folder = tmp_path / patient
        ids = {place: {"SOPInstanceUID": f"1.2.{patient}.{place + 1}"} for place in range(5)}
        make_series(folder, changes=ids, SeriesInstanceUID="")
        volume, meta = load(folder)
        write_derived_series(volume, meta, tmp_path / "out" / patient)
        made[patient] = {one.SeriesInstanceUID for one in headers(tmp_path / "out" / patient).values()}
    assert len(made["1"]) == len(made["2"]) == 1
    assert made["1"] != made["2"]


def test_weights_and_methods_make_other_series(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct")
    volume, meta = load(tmp_path / "ct")
    makers = [Maker(), Maker("a"), Maker("a", "0" * 12), Maker("a")]
    series = []
    for place, maker in enumerate(makers):
        write_derived_series(volume, meta, tmp_path / str(place), maker)
        series.append(headers(tmp_path / str(place))["001.dcm"].SeriesInstanceUID)
    assert len(set(series)) == 3
    assert series[1] == series[3]


def test_an_earlier_result_is_replaced_and_other_files_are_not(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct")
    volume, meta = load(tmp_path / "ct")
    write_derived_series(volume, meta, tmp_path / "out")
    write_derived_series(volume + 5, meta, tmp_path / "out")
    np.testing.assert_array_equal(load(tmp_path / "out")[0], volume + 5)
    (tmp_path / "out" / "other.dcm").write_bytes(b"")
    with pytest.raises(ImageFileError, match=r"out: holds 1 other file\(s\), such as other\.dcm"):
        write_derived_series(volume, meta, tmp_path / "out")


def test_nothing_is_written_of_what_cannot_be_right(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct")
    volume, meta = load(tmp_path / "ct")
    out = tmp_path / "out"
    broken = volume.copy()
    broken[0, 0, 4] = np.nan
    for image, found, target, reason in [
        (volume[..., :4], meta, out, r"size \(4, 3, 4\)"),
        (broken, meta, out, "1 pixels .* NaN"),
        (volume, meta, tmp_path / "ct", "is the source itself"),
        (volume, {**meta, "voi_applied": True}, out, "apply_voi"),
    ]:
        with pytest.raises(ImageFileError, match=reason):
            write_derived_series(image, found, target)
    assert [path.name for path in tmp_path.iterdir()] == ["ct"]


def test_an_interrupted_write_leaves_nothing(tmp_path, make_series) -> None:
    make_series(tmp_path / "ct")
    volume, meta = load(tmp_path / "ct")
    path = tmp_path / "ct" / "002.dcm"
    dataset = pydicom.dcmread(path)
    dataset.RescaleSlope = 0
    dataset.save_as(path)
    with pytest.raises(ImageFileError, match=r"002\.dcm: RescaleSlope"):
        write_derived_series(volume, meta, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["ct"]


def test_sources_are_copied_and_results_removed_file_by_file(tmp_path, make_series) -> None:
    source, result = tmp_path / "ct", tmp_path / "out" / "ct"
    make_series(source)
    (source / "notes.txt").write_text("of the source")
    copy_series(source, result)
    assert {path.name: path.read_bytes() for path in result.iterdir()} == {
        path.name: path.read_bytes() for path in source.glob("*.dcm")
    }
    (result / "other.txt").write_text("the user's")
    with pytest.raises(ImageFileError, match=r"other\.txt"):
        copy_series(source, result)
    remove_series(source, result)
    assert [path.name for path in result.iterdir()] == ["other.txt"]
    (result / "other.txt").unlink()
    copy_series(source, result)
    remove_series(source, result)
    assert not result.exists()
    remove_series(source, result)
    assert len(list(source.iterdir())) == 6
