"""The wheel that users install: it is built, unpacked into an empty folder and used there."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

import monai_harmonize

ROOT = Path(__file__).parents[1]
TRACKED = ("configs/*.json", "configs/*.conf", "docs/*.md", "LICENSE")
# What building, testing and using leaves in the tree.
MADE = (".*", "*.egg-info", "build", "demo", "dist", "eval", "harmonized", "logs", "models", "__pycache__")
FOLDERS = ("benchmarks", "bundles", "data_manifests", "docs", "monai_harmonize", "tests", "tutorials")


def run(*arguments: str, **options) -> str:
    """Output of a command that must succeed."""
    done = subprocess.run([str(each) for each in arguments], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built as pip builds it, from the source distribution of a clean copy of the tree."""
    folder = tmp_path_factory.mktemp("distribution")
    shutil.copytree(ROOT, folder / "tree", ignore=shutil.ignore_patterns(*MADE))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, folder / "tree")
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


def in_empty_folder(installed: Path, folder: Path, *arguments: str) -> str:
    """Run the installed command, and nothing of this tree, where there is nothing else."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    where = "import monai_harmonize; print(monai_harmonize.__file__)"
    imported = run(sys.executable, "-c", where, cwd=folder, env=environment)
    assert Path(imported.strip()).is_relative_to(installed)
    return run(sys.executable, installed / "bin" / "monai-harmonize", *arguments, cwd=folder, env=environment)


@pytest.mark.slow
def test_wheel_carries_all_bundles_and_no_weights(wheel: Path) -> None:
    names = {name for name in ZipFile(wheel).namelist() if name.startswith("monai_harmonize/bundles/")}
    expected = {
        f"monai_harmonize/{path.relative_to(ROOT)}"
        for metadata in ROOT.glob("bundles/*/configs/metadata.json")
        for pattern in TRACKED
        for path in metadata.parents[1].glob(pattern)
    }
    assert names == expected
    others = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert others == {"monai_harmonize", f"monai_harmonize-{monai_harmonize.__version__}.dist-info"}


@pytest.mark.slow
def test_source_distribution_carries_what_the_tests_need(wheel: Path) -> None:
    (source,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {Path(name).parts[1] for name in archive.getnames() if "/" in name}
    expected = {
        *(folder for folder in FOLDERS if (ROOT / folder).is_dir()),
        "Makefile",
        "constraints.txt",
        "CITATION.cff",
    }
    assert expected <= names


@pytest.mark.long
def test_installed_command_works_in_an_empty_folder(installed: Path, chest_data: Path, tmp_path: Path) -> None:
    listed = in_empty_folder(installed, tmp_path, "bundles", "list")
    assert all(path.parents[1].name in listed for path in ROOT.glob("bundles/*/configs/metadata.json"))
    site_a, site_b = (str(chest_data / "train" / site) for site in ("site_a", "site_b"))
    options = "--pattern", "*.dcm", "--output", "model"
    in_empty_folder(installed, tmp_path, "fit", "--source", site_a, "--target", site_b, *options)
    images = chest_data / "test" / "site_a"
    options = "--pattern", "*.dcm", "--checkpoint", "model", "--output", "harmonized"
    in_empty_folder(installed, tmp_path, "harmonize", str(images), *options)
    assert len(list((tmp_path / "harmonized").glob("*.dcm"))) == len(list(images.glob("*.dcm"))) > 0
    assert {path.name for path in tmp_path.iterdir()} == {"model", "harmonized"}


def test_citation_names_this_version() -> None:
    (version,) = re.findall(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert version == monai_harmonize.__version__
