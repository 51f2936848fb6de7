"""Formats by content, readers, and the image files of a folder."""

import nibabel
import numpy as np
import pytest
from PIL import Image

from monai_harmonize.data.dicom_reader import DicomRadiographReader
from monai_harmonize.data.dicom_series_reader import DicomSeriesReader
from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.formats import find_images, find_volumes, reader_for, sniff_format
from monai_harmonize.data.nifti import NiftiRadiographReader
from monai_harmonize.data.png_reader import PngRadiographReader


@pytest.fixture
def folder(tmp_path, make_dicom, ramp):
    """One file of every format, with names that say nothing."""
    grey = Image.fromarray(ramp.astype(np.uint8))
    make_dicom(tmp_path / "dicom", ramp)
    grey.save(tmp_path / "png", format="PNG")
    grey.save(tmp_path / "jpeg", format="JPEG")
    for version, kind in enumerate((nibabel.Nifti1Image, nibabel.Nifti2Image), start=1):
        for suffix in ("nii", "nii.gz"):
            nibabel.save(kind(ramp, np.eye(4)), tmp_path / f"nifti{version}.{suffix}")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found", "reader"),
    [
        ("dicom", "dicom", DicomRadiographReader),
        ("png", "png", PngRadiographReader),
        ("jpeg", "jpeg", PngRadiographReader),
        ("nifti1.nii", "nifti", NiftiRadiographReader),
        ("nifti1.nii.gz", "nifti", NiftiRadiographReader),
        ("nifti2.nii", "nifti", NiftiRadiographReader),
        ("nifti2.nii.gz", "nifti", NiftiRadiographReader),
    ],
)
def test_format_by_content(folder, name, found, reader):
    assert sniff_format(folder / name) == found
    assert type(reader_for(folder / name)) is reader


def test_content_wins_over_the_suffix(folder):
    (folder / "png").rename(folder / "film.dcm")
    assert sniff_format(folder / "film.dcm") == "png"


def test_voi_goes_to_the_dicom_reader(folder):
    assert reader_for(folder / "dicom", apply_voi=True).apply_voi is True


@pytest.mark.parametrize("content", [b"", b"patient,site\n", b"\x1f\x8b\x08\x00 no gzip", b"\x89PNG"])
def test_unknown_content(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    assert sniff_format(path) is None
    with pytest.raises(ImageFileError, match="not a DICOM, PNG, JPEG or NIfTI image"):
        reader_for(path)


def test_data_set_without_preamble_goes_by_its_suffix(tmp_path):
    (tmp_path / "old.DCM").write_bytes(b"\x08\x00\x05\x00")
    assert sniff_format(tmp_path / "old.DCM") == "dicom"


def test_missing_file(tmp_path):
    for ask in (sniff_format, reader_for, find_images):
        with pytest.raises(ImageFileError, match="no such file"):
            ask(tmp_path / "none.png")


def test_images_of_folders_and_files_sorted_and_once(folder):
    deep = folder / "b" / "a"
    deep.mkdir(parents=True)
    (folder / "png").rename(deep / "film.png")
    (folder / ".hidden").mkdir()
    (folder / "jpeg").rename(folder / ".hidden" / "film.jpg")
    (folder / "dicom").rename(folder / "DICOMDIR")
    (folder / "a.certificate.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "._film.png").write_bytes((deep / "film.png").read_bytes())
    (folder / "README.txt").write_text("no image")
    (folder / "broken.png").write_bytes(b"")
    names = [str(path.relative_to(folder)) for path in find_images([deep / "film.png", folder])]
    assert names == [
        "b/a/film.png",
        "broken.png",  # for the reader to report, never left out in silence
        "nifti1.nii",
        "nifti1.nii.gz",
        "nifti2.nii",
        "nifti2.nii.gz",
    ]


def test_a_hidden_parent_of_the_folder_does_not_hide_it(tmp_path):
    home = tmp_path / ".cache" / "films"
    home.mkdir(parents=True)
    Image.new("L", (2, 2)).save(home / "a.png")
    assert find_images(str(home)) == [home / "a.png"]


def test_folder_without_images(tmp_path):
    (tmp_path / "README.txt").write_text("no image")
    with pytest.raises(ImageFileError, match=f"{tmp_path}: the folder holds no DICOM, PNG, JPEG or NIfTI image"):
        find_images(tmp_path)


def test_results_within_an_input_folder_are_no_inputs(tmp_path):
    for name in ("a.png", "out/a.png", "output/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n")
    names = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path, exclude=tmp_path / "out")]
    assert names == ["a.png", "output/b.png"]
    assert len(find_images(tmp_path, exclude=tmp_path)) == len(find_images(tmp_path, exclude=tmp_path.parent)) == 3
    assert find_images(tmp_path / "out" / "a.png", exclude=tmp_path / "out") == [tmp_path / "out" / "a.png"]


