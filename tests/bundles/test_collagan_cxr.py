"""Commands of the page, from the repository root, with a small network."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
import torch

CONFIGS = "bundles/collagan_cxr/configs"
SMALL = ("--image_size", "32", "--network_def#generator#features", "[4,4,4,4,4,4]")


def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "monai.bundle", "run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, everywhere_data: Path) -> Path:
    """Bundle root with the default data inside and a short training behind it."""
    root = tmp_path_factory.mktemp("bundle")
    options = ("--dataset_dir", str(everywhere_data), "--epochs", "1", "--discriminator_def#channels", "4")
    run("--config_file", f"{CONFIGS}/train.json", "--bundle_root", str(root), *options, *SMALL)
    return root


def fill_in(bundle: Path, folder: Path, output: Path, *options: str, check: bool = True) -> subprocess.CompletedProcess:
    where = ("--bundle_root", str(bundle), "--dataset_dir", str(folder), "--output_dir", str(output))
    return run("--config_file", f"{CONFIGS}/inference.json", *where, *SMALL, *options, check=check)


@pytest.mark.long
def test_training_writes_a_model_and_a_resume_state(bundle: Path) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    resume = torch.load(bundle / "models" / "resume.pt", weights_only=True)
    assert state.keys() == resume["shared"]["translator"].keys()
    assert json.loads((bundle / "models" / "model.json").read_text()) == {
        "image_size": 32,
        "sites": ["site_a", "site_b", "site_c"],
    }
    assert json.loads((bundle / "models" / "watch.json").read_text())["state"] == "ended"


@pytest.mark.long
def test_images_are_filled_in_like_the_first_of_the_others(bundle: Path, everywhere_data: Path, tmp_path: Path) -> None:
    fill_in(bundle, everywhere_data, tmp_path, "--target_site", "site_a")
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.dcm"))
    # Site B is the first of the two others: where it is the home of the patient, and where it holds the truth.
    assert [str(path) for path in written] == [
        "test/site_b/site_b-test-0000.dcm",
        "truth/site_b/site_a-test-0000.dcm",
        "truth/site_b/site_c-test-0000.dcm",
    ]
    for path in written:
        new, old = pydicom.dcmread(tmp_path / path), pydicom.dcmread(everywhere_data / path)
        for keyword in ("Rows", "Columns", "BitsStored", "PhotometricInterpretation"):
            assert new[keyword].value == old[keyword].value, keyword
        certificate = json.loads((tmp_path / path).with_suffix(".certificate.json").read_text())
        assert certificate["guarantee_class"] == "G4"


@pytest.mark.long
def test_missing_images_are_background_and_a_lonely_one_is_told_by_its_file(
    bundle: Path, everywhere_data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(everywhere_data, folder)
    rows = list(csv.DictReader((folder / "manifest.csv").open()))
    held_out = [row for row in rows if row["split"] in ("test", "truth")]
    names = {"site_a-test-0000": ("site_a", "site_c"), "site_b-test-0000": ("site_a",), "site_c-test-0000": ("site_b",)}
    kept = [row for row in held_out if row["site"] in names[row["anatomy"]]]
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    done = fill_in(bundle, folder, tmp_path / "out", "--target_site", "site_b", check=False)
    assert done.returncode == 1
    assert "truth/site_b/site_c-test-0000.dcm: is the only image of its patient" in done.stdout + done.stderr
    assert "PHANTOM" not in done.stdout + done.stderr
    assert len(list((tmp_path / "out").rglob("*.dcm"))) == 2
    only = fill_in(bundle, folder, tmp_path / "only", "--target_site", "site_b", "--only_missing", "True")
    assert "Filled in 2 files" in only.stdout + only.stderr


@pytest.mark.long
def test_another_order_of_the_sites_is_refused(bundle: Path, everywhere_data: Path, tmp_path: Path) -> None:
    """The network would take one contrast for another and draw a wrong one."""
    order = ("--sites", "['site_c', 'site_b', 'site_a']")
    done = fill_in(bundle, everywhere_data, tmp_path, "--target_site", "site_a", *order, check=False)
    assert done.returncode == 2
    assert "was trained with sites ['site_a', 'site_b', 'site_c'], not ['site_c', 'site_b', 'site_a']" in done.stderr
    assert not list(tmp_path.rglob("*.dcm"))


@pytest.mark.long
def test_evaluate_compares_every_image_with_the_truth(bundle: Path, everywhere_data: Path, tmp_path: Path) -> None:
    configs = f"['{CONFIGS}/train.json', '{CONFIGS}/evaluate.json']"
    where = ("--bundle_root", str(bundle), "--dataset_dir", str(everywhere_data), "--output_dir", str(tmp_path))
    run("--config_file", configs, *where, *SMALL)
    means = dict(line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines())
    assert 0 < float(means["mae"]) < 1
    assert float(means["ssim"]) < 1
    # Three patients, each contrast of whom is filled in once.
    rows = (tmp_path / "mae_raw.csv").read_text().splitlines()[1:]
    assert len(rows) == len({row.split(",")[0] for row in rows}) == 9
    assert sum("/site_b/" in row for row in rows) == 3
