"""A short training of MGAN, what it stores, and what inference makes of it."""

import json
from pathlib import Path

import pydicom
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from monai_harmonize.networks import FeatureExtractor

CONFIGS = Path("bundles/mgan_cxr/configs")
SMALL = {"image_size": 32, "layers": ["relu1_1", "relu1_2"]}


def workflow(name: str, root: Path, data: Path, *overlays: str, **options: object) -> ConfigWorkflow:
    made = ConfigWorkflow(
        config_file=[str(CONFIGS / f"{file}.json") for file in (name, *overlays)],
        workflow_type="train" if name == "train" else "inference", logging_file=False,
        bundle_root=str(root), dataset_dir=str(data), **SMALL, **options,
    )  # fmt: skip
    made.initialize()
    return made


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, chest_data: Path) -> Path:
    """Bundle root with a training of one epoch behind it."""
    folder = tmp_path_factory.mktemp("mgan")
    workflow(
        "train", folder, chest_data, epochs=1, val_interval=1, texture_layer="relu1_2", content_layer="relu2_1"
    ).run()
    return folder


def test_the_frozen_network_is_part_of_the_model_and_the_same_as_before(root: Path) -> None:
    state = torch.load(root / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    drawn = FeatureExtractor("vgg19", SMALL["layers"]).state_dict()
    frozen = {name.removeprefix("extractor."): value for name, value in state.items() if name.startswith("extractor.")}
    assert frozen.keys() == drawn.keys()
    assert all(torch.equal(value, drawn[name]) for name, value in frozen.items())
    resume = torch.load(root / "models" / "resume.pt", weights_only=True)
    assert resume["trainer"]["epoch"] == 1
    assert any(name.startswith("judge.") for name in resume["shared"]["discriminator_b"])
    assert json.loads((root / "models" / "watch.json").read_text())["state"] == "ended"
    assert json.loads((root / "models" / "model.json").read_text())["image_size"] == 32


def test_inference_writes_certified_dicom_like_the_sources(root: Path, chest_data: Path, tmp_path: Path) -> None:
    workflow("inference", root, chest_data, output_dir=str(tmp_path), panels="all").run()
    sources = sorted((chest_data / "test" / "site_a").glob("*.dcm"))
    written = sorted(tmp_path.rglob("*.dcm"))
    assert [path.name for path in written] == [path.name for path in sources]
    for path, source in zip(written, sources, strict=True):
        new, old = pydicom.dcmread(path), pydicom.dcmread(source)
        assert (new.Rows, new.Columns, new.BitsStored) == (old.Rows, old.Columns, old.BitsStored)
        assert new.PhotometricInterpretation == old.PhotometricInterpretation
    certificates = [json.loads(path.read_text()) for path in tmp_path.rglob("*.certificate.json")]
    assert [one["guarantee_class"] for one in certificates] == ["G4"] * len(sources)
    assert len(list(tmp_path.rglob("*.certificate.png"))) == len(sources)


def test_evaluate_writes_the_metrics(root: Path, chest_data: Path, tmp_path: Path) -> None:
    workflow("train", root, chest_data, "evaluate", output_dir=str(tmp_path)).run()
    text = (tmp_path / "metrics.csv").read_text()
    assert "site_distance" in text
    assert "ssim_to_input" in text


def test_the_scale_of_the_paper_fits_its_inference_overlay() -> None:
    found = []
    for files in (("train", "paper"), ("inference", "paper_inference")):
        parser = ConfigParser()
        parser.read_config([str(CONFIGS / f"{name}.json") for name in files])
        found.append((parser["image_size"], parser["layers"], parser["network_def"]))
    assert found[0] == found[1]


def test_weights_of_imagenet_are_an_option_of_both_sides() -> None:
    parser = ConfigParser()
    parser.read_config([str(CONFIGS / f"{name}.json") for name in ("train", "paper")])
    used = {parser[name]["weights"] for name in ("network_def", "discriminator_b_def")}
    assert used == {"@extractor_weights"}
    assert parser["extractor_weights"] == "IMAGENET1K_V1"
