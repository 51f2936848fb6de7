"""A training of pix2pix from pairs, what it is worth on patients whose truth is known, and what it refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.transforms import Compose, Resize
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from monai_harmonize.data import InputError
from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels

CONFIGS = "bundles/pix2pix_cxr/configs"
SMALL = {"image_size": 32, "network_def#channels": [4, 8, 16], "network_def#strides": [1, 2]}
SHORT = {"epochs": 12, "val_interval": 6, "learning_rate": 0.002, "ema_decay": 0.9, "discriminator_b_def#channels": 8}


def parsed(*names: str) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([f"{CONFIGS}/{name}.json" for name in names])
    return parser


def run(*names: str, **options: object) -> ConfigWorkflow:
    files = [f"{CONFIGS}/{name}.json" for name in names]
    kind = "infer" if "inference" in names else "train"
    workflow = ConfigWorkflow(files, workflow_type=kind, logging_file=False, **SMALL, **options)
    workflow.initialize()
    workflow.run()
    return workflow


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, paired_data: Path) -> Path:
    """Bundle root with a short training behind it."""
    root = tmp_path_factory.mktemp("bundle")
    run("train", bundle_root=str(root), dataset_dir=str(paired_data), **SHORT)
    return root


def logged(folder: Path, name: str) -> list[float]:
    """Values of a scalar that was written for TensorBoard."""
    files = [EventAccumulator(str(path)).Reload() for path in folder.glob("events.out.tfevents.*")]
    return [event.value for file in files if name in file.Tags()["scalars"] for event in file.Scalars(name)]


@pytest.mark.slow
def test_training_writes_one_flat_model_and_its_pixel_term_falls(bundle: Path) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    resume = torch.load(bundle / "models" / "resume.pt", weights_only=True)
    assert resume["trainer"]["epoch"] == SHORT["epochs"]
    assert json.loads((bundle / "models" / "watch.json").read_text())["state"] == "ended"
    pixel = logged(bundle / "eval", "pixel")
    assert np.mean(pixel[-12:]) < 0.7 * np.mean(pixel[:12])
    assert len(logged(bundle / "eval", "discriminator_fake")) == len(pixel)
    # The best of the validations was kept.
    assert resume["shared"]["best_model"]["best"] == pytest.approx(min(logged(bundle / "eval", "mae")), rel=1e-5)


@pytest.mark.slow
def test_evaluation_measures_test_patients_against_their_truth(bundle: Path, paired_data: Path) -> None:
    run("train", "evaluate", bundle_root=str(bundle), dataset_dir=str(paired_data))
    found = pd.read_csv(bundle / "eval" / "metrics.csv", header=None, index_col=0)[1]
    load = Compose([LoadRadiograph(), ScaleGreyLevels(), Resize([32, 32], mode="area")])
    sources = sorted((paired_data / "test" / "site_a").glob("*.dcm"))
    assert len(sources) == 2
    raw = [(load(path) - load(paired_data / "truth" / "site_b" / path.name)).abs().mean() / 2 for path in sources]
    assert found["mae_of_input"] == pytest.approx(float(np.mean(raw)), rel=1e-4)
    assert found["mae"] < 0.7 * found["mae_of_input"]
    assert found["ssim"] > found["ssim_of_input"]


@pytest.mark.slow
def test_inference_writes_files_like_the_sources_with_certificates(
    bundle: Path, paired_data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    source = next((paired_data / "test" / "site_a").glob("*.dcm"))
    shutil.copy(source, folder / "film.dcm")
    # No multiple of the strides, smaller and larger than what the network was trained with.
    for name, shape in {"small": (27, 19), "odd": (37, 101)}.items():
        levels = np.linspace(0, 60000, shape[0] * shape[1]).astype(np.uint16).reshape(shape)
        Image.fromarray(levels).save(folder / f"{name}.png")
    workflow = run("inference", bundle_root=str(bundle), input=str(folder), output_dir=str(tmp_path / "out"))
    assert workflow.parser.get_parsed_content("evaluator").exit_code == 0
    new, old = pydicom.dcmread(tmp_path / "out" / "film.dcm"), pydicom.dcmread(source)
    for keyword in ("Rows", "Columns", "BitsStored", "PhotometricInterpretation", "ImagerPixelSpacing"):
        assert new[keyword].value == old[keyword].value, keyword
    assert new.ImageType[0] == "DERIVED"
    assert np.corrcoef(new.pixel_array.ravel(), old.pixel_array.ravel())[0, 1] > 0.5
    assert Image.open(tmp_path / "out" / "odd.png").size == (101, 37)
    certificates = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.certificate.json")]
    assert [one["guarantee_class"] for one in certificates] == 3 * ["G4"]


def test_sites_without_a_common_patient_are_one_clear_message(chest_data: Path, tmp_path: Path) -> None:
    where = {"ckpt_dir": str(tmp_path / "models"), "output_dir": str(tmp_path / "eval")}
    with pytest.raises(Exception, match="dataset") as caught:
        run("train", dataset_dir=str(chest_data), **where)
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__
    message = str(error)
    assert message.startswith("No 'patient' was found at all of the sites site_a, site_b.")
    assert "column 'patient'" in message
    assert "6 of 6 of site_a, 6 of 6 of site_b have a 'patient'" in message
    assert "CycleGAN" in message
    assert not (tmp_path / "models").exists()


def test_config_numbers_are_the_papers() -> None:
    train = json.loads(Path(CONFIGS, "train.json").read_text())
    paper = json.loads(Path(CONFIGS, "paper.json").read_text())
    assert (paper["image_size"], paper["epochs"], paper["learning_rate"], train["batch_size"]) == (256, 200, 0.0002, 1)
    assert train["loss_weights"]["pixel"] == 100 * train["loss_weights"]["adversarial"]
    assert paper["network_def#channels"][:4] == [64, 128, 256, 512]
    # C64-C128-C256-C512, each logit of which looks at 70 x 70 pixels.
    assert (paper["discriminator_b_def#channels"], paper["discriminator_b_def#num_layers_d"]) == (64, 3)


def test_weights_of_the_papers_training_fit_its_inference_overlay() -> None:
    train, inference = parsed("train", "paper"), parsed("inference", "paper_inference")
    assert train.get("network_def") == inference.get("network_def")
    assert train.get("image_size") == inference.get("image_size")
    inferer = inference.get_parsed_content("native_inferer")
    assert (inferer.multiple, inferer.min_size) == (128, 256)