def test_no_input_at_all():
    with pytest.raises(InputError, match="no input is given"):
        find_images([])


def test_a_folder_is_one_series(tmp_path, make_series):
    make_series(tmp_path / "ct")
    assert type(reader_for(tmp_path / "ct")) is DicomSeriesReader
    assert reader_for(str(tmp_path / "ct"), apply_voi=True).apply_voi is True


def test_volumes_are_folders_of_slices_and_single_files(tmp_path, make_series):
    for name in ("a", "b/late", "b/early"):
        make_series(tmp_path / name)
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)), tmp_path / "b" / "scan.nii.gz")
    names = [path.relative_to(tmp_path).as_posix() for path in find_volumes(tmp_path)]
    assert names == ["a", "b/early", "b/late", "b/scan.nii.gz"]
    assert find_volumes([tmp_path / "a"]) == [tmp_path / "a"]
    assert find_volumes(tmp_path, exclude=tmp_path / "b") == [tmp_path / "a"]
    assert find_volumes(tmp_path / "a" / "001.dcm") == [tmp_path / "a" / "001.dcm"]
    with pytest.raises(ImageFileError, match="no such file"):
        find_volumes(tmp_path / "none")


def test_links_to_nothing_are_listed_for_their_reader_to_report(tmp_path, make_series):
    make_series(tmp_path / "ct")
    Image.new("L", (2, 2)).save(tmp_path / "here.png")
    for name in ("film.png", "IM0001", "scan.nii", "notes.txt", "ct/missing", "ct/preview.png", ".hidden"):
        (tmp_path / name).symlink_to(tmp_path / "annex" / "object")
    (tmp_path / "round.png").symlink_to("round.png")
    names = [path.relative_to(tmp_path).as_posix() for path in find_volumes(tmp_path)]
    assert names == ["IM0001", "ct", "ct/preview.png", "film.png", "here.png", "round.png", "scan.nii"]
    images = {path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)}
    assert {"IM0001", "ct/missing", "film.png", "round.png"} < images
    assert not {"notes.txt", ".hidden"} & images
    for path in (tmp_path / "film.png", tmp_path / "IM0001"):
        for ask in (reader_for, find_images):
            with pytest.raises(ImageFileError, match="is a link to a file that is not there"):
                ask(path)
    with pytest.raises(ImageFileError, match="missing: is a link to a file that is not there"):
        DicomSeriesReader().read(tmp_path / "ct")
    (tmp_path / "ct" / "missing").unlink()
    assert len(DicomSeriesReader().read(tmp_path / "ct").slices) > 1


def test_linked_folders_are_followed_once(tmp_path):
    for name in ("elsewhere/a.png", "data/b.png", "data/sub/c.png", "results/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(tmp_path / name)
    data = tmp_path / "data"
    (data / "a_link").symlink_to(tmp_path / "elsewhere")
    (data / "a_twin").symlink_to(data / "sub")
    (data / "sub" / "loop").symlink_to(data)
    (data / "out").symlink_to(tmp_path / "results")
    (tmp_path / "elsewhere" / "back").symlink_to(data)
    found = [path.relative_to(data).as_posix() for path in find_images(data, exclude=tmp_path / "results")]
    assert found == ["a_link/a.png", "b.png", "sub/c.png"]
    (tmp_path / "entrance").symlink_to(data)
    assert len(find_images(tmp_path / "entrance", exclude=tmp_path / "results")) == 3


def test_earlier_results_are_left_out_and_told(tmp_path, caplog):
    for name in ("a.png", "out/a.png", "out/deep/b.png", "output/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2)).save(tmp_path / name)
    for name in ("out", "now"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "certificates.csv").touch()
    names = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path, exclude=tmp_path / "now")]
    assert names == ["a.png", "output/b.png"]
    assert len(caplog.records) == 1
    assert f"{tmp_path / 'out'}: holds results (certificates.csv) and is left out" in caplog.text
    # Who names the folder means it.
    assert len(find_images(tmp_path / "out")) == 2
