"""What goes wrong on the way: nothing is half stored, nothing is there twice, and one bad series stops no other."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pydicom
import pytest

from monai_harmonize.cli.alone import alone_in
from tests.pacs.proxy import CUT_ANSWER, CUT_REQUEST
from tests.pacs.results import images, outcomes, report, same

SITE_CURVE = ("--bundle", "site_curve_ct", "--panels", "none")


def posts(proxy) -> int:
    return sum(method == "POST" for method, _ in proxy.seen)


def is_fetch(path: str) -> bool:
    return "/series/" in path and "/instances" not in path


def test_a_server_killed_while_it_gives_a_series(pacs, judged, start_orthanc, proxy_of, films, tmp_path: Path) -> None:
    server = start_orthanc()
    server.put(*films)
    proxy = proxy_of(server)
    proxy.rule = lambda method, path: CUT_ANSWER if sum(is_fetch(path) for _, path in proxy.seen) == 2 else None
    proxy.on_cut = server.kill
    given = (proxy.url, "--store", "--overlay", judged("pass"), "--attempts", "2")
    done = pacs(*given)
    assert done.exit_code == 1
    assert "goes on where it was" in done.output
    assert outcomes(tmp_path / "out") == {"stored": 1, "failed": 1}
    server.start()
    assert len(server.held()) == 4
    proxy.rule = lambda method, path: None
    done = pacs(*given)
    assert done.exit_code == 0, done.output
    assert outcomes(tmp_path / "out") == {"stored": 2, "present": 1, "own result": 1}
    held = server.held()
    assert len(held) == 6
    assert all(len(instances) == 1 for instances in held.values())


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["server", "client"])
def test_a_store_that_breaks_off_is_completed(
    pacs, model, start_orthanc, proxy_of, curve, volume, tmp_path: Path, killed: str
) -> None:
    """The PACS keeps what has come; the next run brings the same instances again."""
    server = start_orthanc()
    server.put(*volume)
    proxy = proxy_of(server)
    proxy.rule = lambda method, path: CUT_REQUEST if method == "POST" else None
    given = (proxy.url, "--store", "--checkpoint", curve, *SITE_CURVE, "--attempts", "1")
    if killed == "server":
        proxy.on_cut = server.kill
        assert pacs(*given, query="Modality=CT").exit_code == 1
        server.start()
    else:
        line = ("pacs", "--url", *given, "--query", "Modality=CT", "--output", tmp_path / "out")
        client = subprocess.Popen([sys.executable, "-m", "monai_harmonize.cli", *map(str, line)])
        proxy.on_cut = lambda: os.kill(client.pid, signal.SIGKILL)
        assert client.wait(120) == -signal.SIGKILL
    source = str(pydicom.dcmread(volume[0]).SeriesInstanceUID)
    partly = sum(len(instances) for uid, instances in server.held().items() if uid != source)
    assert partly < 6
    proxy.rule = lambda method, path: None
    done = pacs(*given, query="Modality=CT")
    assert done.exit_code == 0, done.output
    row = report(tmp_path / "out")[0]
    assert row["outcome"] == "stored"
    held = server.held()
    assert set(held) == {source, row["derived_series"]}
    assert len(held[row["derived_series"]]) == 6
    assert len({one.SOPInstanceUID for one in held[row["derived_series"]]}) == 6


def test_an_interrupted_run_goes_on(pacs, judged, orthanc, proxy_of, films, tmp_path: Path) -> None:
    orthanc.put(*films)
    proxy = proxy_of(orthanc)

    def rule(method: str, path: str) -> None:
        if sum(is_fetch(path) for _, path in proxy.seen) == 2 and is_fetch(path):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)

    proxy.rule = rule
    given = (proxy.url, "--store", "--overlay", judged("pass"))
    done = pacs(*given)
    assert done.exit_code == 130
    assert "goes on where it was" in done.output
    assert outcomes(tmp_path / "out") == {"stored": 1}
    assert not (tmp_path / "out" / ".fetched").exists()
    proxy.rule = lambda method, path: None
    assert pacs(*given).exit_code == 0
    assert outcomes(tmp_path / "out") == {"stored": 2, "present": 1, "own result": 1}


def test_a_half_stored_series_is_known_and_completed(pacs, orthanc, curve, volume, tmp_path: Path) -> None:
    orthanc.put(*volume)
    given = (orthanc.url, "--store", "--checkpoint", curve, *SITE_CURVE)
    assert pacs(*given, query="Modality=CT").exit_code == 0
    row = report(tmp_path / "out")[0]
    whole = {one.SOPInstanceUID: one for one in orthanc.held()[row["derived_series"]]}
    for name in orthanc.rest("/instances").json()[:]:
        tags = orthanc.rest(f"/instances/{name}/simplified-tags").json()
        if tags["SeriesInstanceUID"] == row["derived_series"] and tags["InstanceNumber"] in ("2", "5"):
            orthanc.rest(f"/instances/{name}", "delete")
    assert len(orthanc.held()[row["derived_series"]]) == 4
    # On another machine, where nothing of the first run is.
    done = pacs(*given, query="Modality=CT", output=tmp_path / "elsewhere")
    assert done.exit_code == 0, done.output
    assert same({one.SOPInstanceUID: one for one in orthanc.held()[row["derived_series"]]}, whole)


@pytest.mark.slow
def test_a_busy_server_is_waited_for(pacs, judged, orthanc, proxy_of, films, tmp_path: Path) -> None:
    orthanc.put(films[0])
    proxy = proxy_of(orthanc)
    busy = Counter()

    def rule(method: str, path: str):
        kind = method if method == "POST" else "fetch" if is_fetch(path) else "search"
        busy[kind] += 1
        return (503, {"Retry-After": "1"}, b"SECRET") if busy[kind] <= 2 else None

    proxy.rule = rule
    done = pacs(proxy.url, "--store", "--overlay", judged("pass"))
    assert done.exit_code == 0, done.output
    assert outcomes(tmp_path / "out") == {"stored": 1}
    assert done.stderr.count("next try in") == 6
    assert len(orthanc.held()) == 2


@pytest.mark.slow
def test_what_could_not_be_stored_is_stored_later_as_it_is(
    pacs, judged, orthanc, proxy_of, films, tmp_path: Path
) -> None:
    orthanc.put(*films)
    proxy = proxy_of(orthanc)
    proxy.rule = lambda method, path: (507, {}, b"") if method == "POST" else None
    given = (proxy.url, "--store", "--overlay", judged("pass"))
    done = pacs(*given)
    assert done.exit_code == 1
    assert outcomes(tmp_path / "out") == {"failed": 3}
    assert all("507" in row["error"] and row["verdict"] == "pass" for row in report(tmp_path / "out"))
    made = images(tmp_path / "out")
    proxy.rule = lambda method, path: None
    proxy.seen.clear()
    assert pacs(*given).exit_code == 0
    assert outcomes(tmp_path / "out") == {"stored": 3}
    assert not any(is_fetch(path) for _, path in proxy.seen)
    stored = {
        one.SOPInstanceUID: one.ContentTime
        for instances in orthanc.held().values()
        for one in instances
        if one.SOPInstanceUID in made
    }
    assert stored == {uid: one.ContentTime for uid, one in made.items()}
    # A result that was damaged in the folder is made anew.
    row = report(tmp_path / "out")[0]
    next((tmp_path / "out" / row["folder"]).glob("*.dcm")).write_bytes(b"damaged")
    orthanc.empty()
    orthanc.put(*films)
    assert pacs(*given).exit_code == 0
    assert len(orthanc.held()) == 6


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
    broken(films[1], "truncated")
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
