"""What breaks off or is busy on the way: nothing is half stored, nothing is there twice, the next run goes on."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pydicom
import pytest

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


@pytest.mark.long
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


def test_images_that_a_killed_run_left_are_removed(pacs, orthanc, films, tmp_path: Path) -> None:
    """Also where the next run has nothing to fetch; a dry run may work beside another one."""
    orthanc.put(films[0])
    assert pacs(orthanc.url).exit_code == 0
    left = tmp_path / "out" / ".fetched" / "a" / "b.dcm"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"a patient")
    for arguments in (("--dry-run",), ("--query", "PatientID=nobody")):
        assert pacs(orthanc.url, *arguments).exit_code == 0
        assert left.exists()
    assert pacs(orthanc.url).exit_code == 0
    assert not left.exists()


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
