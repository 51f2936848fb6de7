"""The command line as a user types it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser
from typer.testing import CliRunner

from monai_harmonize import __version__
from monai_harmonize.cli import app
from monai_harmonize.data import load_manifest

BUNDLE = "bundles/cyclegan_cxr"


def command(*arguments: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "monai_harmonize.cli", *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    parser = ConfigParser()
    parser.read_config(f"{BUNDLE}/configs/inference.json")
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(parser.get_parsed_content("network_def").state_dict(), path)
    return path


def test_version_and_help() -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["--version"]).output.strip() == __version__
    text = runner.invoke(app, ["--help"]).output
    assert all(name in text for name in ("harmonize", "evaluate", "phantoms", "check-manifest"))


def test_check_manifest_counts_or_reports_every_problem(chest_data: Path, tmp_path: Path) -> None:
    counted = CliRunner().invoke(app, ["check-manifest", str(chest_data / "manifest.csv")])
    assert counted.exit_code == 0
    assert ["site_a", "train", "6"] in [line.split() for line in counted.output.splitlines()]
    (tmp_path / "manifest.csv").write_text("file,site,split\nno.png,a,train\nno2.png,,exam\n")
    done = command("check-manifest", tmp_path / "manifest.csv")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert all(words in done.stderr for words in ("row 2", "row 3", "no.png", "exam", "site"))


@pytest.mark.slow
def test_harmonize_and_evaluate(chest_data: Path, weights: Path, tmp_path: Path) -> None:
    sources = [Path(item["image"]) for item in load_manifest(chest_data / "manifest.csv").select("site_a", "test")]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = command("harmonize", tmp_path / "in", *sources, "--output", tmp_path / "out", "--checkpoint", weights)
    assert done.returncode == 1
    assert "broken.png" in done.stdout
    assert f"1 of {len(sources) + 1} files failed" in done.stdout

    done = command("harmonize", chest_data, "--output", tmp_path / "all", "--checkpoint", weights)
    assert done.returncode == 0, done.stderr
    report = tmp_path / "report"
    done = command(
        "evaluate", "--manifest", chest_data / "manifest.csv", "--harmonized", tmp_path / "all", "--output", report
    )
    assert done.returncode == 0, done.stderr
    assert "as far from site_b" in done.stdout
    assert {path.name for path in report.iterdir()} == {"report.html", "results.csv", "per_image.csv", "summary.json"}


def test_a_missing_bundle_and_missing_weights_are_named(chest_data: Path, tmp_path: Path) -> None:
    done = command("harmonize", chest_data, "--output", tmp_path, "--bundle", tmp_path / "none")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path}/none/configs/inference.json")
    done = command("harmonize", chest_data, "--output", tmp_path, "--checkpoint", tmp_path / "none.pt")
    assert done.returncode == 1
    assert "there are no trained weights" in done.stderr
    assert "Traceback" not in done.stderr
