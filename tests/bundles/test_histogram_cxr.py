"""The literal commands of the traditional methods' bundle, run from the repository root."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch

from monai_harmonize.inferers.traditional import METHODS
from monai_harmonize.metrics import load_site_reference
from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels, StandardiseLandmarks

CONFIGS = "bundles/histogram_cxr/configs"


def run(*arguments: str, module: str = "monai.bundle", check: bool = True) -> subprocess.CompletedProcess:
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    if check:
        assert done.returncode == 0, done.stderr[-3000:]
    return done


def configs(*names: str) -> tuple[str, str, str]:
    return "run", "--config_file", str([f"{CONFIGS}/{name}.json" for name in names])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, chest_data: Path) -> Path:
    """Bundle root with a reference of the phantoms' site B."""
    root = tmp_path_factory.mktemp("bundle")
    run(*configs("train"), "--bundle_root", str(root), "--dataset_dir", str(chest_data))
    return root


def metrics_of(folder: Path) -> dict[str, float]:
    rows = [line.split(",") for line in (folder / "metrics.csv").read_text().splitlines()]
    return {name: float(value) for name, value in rows}


@pytest.mark.slow
def test_the_fit_leaves_weights_and_a_reference_and_brings_the_sites_together(fitted: Path) -> None:
    state = torch.load(fitted / "models" / "model.pt", weights_only=True)
    assert set(state) == {"target_levels"}
    reference = load_site_reference(fitted / "models" / "reference.json")
    assert reference.images == 6
    np.testing.assert_allclose(state["target_levels"], reference.channels[0].mean_cdf, rtol=1e-6, atol=1e-7)
    assert "site_b" not in (fitted / "models" / "reference.json").read_text()
    metrics = metrics_of(fitted / "eval")
    assert metrics["site_distance"] < 0.4 * metrics["site_distance_raw"]


@pytest.mark.long
def test_no_image_of_the_source_site_is_needed(chest_data: Path, tmp_path: Path, fitted: Path) -> None:
    where = ("--bundle_root", str(tmp_path), "--dataset_dir", str(chest_data))
    refused = run(*configs("train"), *where, "--source_site", "nowhere", check=False)
    assert "no site 'nowhere'" in refused.stderr
    assert not (tmp_path / "models").exists()
    run(*configs("train"), *where, "--source_site", "")
    assert not (tmp_path / "eval").exists()
    for name in ("model.pt", "reference.json"):
        assert (tmp_path / "models" / name).read_bytes() == (fitted / "models" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mean_cdf", "nyul"])
def test_inference_writes_images_like_the_sources_with_certificates(
    method: str, fitted: Path, chest_data: Path, tmp_path: Path
) -> None:
    where = ("--bundle_root", str(fitted), "--dataset_dir", str(chest_data), "--output_dir", str(tmp_path))
    run(*configs("inference"), *where, "--method", method)
    written = sorted(tmp_path.rglob("*.dcm"))
    sources = sorted((chest_data / "test" / "site_a").glob("*.dcm"))
    assert [path.name for path in written] == [path.name for path in sources]
    load, scale = LoadRadiograph(), ScaleGreyLevels()
    for path, source in zip(written, sources, strict=True):
        new, old = pydicom.dcmread(path), pydicom.dcmread(source)
        assert (new.Rows, new.Columns, new.BitsStored) == (old.Rows, old.Columns, old.BitsStored)
        certificate = json.loads(path.with_suffix(".certificate.json").read_text())
        assert certificate["guarantee_class"] == "G4"
        assert certificate["provenance"]["bundle"] == f"histogram_cxr {method}"
        if method == "nyul":
            expected = StandardiseLandmarks(fitted / "models" / "reference.json")(scale(load(source))).clamp(-1, 1)
            step = 2 / (2**new.BitsStored - 1)
            torch.testing.assert_close(scale(load(path)).as_tensor(), expected.as_tensor(), atol=0.51 * step, rtol=0)


@pytest.mark.long
def test_the_command_line_knows_the_method(fitted: Path, chest_data: Path, tmp_path: Path) -> None:
    images = str(chest_data / "test" / "site_a")
    given = ("harmonize", images, "--pattern", "*.dcm", "--bundle", "histogram_cxr", "--output", str(tmp_path))
    given = (*given, "--checkpoint", str(fitted / "models"))
    run(*given, "--method", "energy_bands", module="monai_harmonize.cli")
    certificates = [json.loads(path.read_text()) for path in tmp_path.rglob("*.certificate.json")]
    assert [found["provenance"]["bundle"] for found in certificates] == ["histogram_cxr energy_bands"] * 3
    refused = run(*given, "--method", "wavelets", module="monai_harmonize.cli", check=False)
    assert refused.returncode != 0
    assert "expected one of mean_cdf" in refused.stderr.replace("\n", " ")
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
def test_evaluation_reads_the_test_split(fitted: Path, chest_data: Path, tmp_path: Path) -> None:
    where = ("--bundle_root", str(fitted), "--dataset_dir", str(chest_data), "--output_dir", str(tmp_path))
    run(*configs("train", "evaluate"), *where)
    assert metrics_of(tmp_path)["site_distance"] > 0
    assert metrics_of(tmp_path) != metrics_of(fitted / "eval")


def test_the_page_tells_of_every_method() -> None:
    page = Path("bundles/histogram_cxr/docs/README.md").read_text()
    assert [name for name in METHODS if f"`{name}`" not in page] == []
