"""Every bundle that draws images: a short training, samples, the comparison with real ones."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
import torch
from monai.bundle import ConfigWorkflow
from PIL import Image

from monai_harmonize.engines.plain_errors import input_error_in

BUNDLES = [
    path.parents[1]
    for path in sorted(Path("bundles").glob("*/configs/metadata.json"))
    if json.loads(path.read_text())["network_data_format"]["inputs"]["image"]["format"] == "latent"
]
SMALL = {"image_size": 16, "val_interval": 1, "batch_size": 3}


def train_option(bundle: Path, name: str) -> float:
    """Value of a top-level entry of the training."""
    return json.loads((bundle / "configs" / "train.json").read_text())[name]


def output_of(bundle: Path) -> dict:
    """What the metadata say of the drawn images."""
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    return metadata["network_data_format"]["outputs"]["pred"]


def draws_volumes(bundle: Path) -> bool:
    """Whether samples have three axes."""
    return len(output_of(bundle)["spatial_shape"]) == 3


def read(path: Path) -> np.ndarray:
    """Stored values of a sample: a radiograph's of 16 bits, or a CT's HU."""
    if path.suffix == ".png":
        return np.asarray(Image.open(path))
    return np.asarray(nibabel.load(path).dataobj)


def epochs_of(bundle: Path, generator_epochs: int) -> int:
    """Epochs in which a generator has as many steps as one that steps in every iteration."""
    return generator_epochs * int(train_option(bundle, "generator_interval"))


def run(kind: str, files: list[Path], **options: object) -> ConfigWorkflow:
    """Run a configuration as the command does, in this process."""
    workflow = ConfigWorkflow([str(file) for file in files], workflow_type=kind, logging_file=False, **options)
    workflow.initialize()
    workflow.run()
    workflow.finalize()
    return workflow


@pytest.fixture(scope="module", params=BUNDLES, ids=lambda path: path.name)
def bundle(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="module")
def data(bundle: Path, request: pytest.FixtureRequest) -> Path:
    """Images of the kind that the bundle learns from."""
    return request.getfixturevalue("spine_data" if output_of(bundle)["modality"] == "CT" else "chest_data")


@pytest.fixture(scope="module")
def trained(bundle: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a short training."""
    folder = tmp_path_factory.mktemp(bundle.name)
    places = {"ckpt_dir": str(folder / "models"), "output_dir": str(folder / "eval")}
    run(
        "train",
        [bundle / "configs" / "train.json"],
        dataset_dir=str(data),
        **places,
        **SMALL,
        epochs=epochs_of(bundle, 2),
    )
    return folder


def draw(bundle: Path, trained: Path, output: Path, **options: object) -> list[np.ndarray]:
    """Samples that inference writes."""
    files = [bundle / "configs" / "inference.json"]
    places = {"checkpoint": str(trained / "models" / "model.pt"), "output_dir": str(output)}
    run("inference", files, image_size=SMALL["image_size"], **places, **options)
    return [read(path) for path in sorted(output.glob("sample_0*"))]


def test_a_training_moves_both_sides_and_leaves_what_inference_needs(bundle: Path, trained: Path) -> None:
    state = torch.load(trained / "models" / "resume.pt", weights_only=True)
    assert state["trainer"]["epoch"] == epochs_of(bundle, 2)
    settings = json.loads((trained / "models" / "model.json").read_text())
    assert settings["image_size"] == 16
    model = torch.load(trained / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) and value.isfinite().all() for value in model.values())
    # Training images have been seen by the discriminator, as its steps are counted.
    assert all(state["shared"][f"{side}_optimizer"]["state"] for side in ("generator", "discriminator"))


def test_samples_are_many_and_the_same_again(bundle: Path, trained: Path, tmp_path: Path) -> None:
    few = draw(bundle, trained, tmp_path / "few", samples=3, seed=4)
    many = draw(bundle, trained, tmp_path / "many", samples=5, seed=4)
    other = draw(bundle, trained, tmp_path / "other", samples=3, seed=5)
    assert len(few) == 3
    assert len(many) == 5
    shape = (16,) * len(output_of(bundle)["spatial_shape"])
    assert all(image.shape == shape and image.dtype.kind in "iu" and image.itemsize == 2 for image in many)
    # Convolutions of batches of another size round differently; HU are coarser.
    tolerance = 1 if draws_volumes(bundle) else 3
    for one, again, different in zip(few, many, other, strict=False):
        np.testing.assert_allclose(one.astype(float), again.astype(float), atol=tolerance)
        assert np.abs(one.astype(float) - different.astype(float)).max() > tolerance
    assert Image.open(tmp_path / "few_sheet.png").size[0] > 300


def test_evaluation_compares_with_real_images(bundle: Path, trained: Path, data: Path, tmp_path: Path) -> None:
    files = [bundle / "configs" / name for name in ("train.json", "evaluate.json")]
    places = {"ckpt_dir": str(trained / "models"), "output_dir": str(tmp_path)}
    # The test split has fewer images than neighbours are asked for.
    run("train", files, dataset_dir=str(data), **places, **SMALL, **{"validate#split": "train"})
    found = pd.read_csv(tmp_path / "metrics.csv", header=None, index_col=0)[1]
    assert found["kernel_distance"] > 0
    assert 0 <= found["precision"] <= 1
    assert 0 <= found["recall"] <= 1


def test_weights_of_other_settings_are_refused(bundle: Path, trained: Path, tmp_path: Path) -> None:
    places = {"checkpoint": str(trained / "models" / "model.pt"), "output_dir": str(tmp_path)}
    with pytest.raises(RuntimeError) as caught:
        run("inference", [bundle / "configs" / "inference.json"], samples=2, **places)
    asked = output_of(bundle)["spatial_shape"][0]
    assert f"was trained with image_size 16, not {asked}; add --image_size 16" in str(input_error_in(caught.value))
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_longer_training_comes_nearer_to_the_real_images(
    bundle: Path, trained: Path, data: Path, tmp_path: Path
) -> None:
    places = {"ckpt_dir": str(tmp_path / "models"), "output_dir": str(tmp_path / "eval")}
    epochs = {"epochs": epochs_of(bundle, 60), "val_interval": epochs_of(bundle, 20)}
    rate = max(0.001, train_option(bundle, "learning_rate"))
    longer = SMALL | epochs | {"learning_rate": rate, "ema_decay": 0.9}
    run("train", [bundle / "configs" / "train.json"], dataset_dir=str(data), **places, **longer)
    short, long = (
        torch.load(folder / "models" / "resume.pt", weights_only=True)["shared"]["best_model"]["best"]
        for folder in (trained, tmp_path)
    )
    # Of volumes with voxels of 10 mm there is less to learn.
    assert long < (0.8 if draws_volumes(bundle) else 0.5) * short
