"""The query of the command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.data import InputError
from monai_harmonize.pacs.query import parse_query


def test_keywords_and_values() -> None:
    given = ["Modality=CR", " StudyDate = 20240101-", "PatientID=a=b", "StudyDescription=THORAX*", "StationName=??"]
    expected = {"Modality": "CR", "StudyDate": "20240101-", "PatientID": "a=b", "StudyDescription": "THORAX*"}
    expected["StationName"] = "??"
    assert parse_query(given) == expected


@pytest.mark.parametrize("dates", ["20240101", "20240101-20240131", "20240101-", "-20240131"])
def test_dates_and_ranges(dates: str) -> None:
    assert parse_query([f"StudyDate={dates}"]) == {"StudyDate": dates}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "whole archive"),
        (["Modality:CR"], "no '='"),
        (["Modalty=CR"], "Modality"),
        (["modality=CR"], "did you mean Modality"),
        (["BodyPart=CHEST"], "BodyPartExamined"),
        (["limit=5"], "no keyword of DICOM"),
        (["qqqqqqq=5"], "expected one such as Modality"),
        (["Modality="], "no value"),
        (["Modality=*"], "no value"),
        (["Modality=?*"], "no value"),
        (["PatientName=**"], "no value"),
        (["Modality=CR", "Modality=DX"], "twice"),
        (["StudyDate=2024-01-01"], "YYYYMMDD"),
        (["StudyDate=20240101-20240131-"], "YYYYMMDD"),
        (["PixelData=1"], "no value that can be searched"),
        (["RequestAttributesSequence=1"], "no value that can be searched"),
    ],
)
def test_what_cannot_be_asked(given: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_query(given)


@given(st.text())
def test_a_value_is_never_repeated(text: str) -> None:
    secret = "SECRET^" + text
    for query in (f"PatientNam={secret}", f"StudyDate={secret}", f"=={secret}"):
        with pytest.raises(InputError) as caught:
            parse_query([query])
        assert "SECRET" not in str(caught.value)
