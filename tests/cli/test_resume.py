"""An interrupted harmonization goes on; changed sources and settings are seen."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from monai_harmonize.safety.certificate_table import CertificateTable


def done_before(result) -> str:
    return next(line for line in result.stdout.splitlines() if line.startswith("│")).replace("│", " ").split()[4]


@pytest.fixture
def harmonized(cli, scans: Path, model: Path, tmp_path: Path):
    """Run the command with further options."""
    given = ("harmonize", scans, "--checkpoint", model, "--output", tmp_path / "out", "--panels", "none")

    def run(*options):
        result = cli(*given, *options)
        assert result.exit_code == 0, result.output
        return result

    assert done_before(run()) == "0"
    return run


def test_the_same_command_has_nothing_to_do(harmonized, tmp_path: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    assert done_before(harmonized()) == "3"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == times


@pytest.mark.parametrize("option", ["--overwrite", "--no-resume"])
def test_all_anew_on_request(harmonized, option: str) -> None:
    assert done_before(harmonized(option)) == "0"
    assert done_before(harmonized()) == "3"


@pytest.mark.parametrize("lost", ["image", "certificate", "row"])
def test_whatever_is_lost_is_made_again(harmonized, scans: Path, tmp_path: Path, lost: str) -> None:
    image = next(path for path in scans.iterdir() if path.is_file()).name
    if lost == "row":
        CertificateTable(tmp_path / "out" / "certificates.csv").drop({image})
    else:
        name = image if lost == "image" else image.replace(".dcm", ".certificate.json")
        (tmp_path / "out" / name).unlink()
    assert done_before(harmonized()) == "2"
    assert done_before(harmonized()) == "3"


def test_a_source_that_was_replaced_is_done_again(harmonized, scans: Path) -> None:
    """Also by an older file whose time stamp was kept."""
    first, *_, last = sorted(scans.rglob("*.dcm"))
    shutil.copy(last, first)
    os.utime(first, (0, 0))
    assert done_before(harmonized()) == "2"


def test_other_settings_do_all_anew(harmonized, judged) -> None:
    assert done_before(harmonized("--on-fail", "write")) == "0"
    assert done_before(harmonized("--on-fail", "write")) == "3"
    assert done_before(harmonized("--overlay", judged("warn"))) == "0"
    assert done_before(harmonized("--workers", "1", "--overlay", judged("warn"))) == "3"


def test_files_of_other_settings_are_not_taken_for_finished(harmonized, cli, scans, model, tmp_path: Path) -> None:
    """One of the files was done with the new settings, the others with the old ones."""
    out = ("--checkpoint", model, "--output", tmp_path / "out", "--panels", "none", "--on-fail", "write")
    assert cli("harmonize", scans, *out, "--pattern", "*0000.dcm").exit_code == 0
    assert done_before(harmonized("--on-fail", "write")) == "1"


def test_other_weights_do_all_anew(harmonized, cli, model: Path, chest_data: Path, tmp_path: Path) -> None:
    sites = chest_data / "train" / "site_b", chest_data / "train" / "site_a"
    fit = ("fit", "--source", sites[0], "--target", sites[1], "--pattern", "*.dcm", "--output", tmp_path / "other")
    assert cli(*fit).exit_code == 0
    assert done_before(harmonized("--checkpoint", tmp_path / "other")) == "0"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Twenty small images, two of which differ by their extension only."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(20):
        Image.linear_gradient("L").rotate(number).save(folder / f"{number:02}.png")
    Image.linear_gradient("L").save(folder / "10.jpg")
    return folder


@pytest.mark.parametrize("lost", ["10.jpg", "10.png"])
def test_certificates_of_equal_names_keep_theirs(cli, many: Path, model: Path, tmp_path: Path, lost: str) -> None:
    """Whichever of the two is done alone later."""
    given = ("harmonize", many, "--pattern", "10.*", "--checkpoint", model, "--panels", "none")
    out = tmp_path / "out"
    assert cli(*given, "--output", out).exit_code == 0
    before = {path.name: path.read_text() for path in out.glob("*.certificate.json")}
    assert len(before) == 2
    (out / lost).unlink()
    assert done_before(cli(*given, "--output", out)) == "1"
    assert {path.name: path.read_text() for path in out.glob("*.certificate.json")} == before
    assert done_before(cli(*given, "--output", out)) == "2"


@pytest.mark.long
@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_killed_in_the_middle(cli, many: Path, model: Path, tmp_path: Path, kind: int) -> None:
    given = ("harmonize", many, "--checkpoint", model, "--panels", "all")
    out = tmp_path / "out"
    arguments = [sys.executable, "-m", "monai_harmonize.cli", *map(str, (*given, "--output", out))]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while len(CertificateTable(out / "certificates.csv").known()) < 12:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(kind)
    process.communicate()
    # Newer versions of typer end by the signal itself, which a shell shows as 130 as well.
    assert process.returncode in ((-signal.SIGKILL,) if kind == signal.SIGKILL else (130, -signal.SIGINT))
    finished = len(CertificateTable(out / "certificates.csv").known())
    assert 12 <= finished < 21

    again = cli(*given, "--output", out)
    assert again.exit_code == 0, again.output
    assert int(done_before(again)) >= finished - 1
    assert cli(*given, "--output", tmp_path / "whole").exit_code == 0
    contents = [
        {path.name: path.read_bytes() for path in folder.rglob("*") if not path.name.startswith(".")}
        for folder in (out, tmp_path / "whole")
    ]
    tables = [sorted(content.pop("certificates.csv").splitlines()) for content in contents]
    assert tables[0] == tables[1]
    assert contents[0] == contents[1]


def test_a_file_that_became_unreadable_loses_its_row(harmonized, cli, scans, model, tmp_path: Path) -> None:
    first = min(scans.rglob("*.dcm"))
    first.write_bytes(first.read_bytes()[:900])
    done = cli("harmonize", scans, "--checkpoint", model, "--output", tmp_path / "out", "--panels", "none")
    assert done.exit_code == 1
    assert len(CertificateTable(tmp_path / "out" / "certificates.csv").known()) == 2
