"""What a user is told, before anything is asked and afterwards, and what nobody is told."""

import json
import sys
from pathlib import Path

import pydicom

from monai_harmonize.cli.alone import alone_in
from tests.pacs.results import outcomes, report


def test_a_password_is_needed_and_never_told(pacs, judged, start_orthanc, films, tmp_path: Path, monkeypatch) -> None:
    server = start_orthanc(AuthenticationEnabled=True, RegisteredUsers={"me": "hush-hush"})
    server.auth = ("me", "hush-hush")
    server.put(*films)
    told = []
    for user, password in [(None, None), ("me", "wrong-wrong"), ("me", "hush-hush")]:
        if user:
            monkeypatch.setenv("MONAI_HARMONIZE_PACS_USER", user)
            monkeypatch.setenv("MONAI_HARMONIZE_PACS_PASSWORD", password)
        done = pacs(server.url, "--overlay", judged("pass"))
        told.append(done.output)
        if password == "hush-hush":
            assert done.exit_code == 0
        else:
            assert done.exit_code == 2
            assert "MONAI_HARMONIZE_PACS_USER" in done.output
            assert not (tmp_path / "out").exists()
    assert outcomes(tmp_path / "out") == {"written": 3}
    texts = [path.read_text() for path in (tmp_path / "out").rglob("*") if path.suffix in (".csv", ".json")]
    assert not any(secret in text for text in (*told, *texts) for secret in ("hush-hush", "wrong-wrong"))
    # A file for all programs does as well.
    monkeypatch.delenv("MONAI_HARMONIZE_PACS_USER")
    monkeypatch.delenv("MONAI_HARMONIZE_PACS_PASSWORD")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush-hush\n")
    assert pacs(server.url, "--dry-run").exit_code == 0


def test_nothing_tells_of_a_patient(pacs, judged, orthanc, films, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(films[1])
    dataset.PixelData = dataset.PixelData[:100]
    dataset.save_as(films[1])
    orthanc.put(*films)
    done = pacs(orthanc.url, "--store", "--overlay", judged("fail"), "--panels", "none", query="PatientName=SECRET*")
    assert done.exit_code == 1
    names = [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*")]
    texts = [path.read_text() for path in (tmp_path / "out").rglob("*") if path.suffix in (".csv", ".json")]
    assert len(texts) >= 5
    for text in (*texts, *names, done.output):
        assert not any(secret in text for secret in ("SECRET", "19010203", "20240101"))
    # UIDs are in the report only.
    uid = pydicom.dcmread(films[0]).SeriesInstanceUID
    assert uid in (tmp_path / "out" / "pacs.csv").read_text()
    assert not any(uid in text for text in (*names, done.output))


def test_addresses_that_lead_nowhere(pacs, orthanc, films, tmp_path: Path) -> None:
    orthanc.put(*films)
    root = orthanc.url.removesuffix("/dicom-web")
    for url, words in [
        (f"{root}/nowhere", "dicom-web"),
        (f"{root}/app/explorer.html", "dicom-web"),
        ("http://127.0.0.1:9/dicom-web", "no connection"),
        ("http://me:hush@127.0.0.1/dicom-web", "MONAI_HARMONIZE_PACS_PASSWORD"),
    ]:
        done = pacs(url, "--attempts", "1")
        assert done.exit_code == 2, done.output
        assert words in done.output
        assert "Traceback" not in done.output
        assert "hush" not in done.output
    assert not (tmp_path / "out").exists()


def test_no_series_is_no_error(pacs, orthanc, films, tmp_path: Path) -> None:
    orthanc.put(*films)
    done = pacs(orthanc.url, "--store", query="Modality=MG")
    assert done.exit_code == 0
    assert "No series matches" in done.stdout
    assert not (tmp_path / "out").exists()


def test_wrong_queries_and_bundles_are_told_before_anything_is_asked(pacs, tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9/dicom-web"
    for arguments, words in [
        ({"query": "Modalty=CR"}, "did you mean Modality"),
        ({"query": "StudyDate=2024-01-01"}, "YYYYMMDD"),
    ]:
        done = pacs(nowhere, **arguments)
        assert done.exit_code == 2
        assert words in done.output
    (tmp_path / "model.pt").touch()
    done = pacs(nowhere, "--bundle", "lung_segmentation_cxr", "--checkpoint", tmp_path / "model.pt")
    assert done.exit_code == 2
    assert "no harmonizer" in done.output
    done = pacs(nowhere, "--checkpoint", tmp_path / "missing.pt")
    assert done.exit_code == 2
    assert "no trained weights" in done.output


def test_two_runs_do_not_share_a_folder(pacs, orthanc, films, tmp_path: Path) -> None:
    orthanc.put(films[0])
    (tmp_path / "out").mkdir()
    with alone_in(tmp_path / "out"):
        done = pacs(orthanc.url)
    assert done.exit_code == 2
    assert "another command works there just now" in done.output
    assert pacs(orthanc.url).exit_code == 0


def test_the_library_is_asked_for_where_it_is_missing(pacs, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "dicomweb_client", None)
    done = pacs("http://127.0.0.1:9/dicom-web")
    assert done.exit_code == 2
    assert "pip install monai-harmonize[pacs]" in done.output


def test_a_server_cannot_put_a_name_into_the_report(pacs, orthanc, proxy_of, films, tmp_path: Path) -> None:
    """Nor a formula for a spreadsheet, nor a code that colours a terminal."""
    orthanc.put(films[0])
    proxy = proxy_of(orthanc)
    (record,) = orthanc.rest("/dicom-web/series").json()
    for text in ("SECRET^NAME", "=1+2", "\x1b[31m", {"Alphabetic": "SECRET"}):
        record["00080060"] = {"vr": "CS", "Value": [text]}
        answer = (200, {"Content-Type": "application/dicom+json"}, json.dumps([record]).encode())
        proxy.rule = lambda method, path, answer=answer: answer if path.startswith("/dicom-web/series") else None
        done = pacs(proxy.url)
        assert done.exit_code == 0, done.output
        (row,) = report(tmp_path / "out")
        assert row["modality"] == ""
        assert not any(part in done.output for part in ("SECRET", "=1", "[31m"))


def test_a_password_does_not_follow_a_redirection(pacs, orthanc, proxy_of, monkeypatch) -> None:
    monkeypatch.setenv("MONAI_HARMONIZE_PACS_TOKEN", "hush-hush")
    asked, elsewhere = proxy_of(orthanc), proxy_of(orthanc)
    for status in (301, 302, 303, 307, 308):
        answer = (status, {"Location": f"{elsewhere.url}/series"}, b"")
        asked.rule = lambda method, path, answer=answer: answer
        done = pacs(asked.url)
        assert done.exit_code == 2
        assert "sends elsewhere" in done.output
        assert "hush" not in done.output
    assert len(asked.seen) == 5
    assert elsewhere.seen == []


def test_options_out_of_range_are_refused(pacs) -> None:
    for option, value in (("--limit", "0"), ("--limit", "-1"), ("--attempts", "0"), ("--timeout", "0")):
        assert pacs("http://127.0.0.1:9/dicom-web", option, value).exit_code == 2
    for value in ("inf", "nan", "1e12"):
        done = pacs("http://127.0.0.1:9/dicom-web", "--timeout", value)
        assert done.exit_code == 2
        assert "Invalid value for '--timeout'" in done.output
