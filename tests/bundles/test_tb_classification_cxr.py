"""The classifier's commands: some as processes of their own from the repository root, the others as workflows."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigParser, ConfigWorkflow
from PIL import Image

from monai_harmonize.engines.plain_errors import input_error_in
from monai_harmonize.engines.weights import save_weights, trained_settings

CONFIGS = "bundles/tb_classification_cxr/configs"
SMALL = {"image_size": 64, "network_def#hidden_features": 8}
CURVE = "bundles/tone_curve_cxr"


def command(*names: str, **options: Any) -> subprocess.CompletedProcess:
    """`python -m monai.bundle run` with configurations and options."""
    files = [f"{CONFIGS}/{name}.json" for name in names]
    given = [text for name, value in {**SMALL, **options}.items() for text in (f"--{name}", str(value))]
    start = [sys.executable, "-m", "monai.bundle", "run", "--config_file", files[0] if len(files) == 1 else str(files)]
    return subprocess.run([*start, *given], capture_output=True, text=True, check=False)


def workflow(*names: str, **options: Any) -> ConfigWorkflow:
    """The same as the command line, in this process."""
    files = [f"{CONFIGS}/{name}.json" for name in names]
    ready = ConfigWorkflow(files, logging_file=False, **{**SMALL, **options})
    ready.initialize()
    return ready


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, chest_data: Path) -> Path:
    """Bundle root with a short training behind it, by the literal command."""
    root = tmp_path_factory.mktemp("bundle")
    done = command("train", bundle_root=root, dataset_dir=chest_data, epochs=2, batch_size=2)
    assert done.returncode == 0, done.stderr[-3000:]
    return root


@pytest.fixture(scope="module")
def curve(tmp_path_factory, chest_data: Path) -> Path:
    """A fitted site curve."""
    root = tmp_path_factory.mktemp("curve")
    files = [f"{CURVE}/configs/train.json"]
    fitting = ConfigWorkflow(files, logging_file=False, bundle_root=str(root), dataset_dir=str(chest_data))
    fitting.initialize()
    fitting.run()
    return root / "models" / "model.pt"


def evaluate(bundle: Path, data: Path, output: Path, **options: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    places = {"bundle_root": str(bundle), "dataset_dir": str(data), "output_dir": str(output)}
    workflow("train", "evaluate", **places, **options).run()
    return pd.read_csv(output / "scores.csv"), json.loads((output / "summary.json").read_text())


@pytest.mark.slow
def test_training_writes_a_flat_model_its_threshold_and_a_resume_state(bundle: Path) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    settings = trained_settings(bundle / "models" / "model.pt")
    assert settings["image_size"] == 64
    assert 0 < settings["threshold"] < 1
    resume = torch.load(bundle / "models" / "resume.pt", weights_only=True)
    assert resume["trainer"]["epoch"] == 2
    assert list((bundle / "eval").glob("events.out.tfevents.*"))


@pytest.mark.slow
def test_evaluation_and_inference_agree(bundle: Path, chest_data: Path, tmp_path: Path) -> None:
    table, summary = evaluate(bundle, chest_data, tmp_path)
    assert list(table) == ["image", "patient", "label", "probability"]
    assert len(table) == summary["images"] == 3
    assert table["label"].sum() == summary["positives"]
    threshold = trained_settings(bundle / "models" / "model.pt")["threshold"]
    assert summary["threshold"] == threshold
    ill = table["probability"][table["label"] == 1]
    assert summary["sensitivity"] == pytest.approx((ill >= threshold).mean())
    done = command("inference", bundle_root=bundle, dataset_dir=chest_data, output_dir=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert predictions["image"].tolist() == table["image"].tolist()
    np.testing.assert_allclose(predictions["probability"], table["probability"], atol=1e-6)
    assert predictions["above_threshold"].tolist() == (predictions["probability"] >= threshold).astype(int).tolist()


def test_the_threshold_is_that_of_the_validation_images(bundle: Path, chest_data: Path, tmp_path: Path) -> None:
    """The best epoch's threshold separates the two validation images, or calls both ill."""
    table, summary = evaluate(bundle, chest_data, tmp_path, split="validation")
    assert summary["sensitivity"] + summary["specificity"] == max(1, 2 * summary["auc"])
    assert len(table) == 2


