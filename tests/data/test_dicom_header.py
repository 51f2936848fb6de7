"""Which DICOM images are refused, and that the reason names the file, the tag and the value."""

import pytest
from pydicom import dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from monai_harmonize.data.dicom_header import PixelFormat, damaged_values_named, whole_number
from monai_harmonize.data.errors import ImageFileError

REFUSED = {
    "colour": (
        {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},
        "SamplesPerPixel (0028,0002) is 3",
    ),
    "palette": ({"PhotometricInterpretation": "PALETTE COLOR"}, "(0028,0004) is PALETTE COLOR"),
    "unknown polarity": ({"PhotometricInterpretation": "SECRET"}, "(0028,0004) is missing or no defined term"),
    "no polarity": ({"PhotometricInterpretation": None}, "(0028,0004) is missing or no defined term"),
    "frames": ({"NumberOfFrames": 2}, "NumberOfFrames (0028,0008) is 2"),
    "enhanced": (
        {"PerFrameFunctionalGroupsSequence": [Dataset()], "NumberOfFrames": 1},
        "PerFrameFunctionalGroupsSequence (5200,9230) is present; an enhanced image of 1 frames",
    ),
    "no pixels": ({"PixelData": None}, "PixelData (7FE0,0010) is missing"),
    "floats": ({"FloatPixelData": b"\0" * 48}, "FloatPixelData (7FE0,0008)"),
    "32 bit": ({"BitsAllocated": 32}, "BitsAllocated (0028,0100) is 32"),
    "more bits than room": ({"BitsStored": 17}, "BitsStored (0028,0101) is 17"),
    "high bit": ({"BitsStored": 12, "HighBit": 10}, "HighBit (0028,0102) is 10"),
    "sign": ({"PixelRepresentation": 2}, "PixelRepresentation (0028,0103) is 2"),
    "no rows": ({"Rows": 0}, "Rows (0028,0010) is 0"),
    "no columns": ({"Columns": None}, "Columns (0028,0011) is missing"),
}


@pytest.mark.parametrize(("header", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_images_name_file_tag_and_value(tmp_path, make_dicom, ramp, header, reason):
    path = make_dicom(tmp_path / "film.dcm", ramp, **header)
    with pytest.raises(ImageFileError) as caught:
        PixelFormat.of(dcmread(path), path)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_damaged_values_are_not_shown():
    with (
        pytest.raises(ImageFileError, match=r"film\.dcm: a header value is damaged") as caught,
        damaged_values_named("film.dcm"),
    ):
        raise ValueError("SECRET^PATIENT is no date")
    assert "SECRET" not in str(caught.value)
    assert caught.value.__suppress_context__
    with pytest.raises(ImageFileError, match="own reason"), damaged_values_named("film.dcm"):
        raise ImageFileError("film.dcm", "own reason")


def test_text_in_place_of_a_number_is_not_shown():
    dataset = Dataset()
    dataset["SeriesNumber"] = DataElement(tag_for_keyword("SeriesNumber"), "LO", "SECRET^PATIENT")
    with pytest.raises(ImageFileError, match=r"SeriesNumber \(0020,0011\) is no whole number") as caught:
        whole_number(dataset, "film.dcm", "SeriesNumber")
    assert "SECRET" not in str(caught.value)


def test_values_that_break_the_rules_are_read_and_not_logged(caplog):
    dataset = Dataset()
    dataset[0x00100030] = RawDataElement(BaseTag(0x00100030), "DA", 6, b"SECRET", 0, False, True)
    with damaged_values_named("film.dcm"):
        assert dataset.PatientBirthDate == "SECRET"
    assert not caplog.records


@pytest.mark.parametrize(
    ("bits", "signed", "expected"),
    [
        (8, 0, (0, 255)),
        (10, 0, (0, 1023)),
        (12, 1, (-2048, 2047)),
        (16, 0, (0, 65535)),
        (16, 1, (-32768, 32767)),
    ],
)
def test_stored_range_follows_from_bits_and_sign(bits, signed, expected):
    dataset = Dataset()
    dataset.update({"Rows": 1, "Columns": 1, "BitsAllocated": 16, "BitsStored": bits, "PixelRepresentation": signed})
    dataset.PhotometricInterpretation, dataset.PixelData = "MONOCHROME2", b"\0\0"
    pixels = PixelFormat.of(dataset, "film.dcm")
    assert pixels.stored_range == expected
    assert pixels.high_bit == bits - 1  # the usual place where High Bit is absent
