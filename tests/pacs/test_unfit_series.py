"""Series that cannot or should not be harmonized stop no other one, and nothing of them is stored."""

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import generate_uid

from monai_harmonize.pacs.kinds import why_not
from tests.pacs.results import images, outcomes, report

SITE_CURVE = ("--bundle", "site_curve_ct", "--panels", "none")
CT, CR, SEGMENTATION, PDF = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "1", "66.4", "104.1"))


def broken(path: Path, fault: str) -> None:
    dataset = pydicom.dcmread(path)
    if fault == "truncated":
        dataset.PixelData = dataset.PixelData[: len(dataset.PixelData) // 2 // 2 * 2]
    elif fault == "frames":
        dataset.NumberOfFrames = 2
        dataset.PixelData = dataset.PixelData * 2
    elif fault == "syntax":
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG2
        dataset.PixelData = pydicom.encaps.encapsulate([b"no film"])
        dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path)


@pytest.mark.parametrize("fault", ["truncated", "frames", "syntax"])
def test_a_bad_instance_stops_no_other_series(pacs, judged, orthanc, films, tmp_path: Path, fault: str) -> None:
    broken(films[1], fault)
    orthanc.put(*films)
    done = pacs(orthanc.url, "--store", "--overlay", judged("pass"))
    assert done.exit_code == 1
    assert outcomes(tmp_path / "out") == {"stored": 2, "failed": 1}
    (row,) = [row for row in report(tmp_path / "out") if row["outcome"] == "failed"]
    assert row["series"] == pydicom.dcmread(films[1]).SeriesInstanceUID
    assert row["error"]
    assert ".fetched" not in row["error"]
    assert "Traceback" not in done.output
    assert done.output.count(row["error"]) == 1
    assert len(orthanc.held()) == 5
    assert not (tmp_path / "out" / row["folder"]).exists()


def test_a_volume_without_one_of_its_slices_is_left_alone(pacs, orthanc, curve, volume, films, tmp_path: Path) -> None:
    overlay = tmp_path / "series.json"
    overlay.write_text('{"series": true}')
    orthanc.put(*volume[:2], *volume[3:])
    given = (orthanc.url, "--store", "--checkpoint", curve, *SITE_CURVE, "--overlay", overlay)
    done = pacs(*given, query="Modality=CT")
    assert done.exit_code == 1
    assert "missing slice" in report(tmp_path / "out")[0]["error"]
    assert len(orthanc.held()) == 1
    assert images(tmp_path / "out") == {}
    # The slice comes late, and the series is done.
    orthanc.put(volume[2])
    assert pacs(*given, query="Modality=CT").exit_code == 0
    assert outcomes(tmp_path / "out") == {"stored": 1}


@pytest.mark.parametrize(
    ("modality", "classes", "wanted", "fits"),
    [
        ("CR", [CR], "CR", True),
        ("DX", ["1.2.840.10008.5.1.4.1.1.1.1"], "CR", True),
        ("OT", ["1.2.840.10008.5.1.4.1.1.7"], "CR", True),
        ("CT", [CT], "CR", False),
        ("CT", [CT], "CT", True),
        ("CR", [CR], "CT", False),
        ("MR", [CT], "CT", False),
        ("", ["", "1.2.3"], "CR", True),
        ("US", ["1.2.3"], "", True),
        ("US", [CR], "n/a", True),
        ("SEG", [SEGMENTATION], "", False),
        ("CT", [CT, SEGMENTATION], "CT", False),
        ("", [PDF], "CR", False),
    ],
)
def test_what_a_bundle_is_for(modality: str, classes: list[str], wanted: str, fits: bool) -> None:
    assert (why_not(modality, classes, wanted) == "") == fits


def test_masks_reports_and_other_modalities_are_left_alone(pacs, judged, orthanc, films, tmp_path: Path) -> None:
    """A query by date finds all that an archive has of a day."""
    for film, kind, modality in ((films[1], SEGMENTATION, "SEG"), (films[2], CT, "CT")):
        dataset = pydicom.dcmread(film)
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = kind
        dataset.Modality = modality
        dataset.save_as(film)
    document = pydicom.dcmread(films[0])
    del document.PixelData
    document.SOPClassUID = document.file_meta.MediaStorageSOPClassUID = PDF
    document.SOPInstanceUID = document.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    document.SeriesInstanceUID, document.Modality = generate_uid(), "DOC"
    document.save_as(tmp_path / "document.dcm")
    orthanc.put(*films, tmp_path / "document.dcm")
    for arguments in (("--dry-run",), ("--store",)):
        done = pacs(orthanc.url, *arguments, "--overlay", judged("pass"), query="StudyDate=20240101-")
        assert done.exit_code == 0, done.output
        assert done.output.count("other kind") == 4  # three lines and a column
    assert outcomes(tmp_path / "out") == {"stored": 1, "other kind": 3}
    told = {row["modality"]: row["error"] for row in report(tmp_path / "out")}
    assert "no images" in told["SEG"]
    assert "no images" in told["DOC"]
    assert "the bundle is for CR" in told["CT"]
    assert len(orthanc.held()) == 5
