"""The committed manifests of the Montgomery and Shenzhen sets are complete, leak-free and reproducible."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from monai_harmonize.data.manifest import ManifestError, load_manifest
from monai_harmonize.data.nlm_tuberculosis import IDS_FILE, build_rows, main, write_manifests

FOLDER = Path(__file__).parents[2] / "data_manifests"
NAMES = ["montgomery.csv", "shenzhen.csv", "montgomery_shenzhen.csv"]
app = typer.Typer()
app.command()(main)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(FOLDER / IDS_FILE, tmp_path)
    return tmp_path


def test_builder_writes_the_committed_bytes(copy: Path) -> None:
    write_manifests(copy)
    assert sorted(path.name for path in copy.iterdir()) == sorted([*NAMES, IDS_FILE])
    for name in NAMES:
        assert (copy / name).read_bytes() == (FOLDER / name).read_bytes(), f"{name} is not what the builder writes"


@pytest.mark.parametrize(
    ("name", "normal", "tuberculosis"),
    [("montgomery.csv", 80, 58), ("shenzhen.csv", 326, 336), ("montgomery_shenzhen.csv", 406, 394)],
)
def test_manifests_hold_the_published_numbers(name: str, normal: int, tuberculosis: int) -> None:
    table = pd.DataFrame(load_manifest(FOLDER / name, check_files=False).records)
    assert table.value_counts("label").to_dict() == {0: normal, 1: tuberculosis}
    assert table["file"].is_unique
    assert (table["file"].str.extract(r"_(\d)\.png$")[0].astype(int) == table["label"]).all()
    assert (table.groupby(["site", "patient"])["split"].nunique() == 1).all()
    shares = table.value_counts(["site", "label", "split"], normalize=False).unstack()
    for split, share in {"train": 0.7, "validation": 0.1, "test": 0.2}.items():
        assert ((shares[split] - share * shares.sum(axis=1)).abs() < 2).all()


def test_sites_agree_between_manifests() -> None:
    both = load_manifest(FOLDER / "montgomery_shenzhen.csv", check_files=False)
    for site in ("montgomery", "shenzhen"):
        alone = load_manifest(FOLDER / f"{site}.csv", check_files=False)
        assert both.select(site=site) == list(alone.records)


def test_paths_follow_the_published_layout(tmp_path: Path) -> None:
    both = load_manifest(FOLDER / "montgomery_shenzhen.csv", tmp_path, check_files=False)
    first = both.select(site="montgomery")[0]
    assert first["image"] == str(tmp_path / "MontgomerySet/CXR_png/MCUCXR_0001_0.png")
    assert first["mask"] == [
        str(tmp_path / f"MontgomerySet/ManualMask/{side}Mask/MCUCXR_0001_0.png") for side in ("left", "right")
    ]
    last = both.select(site="shenzhen")[-1]
    assert last["image"] == str(tmp_path / "ChinaSet_AllFiles/CXR_png/CHNCXR_0662_1.png")
    assert "mask" not in last


def test_download_check_names_every_missing_file(copy: Path, tmp_path: Path) -> None:
    root = tmp_path / "download"
    for record in load_manifest(FOLDER / "montgomery.csv", root, check_files=False).records:
        for path in map(Path, [record["image"], *record["mask"]]):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    command = ["--folder", str(copy), "--root", str(root), "--dataset", "montgomery"]
    complete = CliRunner().invoke(app, command)
    assert complete.exit_code == 0
    assert "all 138 images are there" in complete.output

    for path in sorted((root / "MontgomerySet" / "ManualMask" / "leftMask").iterdir())[:30]:
        path.unlink()
    incomplete = CliRunner().invoke(app, command)
    assert incomplete.exit_code == 1
    assert incomplete.output.count("leftMask") == 30
    assert "row 2: mask 'MontgomerySet/ManualMask/leftMask/MCUCXR_0001_0.png' does not exist" in incomplete.output


@pytest.mark.slow
def test_module_command(copy: Path) -> None:
    command = [sys.executable, "-m", "monai_harmonize.data.nlm_tuberculosis", "--folder", str(copy)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert (copy / "shenzhen.csv").read_bytes() == (FOLDER / "shenzhen.csv").read_bytes()


def test_wrong_ids_are_refused(copy: Path) -> None:
    path = copy / IDS_FILE
    path.write_text(path.read_text().replace("CHNCXR_0001_0,normal", "CHNCXR_0001_0,tb"))
    with pytest.raises(ManifestError) as caught:
        build_rows(path)
    assert len(caught.value.problems) == 2
    assert caught.value.problems[1] == "row 140: the image id names another label"
