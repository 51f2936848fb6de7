"""The literal commands of the site curve's bundle, run from the repository root."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser

from monai_harmonize.transforms import LoadRadiograph

CONFIGS = "bundles/tone_curve_cxr/configs"


def run(*arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", *arguments], capture_output=True, text=True, check=False
    )
    if check:
        assert done.returncode == 0, done.stderr[-3000:]
    return done


def configs(name: str, *overlays: str | None) -> str:
    return str([f"{CONFIGS}/{file}.json" for file in (name, *overlays) if file])


@pytest.fixture(scope="module", params=[None, "filter"], ids=["curve", "filter"])
def fitted(request, tmp_path_factory, chest_data: Path) -> tuple[Path, str | None]:
    """Bundle root with a harmonizer fitted to phantoms, and the overlay that was used."""
    root = tmp_path_factory.mktemp("bundle")
    run("--config_file", configs("train", request.param), "--bundle_root", str(root), "--dataset_dir", str(chest_data))
    return root, request.param


@pytest.mark.slow
def test_fitting_brings_the_sites_together(fitted) -> None:
    root, overlay = fitted
    state = torch.load(root / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert ("filter.gain" in state) == (overlay == "filter")
    # The first row counts the epoch.
    rows = [line.split(",") for line in (root / "eval" / "metrics.csv").read_text().splitlines()]
    metrics = {name: float(value) for name, value in rows}
    assert metrics["site_distance"] < 0.4 * metrics["site_distance_raw"]


@pytest.mark.slow
def test_inference_writes_increasing_images_like_the_sources(fitted, chest_data: Path) -> None:
    root, overlay = fitted
    run("--config_file", configs("inference", overlay), "--bundle_root", str(root), "--dataset_dir", str(chest_data))
    written = sorted((root / "harmonized").rglob("*.dcm"))
    sources = sorted((chest_data / "test" / "site_a").glob("*.dcm"))
    assert [path.name for path in written] == [path.name for path in sources]
    records = [json.loads(path.with_suffix(".certificate.json").read_text()) for path in written]
    for record in records:
        declared = record["measures"]["declared_curve_rms"]
        assert declared is None if overlay else declared < 1e-3
    load = LoadRadiograph()
    for path, source in zip(written, sources, strict=True):
        new, old = pydicom.dcmread(path), pydicom.dcmread(source)
        assert (new.Rows, new.Columns, new.BitsStored) == (old.Rows, old.Columns, old.BitsStored)
        assert new.PhotometricInterpretation == old.PhotometricInterpretation
        if overlay is None:
            before, after = (load(name).numpy().ravel() for name in (source, path))
            order = np.argsort(before, kind="stable")
            assert (np.diff(after[order]) >= 0).all()


@pytest.mark.slow
def test_evaluation_reads_the_test_split(fitted, chest_data: Path, tmp_path: Path) -> None:
    root, overlay = fitted
    files = str([f"{CONFIGS}/train.json", f"{CONFIGS}/evaluate.json", *([f"{CONFIGS}/filter.json"] if overlay else [])])
    where = ("--bundle_root", str(root), "--dataset_dir", str(chest_data), "--output_dir", str(tmp_path))
    run("--config_file", files, *where)
    assert "site_distance" in (tmp_path / "metrics.csv").read_text()


@pytest.mark.long
def test_an_inverted_site_is_refused_and_turned_on_request(tmp_path: Path, chest_data: Path) -> None:
    """A manifest that calls the source site's files inverted turns right images into wrong ones."""
    lines = (chest_data / "manifest.csv").read_text().splitlines()
    names = lines[0].split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
    for row in rows:
        row["polarity"] = "inverted" if row["site"] == "site_a" else "normal"
    header = list(rows[0])
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("\n".join([",".join(header), *(",".join(row[name] for name in header) for row in rows)]))
    given = ("--config_file", f"{CONFIGS}/train.json", "--bundle_root", str(tmp_path))
    data = ("--manifest", str(manifest), "--dataset_dir", str(chest_data))
    refused = run(*given, *data, check=False)
    assert refused.returncode != 0
    assert "6 of 6 source images are inverted" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "models" / "model.pt").exists()
    run(*given, *data, "--inverted", "turn")
    assert float(torch.load(tmp_path / "models" / "model.pt", weights_only=True)["polarity"]) == -1