def test_raw_and_harmonized_differ_by_one_line(bundle: Path, curve: Path, chest_data: Path, tmp_path: Path) -> None:
    """In front of the classifier, or as files in the place of the originals: the same."""
    raw, _ = evaluate(bundle, chest_data, tmp_path / "raw", site="site_a")
    front = {"harmonizer": CURVE, "harmonizer_checkpoint": str(curve)}
    harmonized, _ = evaluate(bundle, chest_data, tmp_path / "front", site="site_a", **front)
    assert raw["image"].tolist() == harmonized["image"].tolist()
    assert (raw["probability"] - harmonized["probability"]).abs().max() > 1e-5
    files = [f"{CURVE}/configs/inference.json"]
    places = {"checkpoint": str(curve), "dataset_dir": str(chest_data), "output_dir": str(tmp_path / "files")}
    writing = ConfigWorkflow(files, workflow_type="inference", logging_file=False, **places)
    writing.initialize()
    writing.run()
    twins, _ = evaluate(bundle, chest_data, tmp_path / "twins", site="site_a", harmonized=str(tmp_path / "files"))
    # Files hold rounded grey levels.
    change = (raw["probability"] - harmonized["probability"]).abs().max()
    np.testing.assert_allclose(twins["probability"], harmonized["probability"], atol=0.05 * change)


def test_training_in_several_looks(curve: Path, chest_data: Path, tmp_path: Path) -> None:
    """The classifier of other looks learns other weights from the same draws."""

    def train(name: str, *overlays: str, **options: Any) -> dict[str, torch.Tensor]:
        places = {"bundle_root": str(tmp_path / name), "dataset_dir": str(chest_data), "epochs": 1}
        ready = workflow("train", *overlays, **places, batch_size=2, **options)
        ready.run()
        return torch.load(tmp_path / name / "models" / "resume.pt", weights_only=True)["shared"]["network"]

    looks = [{"bundle": CURVE, "checkpoint": str(curve)}]
    plain, seen = train("plain"), train("seen", "augmented", looks=looks)
    assert not torch.equal(plain["features.0.weight"], seen["features.0.weight"])
    assert torch.equal(seen["features.0.weight"], train("again", "augmented", looks=looks)["features.0.weight"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ckpt_dir": "absent"}, "there are no trained weights"),
        ({"label_column": "finding"}, "the column finding of the manifest holds"),
        ({"label_column": "disease"}, "0 of 0 labelled images have disease 1; expected both classes"),
        ({"image_size": 128}, "was trained with image_size 64, not 128"),
        ({"harmonizer": "absent"}, "absent: is no folder of a bundle"),
        ({"harmonized": "absent"}, "3 of 3 images have no harmonized file"),
    ],
)
def test_wrong_options_are_one_clear_message(
    bundle: Path, chest_data: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - MONAI wraps what a configuration raises
        evaluate(bundle, chest_data, tmp_path, **options)
    assert message in str(input_error_in(raised.value))


def test_weights_without_a_threshold_are_told_before_any_image(bundle: Path, chest_data: Path, tmp_path: Path) -> None:
    shutil.copy(bundle / "models" / "model.pt", tmp_path / "model.pt")
    options = {"bundle_root": str(tmp_path), "dataset_dir": str(chest_data), "checkpoint": str(tmp_path / "model.pt")}
    with pytest.raises(Exception) as raised:  # noqa: PT011
        workflow("inference", **options).run()
    assert "model.json: holds no threshold" in str(input_error_in(raised.value))
    workflow("inference", **options, threshold=0.0).run()
    assert pd.read_csv(tmp_path / "eval" / "predictions.csv")["above_threshold"].tolist() == [1, 1, 1]


@pytest.mark.slow
def test_one_folder_of_good_and_bad_files(bundle: Path, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 65536, (97, 101)).astype(np.uint16)
    Image.fromarray(pixels).save(folder / "deep" / "odd.png")
    (folder / "cut.png").write_bytes((folder / "deep" / "odd.png").read_bytes()[:900])
    done = command("inference", bundle_root=bundle, input=folder, output_dir=output)
    assert done.returncode == 1
    assert "1 of 2 files failed" in done.stdout + done.stderr
    table = pd.read_csv(output / "predictions.csv")
    assert table["image"].tolist() == ["deep/odd.png"]
    assert table["probability"].between(0, 1).all()


def test_a_stopped_training_ends_with_the_same_bits(chest_data: Path, tmp_path: Path) -> None:
    """The second training is stopped after the first of three epochs and started again."""

    def train(name: str, stop: bool = False) -> dict[str, Any]:
        places = {"bundle_root": str(tmp_path / name), "dataset_dir": str(chest_data)}
        ready = workflow("train", **places, epochs=3, batch_size=2)
        if stop:
            trainer = ready.parser.get_parsed_content("train#trainer")
            trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: engine.terminate())
        ready.run()
        return torch.load(tmp_path / name / "models" / "resume.pt", weights_only=True)

    whole, part, again = train("whole"), train("parts", stop=True), train("parts")
    assert (part["trainer"]["epoch"], part["trainer"]["finished"]) == (1, False)
    assert whole["shared"]["best_model"] == again["shared"]["best_model"]
    for name, value in whole["shared"]["network"].items():
        torch.testing.assert_close(value, again["shared"]["network"][name], rtol=0, atol=0)


