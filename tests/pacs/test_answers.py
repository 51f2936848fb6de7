"""Servers that answer wrongly: whatever they say, it is told what to do, and nothing of theirs is repeated."""

import json
from pathlib import Path

import pydicom
import pytest

from monai_harmonize.data import InputError
from monai_harmonize.pacs.errors import PacsError
from monai_harmonize.pacs.fetched import fetch_series
from monai_harmonize.pacs.storage import store_whole
from tests.pacs.results import outcomes
from tests.pacs.services import of, service

JSON = {"Content-Type": "application/dicom+json"}
XML = {"Content-Type": "application/dicom+xml"}
PARTS = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, {"Content-Type": "text/html"}, b"<html>SECRET</html>"), "no DICOMweb"),
        ((200, {"Content-Type": "application/json"}, b'{"a": 1}'), "no DICOMweb"),
        ((200, {"Content-Type": "application/json"}, b'[{"0020000E": {"Value": ["../x"]}}]'), "no DICOMweb"),
        ((200, {"Content-Type": "application/json"}, b'[{"0020000E": {"Value": [".."]}}]'), "no DICOMweb"),
        ((200, {"Content-Type": "application/json"}, b'[{"00080018": {"Value": ["1.2.3"]}}]'), "no DICOMweb"),
        ((200, {"Content-Type": "application/json"}, b"[1]"), "no DICOMweb"),
        ((200, {"Content-Type": "application/json"}, b"5"), "no DICOMweb"),
        ((200, {"Content-Type": "application/json"}, b"null"), "no DICOMweb"),
        ((200, {"Content-Type": "application/json"}, b"[" * 100_000), "no DICOMweb"),
        ((302, {"Location": "http://127.0.0.1:1/SECRET"}, b""), "sends elsewhere"),
        ((401, {}, b"SECRET"), "MONAI_HARMONIZE_PACS_USER"),
        ((403, {}, b""), "ask its administrator"),
        ((400, {}, b""), "check --query"),
        ((500, {}, b"SECRET"), "its log tells why"),
        ((503, {"Retry-After": "Fri, 31 Dec 99999 23:59:59 GMT"}, b"SECRET"), "try again later"),
        ((599, {}, b""), "599 unknown status"),
    ],
)
def test_answers_that_are_none_are_named(orthanc, proxy_of, answer, message: str) -> None:
    proxy = proxy_of(orthanc)
    proxy.rule = lambda method, path: answer
    asked = service(proxy.url)
    assert not asked.answers("1.2")
    with pytest.raises(PacsError, match=message) as caught:
        asked.series({"PatientName": "SECRET"})
    assert "SECRET" not in str(caught.value)
    assert isinstance(caught.value, InputError)


def test_an_answer_that_is_no_series_is_named(orthanc, proxy_of, films, tmp_path: Path) -> None:
    proxy = proxy_of(orthanc)
    for answer in (
        (200, {"Content-Type": "text/html"}, b"<html></html>"),
        (200, {"Content-Type": 'multipart/related; type="application/dicom"; boundary=x'}, b"--x\r\n\r\nno\r\n--x--"),
    ):
        proxy.rule = lambda method, path, answer=answer: answer
        with pytest.raises(PacsError, match="part 1 of the answer is no DICOM instance"):
            fetch_series(service(proxy.url), of(films[0]), ["1.2.3"], tmp_path / "in")


def test_what_is_sent_must_be_what_was_asked_for(orthanc, proxy_of, films, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(films[0])
    names = {str(dataset.SOPInstanceUID)}
    whole = films[0].read_bytes()
    dataset[0x0018A001] = pydicom.DataElement(0x0018A001, "OB", b"\xff" * 34)
    dataset.save_as(films[0])
    damaged = films[0].read_bytes()
    proxy = proxy_of(orthanc)
    for headers, contents, message in (
        (PARTS, [whole, whole], "an instance twice"),
        (PARTS, [films[1].read_bytes()], "not of the series"),
        (PARTS, [], "1 fewer"),
        (PARTS, [damaged], "header of an instance is damaged"),
        (JSON, [b"[]"], "no DICOM instance"),
        ({}, [whole], "no DICOM instance"),
    ):
        parts = b"".join(b"--x\r\nContent-Type: application/dicom\r\n\r\n" + each + b"\r\n" for each in contents)
        proxy.rule = lambda method, path, answer=(200, headers, parts + b"--x--" if parts else b""): answer
        with pytest.raises(PacsError, match=message):
            fetch_series(service(proxy.url), of(films[0]), names, tmp_path / "in")


def refusing(*codes: int) -> bytes:
    """A STOW answer by which the server refuses an instance for each Failure Reason."""
    items = [
        {"00081197": {"vr": "US", "Value": [code]}, "00081155": {"vr": "UI", "Value": ["1.2.3"]}} for code in codes
    ]
    return json.dumps({"00081198": {"vr": "SQ", "Value": items}}).encode()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((200, JSON, refusing(0xA700)), r"1 instance\(s\): it is out of room \(A700H\)"),
        ((202, JSON, refusing(0xC123, 0xA901, 0xC123)), r"3 instance\(s\): they do not fit .* \(A901H\); .*C123H"),
        ((200, JSON, refusing(0x0122, 0x7777)), r"kind of object \(0122H\); its log tells why \(7777H\)"),
        ((200, XML, b"<html"), "no DICOMweb"),
        ((200, JSON, b"[1]"), "no DICOMweb"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "took nothing and gave no reason"),
        ((204, {}, b""), "took nothing and gave no reason"),
        ((429, {"Retry-After": "1000"}, b""), "try again later"),
    ],
)
def test_a_store_that_is_refused_tells_the_servers_reason(orthanc, proxy_of, films, answer, message: str) -> None:
    proxy = proxy_of(orthanc)
    proxy.rule = lambda method, path: answer if method == "POST" else None
    series, name = of(films[0]), str(pydicom.dcmread(films[0]).SOPInstanceUID)
    with pytest.raises(PacsError, match=message):
        store_whole(service(proxy.url), series.study, series.uid, {name: films[0]})

    def stores(method: str, path: str):
        if method != "POST":
            return None
        orthanc.put(films[0])
        return answer

    # The same answer of a server that has stored them: what it lists counts.
    proxy.rule = stores
    store_whole(service(proxy.url), series.study, series.uid, {name: films[0]})


def test_a_server_that_does_not_list_everything_is_not_away(
    pacs, judged, orthanc, proxy_of, films, tmp_path: Path
) -> None:
    """Some refuse a search without a key, and one series that fails must not end the run then."""
    orthanc.put(*films)
    proxy = proxy_of(orthanc)
    broken = of(films[1]).uid

    def rule(method: str, path: str):
        if path.startswith("/dicom-web/series") and "Modality" not in path:
            return 400, {}, b""
        return (500, {}, b"") if path.endswith(f"/series/{broken}") else None

    proxy.rule = rule
    done = pacs(proxy.url, "--overlay", judged("pass"), "--attempts", "1")
    assert done.exit_code == 1
    assert outcomes(tmp_path / "out") == {"written": 2, "failed": 1}


def test_a_study_that_is_gone_is_no_server_that_is_away(orthanc, proxy_of, films) -> None:
    proxy = proxy_of(orthanc)
    for status, answers in ((404, True), (401, False), (503, False)):
        proxy.rule = lambda method, path, status=status: (status, {}, b"")
        assert service(proxy.url).answers(of(films[0]).study) == answers