@pytest.mark.long
def test_inference_with_the_weights_of_the_other_overlay_names_them(fitted, chest_data: Path) -> None:
    root, overlay = fitted
    other = None if overlay else "filter"
    where = ("--bundle_root", str(root), "--dataset_dir", str(chest_data))
    done = run("--config_file", configs("inference", other), *where, check=False)
    assert done.returncode != 0
    assert "weights of another network" in done.stderr


def test_the_filter_overlay_changes_one_value() -> None:
    overlay = json.loads(Path(CONFIGS, "filter.json").read_text())
    assert {key for key in overlay if key != "_desc_"} == {"network_def#spectral_filter"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("training", "inference", "guarantee_class"),
    [
        (["network"], ["network_inference"], "G0"),
        (["network", "grid"], ["network_inference", "grid_inference"], "G1"),
    ],
    ids=["curve", "grid"],
)
def test_a_network_gives_every_image_a_curve_or_a_grid_of_its_own(
    training, inference, guarantee_class, chest_data: Path, tmp_path: Path
) -> None:
    where = ("--bundle_root", str(tmp_path), "--dataset_dir", str(chest_data))
    run("--config_file", configs("train", *training), *where, "--epochs", "2", "--image_size", "32")
    state = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    # The last layer starts at zero.
    assert [*state.values()][-1].any()
    run("--config_file", configs("inference", *inference), *where)
    certificates = [json.loads(path.read_text()) for path in (tmp_path / "harmonized").rglob("*.certificate.json")]
    assert len(certificates) == 3
    assert all((c["guarantee_class"], c["verdict"]) == (guarantee_class, "pass") for c in certificates)


def test_the_grid_of_training_and_inference_agree_and_training_shades_the_distorted_copy_alone() -> None:
    training, inference = (json.loads(Path(CONFIGS, f"{name}.json").read_text()) for name in ("grid", "grid_inference"))
    assert training["network_def"] == inference["network_def"]
    parser = ConfigParser()
    parser.read_config([f"{CONFIGS}/{name}.json" for name in ("train", "network", "grid")])
    parser["train"]["deterministic_transforms"] = []
    parser["train"]["random_shading"][0]["prob"] = 1.0
    distort = parser.get_parsed_content("train#preprocessing").set_random_state(0)
    image = torch.linspace(-1, 1, 64 * 64).view(1, 64, 64)
    item = distort({"image": image})
    assert set(item) == {"image", "distorted"}
    assert torch.equal(item["image"], image)
    # A curve alone would keep the order of grey levels over the image.
    assert (item["distorted"].flatten().diff() < 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("fitted", [None], indirect=True, ids=["curve"])
def test_a_presentation_state_leaves_the_pixels_alone(fitted, chest_data: Path, tmp_path: Path) -> None:
    root, _ = fitted
    where = ("--bundle_root", str(root), "--dataset_dir", str(chest_data), "--output_dir", str(tmp_path))
    run("--config_file", configs("inference", "presentation_state"), *where)
    states = sorted(tmp_path.rglob("*.pr.dcm"))
    sources = sorted((chest_data / "test" / "site_a").glob("*.dcm"))
    assert len(states) == len(sources) == 3
    for path, source in zip(states, sources, strict=True):
        state = pydicom.dcmread(path)
        assert state.SOPClassUID == pydicom.uid.GrayscaleSoftcopyPresentationStateStorage
        (series,) = state.ReferencedSeriesSequence
        (image,) = series.ReferencedImageSequence
        assert image.ReferencedSOPInstanceUID == pydicom.dcmread(source).SOPInstanceUID
        entries = np.frombuffer(state.SoftcopyVOILUTSequence[0].VOILUTSequence[0].LUTData, np.uint16)
        assert (np.diff(entries.astype(int)) >= 0).all()
