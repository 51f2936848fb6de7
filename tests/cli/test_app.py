"""Names, help and exit codes of the commands."""

from pathlib import Path

import pytest

from monai_harmonize import __version__
from monai_harmonize.cli.job import Job
from monai_harmonize.data.inputs import Inputs
from monai_harmonize.engines.bundle import find_bundle

COMMANDS = (
    "harmonize", "fit", "evaluate", "feature-maps", "demo-data",
    "manifest build", "manifest check", "bundles list", "bundles check",
)  # fmt: skip


def test_version_and_help(cli) -> None:
    assert cli("--version").output.strip() == __version__
    text = cli("--help").output
    assert all(name.split()[0] in text for name in COMMANDS)
    assert all(f"{code} " in text for code in (0, 1, 2, 3, 130))
    assert "phantoms" not in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command_has_an_example(cli, name: str) -> None:
    done = cli(*name.split(), "--help")
    assert done.exit_code == 0
    assert f"Example: monai-harmonize {name} " in " ".join(done.output.split()) + " "


@pytest.mark.parametrize(
    "arguments",
    [
        ("harmonize", "scan.dcm"),
        ("harmonize", "scan.dcm", "--output", "out", "--on-fail", "perhaps"),
        ("harmonize", "scan.dcm", "--output", "out", "--workers", "-1"),
        ("harmonize", "scan.dcm", "--output", "out", "--project", "g7"),
        ("fit", "--source", "a", "--output", "out"),
        ("nothing",),
    ],
)
def test_wrong_usage(cli, arguments: tuple[str, ...]) -> None:
    assert cli(*arguments).exit_code == 2


@pytest.mark.slow
def test_wrong_input_is_one_message_without_a_traceback(command, tmp_path) -> None:
    done = command("harmonize", tmp_path / "none.dcm", "--output", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "none.dcm" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo-data", "a_file"),
        ("demo-data", "."),
        ("manifest", "build", "images", "--output", "a_file/manifest.csv"),
        ("harmonize", "images", "--checkpoint", "MODEL", "--output", "a_file"),
        ("harmonize", "images", "--checkpoint", "MODEL", "--output", "no_table"),
        ("harmonize", "images", "--checkpoint", "MODEL", "--output", "out", "--overlay", "a_file"),
        ("evaluate", "--manifest", "manifest.csv", "--harmonized", "no_table", "--output", "out"),
        ("harmonize", "images", "--bundle", "broken", "--checkpoint", "MODEL", "--output", "out"),
        ("fit", "--bundle", "broken", "--source", "images", "--target", "images", "--output", "out"),
    ],
)
def test_files_and_folders_that_cannot_serve_are_told(
    cli, model: Path, scans: Path, tmp_path: Path, monkeypatch, arguments: tuple[str, ...]
) -> None:
    """A file in a folder's place, a table that is none, a configuration that is no JSON."""
    bundles = Path("bundles").resolve()
    monkeypatch.chdir(tmp_path)
    scans.rename("images")
    Path("bundles").symlink_to(bundles)
    Path("a_file").write_text("mine")
    Path("no_table").mkdir()
    Path("no_table/certificates.csv").write_bytes(b"\xff\xfe")
    Path("broken/configs").mkdir(parents=True)
    Path("broken/configs/metadata.json").write_text("{")
    done = cli(*(str(model) if word == "MODEL" else word for word in arguments))
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.startswith("error: ")
    assert Path("a_file").read_text() == "mine"
    assert not Path("out").exists()


def test_workers_are_no_more_than_processors(model: Path, monkeypatch) -> None:
    """Thousands of processes that each import PyTorch stop a computer."""
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    for asked, started in ((0, 0), (2, 2), (999, 3)):
        job = Job(find_bundle("tone_curve_cxr"), (), model / "model.pt", {}, asked)
        assert job.workflow(Inputs([], None), Path("out")).parser["num_workers"] == started