def test_a_stopped_training_goes_on_with_the_same_harmonizers_only(
    curve: Path, chest_data: Path, tmp_path: Path
) -> None:
    """Their weights count, not what the files are called."""
    weights = tmp_path / "curve" / "model.pt"
    shutil.copytree(curve.parent, weights.parent)

    def train(stop: bool = False) -> None:
        looks = [{"bundle": CURVE, "checkpoint": str(weights)}]
        places = {"bundle_root": str(tmp_path / "trained"), "dataset_dir": str(chest_data), "cache_rate": 0.0}
        front = {"harmonizer": CURVE, "harmonizer_checkpoint": str(weights), "looks": looks}
        ready = workflow("train", "augmented", **places, **front, epochs=2, batch_size=2)
        if stop:
            trainer = ready.parser.get_parsed_content("train#trainer")
            trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: engine.terminate())
        ready.run()

    train(stop=True)
    state = torch.load(weights, weights_only=True)
    torch.save({name: value + 0.01 if value.is_floating_point() else value for name, value in state.items()}, weights)
    with pytest.raises(RuntimeError, match="Failed to evaluate") as raised:
        train()
    expected = r"has harmonizer_weights \w{16}, now \w{16}; weights_of_looks \['\w{16}'\], now"
    assert re.search(expected, str(input_error_in(raised.value)))
    torch.save(state, weights)
    train()


@pytest.mark.parametrize("overlay", ["densenet121", "paper"])
def test_overlays_of_training_and_inference_name_one_network(overlay: str) -> None:
    def network(*names: str) -> Any:
        parser = ConfigParser()
        parser.read_config([f"{CONFIGS}/{name}.json" for name in names])
        parser["weights"] = None
        return parser.get_parsed_content("network_def"), parser["image_size"]

    (training, size), (inference, other) = network("train", overlay), network("inference", f"{overlay}_inference")
    shapes = [{name: value.shape for name, value in part.state_dict().items()} for part in (training, inference)]
    assert shapes[0] == shapes[1]
    assert size == other


def test_pretrained_weights_are_one_value(tmp_path: Path, chest_data: Path) -> None:
    from monai_harmonize.networks.torchvision_import import torchvision  # noqa: PLC0415

    torch.manual_seed(1)
    path = save_weights(torchvision.models.alexnet(), tmp_path / "alexnet.pt")
    parser = workflow("train", bundle_root=str(tmp_path), dataset_dir=str(chest_data), weights=str(path)).parser
    network = parser.get_parsed_content("network_def")
    assert torch.equal(network.features[3].weight, torch.load(path, weights_only=True)["features.3.weight"])


@pytest.mark.long
def test_two_processes_train_with_ddp(tmp_path: Path, chest_data: Path) -> None:
    files = str([f"{CONFIGS}/{name}.json" for name in ("train", "multi_gpu_train")])
    options = {**SMALL, "bundle_root": tmp_path, "dataset_dir": chest_data, "epochs": 1, "batch_size": 2}
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    start = [*launcher, "-m", "monai.bundle", "run", "--config_file", files, *given]
    done = subprocess.run(start, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    model = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert not any(name.startswith("module.") for name in model)
    assert 0 < trained_settings(tmp_path / "models" / "model.pt")["threshold"] < 1
