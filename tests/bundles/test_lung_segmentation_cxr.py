"""The bundle's commands: one as a process of its own from the repository root, the others as workflows."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from PIL import Image

from monai_harmonize.engines.plain_errors import input_error_in

CONFIGS = "bundles/lung_segmentation_cxr/configs"
SMALL = {"image_size": 32, "network_def#channels": [4, 8], "network_def#strides": [2], "batch_size": 2}


def command(*names: str, **options: Any) -> list[str]:
    """Options of `python -m monai.bundle run`."""
    files = [f"{CONFIGS}/{name}.json" for name in names]
    options = {**SMALL, **options}
    # An option that a configuration does not know is refused.
    if "inference" in names:
        options.pop("batch_size")
    given = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    return ["-m", "monai.bundle", "run", "--config_file", files[0] if len(files) == 1 else str(files), *given]


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
    arguments = command("train", bundle_root=root, dataset_dir=chest_data, epochs=2)
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return root


def test_training_writes_a_flat_model_and_a_resume_state(bundle: Path) -> None:
    state = torch.load(bundle / "models" / "model.pt", weights_only=True)
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert any(name.endswith("running_mean") for name in state)
    resume = torch.load(bundle / "models" / "resume.pt", weights_only=True)
    assert resume["trainer"]["epoch"] == 2
    assert 0 < resume["shared"]["best_model"]["best"] <= 1
    assert list((bundle / "eval").glob("events.out.tfevents.*"))


def evaluate(bundle: Path, data: Path, output: Path, **options: Any) -> pd.DataFrame:
    places = {"bundle_root": str(bundle), "dataset_dir": str(data), "output_dir": str(output)}
    workflow("train", "evaluate", **places, **options).run()
    return pd.read_csv(output / "dice.csv")


def test_masks_agree_with_the_evaluated_dice(bundle: Path, chest_data: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    workflow("inference", bundle_root=str(bundle), dataset_dir=str(chest_data), output_dir=str(masks)).run()
    table = evaluate(bundle, chest_data, tmp_path)
    assert len(table) == 3
    assert table["worst_decile"].tolist() == [True, False, False]
    assert table["dice"].is_monotonic_increasing
    for row in table.itertuples():
        mask = np.asarray(Image.open((masks / row.image).with_suffix(".png"))) > 0
        lungs = np.asarray(Image.open(chest_data / row.image.replace(".dcm", "_lungs.png"))) > 0
        assert mask.shape == pydicom.dcmread(chest_data / row.image).pixel_array.shape
        assert row.dice == pytest.approx(2 * (mask & lungs).sum() / (mask.sum() + lungs.sum()), abs=1e-4)
    (summary,) = pd.read_csv(tmp_path / "dice_summary.csv").to_dict("records")
    assert summary["mean"] == pytest.approx(table["dice"].mean(), abs=1e-4)
    assert summary["low"] <= summary["mean"] <= summary["high"]


def test_raw_and_harmonized_differ_by_one_argument(bundle: Path, chest_data: Path, tmp_path: Path) -> None:
    """Files of the raw pixels give the raw Dice, turned ones do not; the masks stay those of the originals."""
    for kind in ("same", "turned"):
        (tmp_path / kind / "test" / "site_a").mkdir(parents=True)
        for path in (chest_data / "test" / "site_a").glob("*.dcm"):
            image = pydicom.dcmread(path)
            if kind == "turned":
                image.PixelData = (4095 - image.pixel_array).astype(np.uint16).tobytes()
            image.save_as(tmp_path / kind / "test" / "site_a" / path.name)
    options = {"site": "site_a", "region": "image_left"}
    raw = evaluate(bundle, chest_data, tmp_path / "raw_out", **options)
    same = evaluate(bundle, chest_data, tmp_path / "same_out", **options, harmonized=str(tmp_path / "same"))
    turned = evaluate(bundle, chest_data, tmp_path / "turned_out", **options, harmonized=str(tmp_path / "turned"))
    whole = evaluate(bundle, chest_data, tmp_path / "whole_out", site="site_a")
    pd.testing.assert_frame_equal(raw, same)
    assert set(turned["image"]) == set(raw["image"])
    assert turned["dice"].to_list() != raw["dice"].to_list()
    assert whole["dice"].to_list() != raw["dice"].to_list()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "left"}, "expected one of all, image_left, image_right"),
        ({"mask_columns": ["liver_mask"]}, "none of 3 selected images has a mask; fill the column liver_mask"),
        ({"ckpt_dir": "absent"}, "there are no trained weights"),
        ({"harmonized": "absent"}, "3 of 3 images have no harmonized file"),
    ],
)
def test_wrong_options_are_one_clear_message(
    bundle: Path, chest_data: Path, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - MONAI wraps what a configuration raises
        evaluate(bundle, chest_data, tmp_path, **options)
    assert message in str(input_error_in(raised.value))


def test_one_folder_of_good_and_bad_files(bundle: Path, tmp_path: Path, caplog) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    (folder / "deep").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 65536, (37, 101)).astype(np.uint16)
    Image.fromarray(pixels).save(folder / "deep" / "odd.png")
    Image.fromarray(np.full((1, 1), 7, np.uint8)).save(folder / "pixel.png")
    (folder / "cut.png").write_bytes((folder / "deep" / "odd.png").read_bytes()[:900])
    segmented = workflow("inference", bundle_root=str(bundle), input=str(folder), output_dir=str(output))
    with caplog.at_level("INFO"):
        segmented.run()
    assert "1 of 3 files failed" in caplog.text
    assert "Segmented 2 files" in caplog.text
    with pytest.raises(SystemExit, match="1"):
        segmented.finalize()
    mask = np.asarray(Image.open(output / "deep" / "odd.png"))
    assert mask.shape == (37, 101)
    assert set(np.unique(mask)) <= {0, 255}
    assert (output / "pixel.png").is_file()


def test_a_stopped_training_ends_with_the_same_bits(chest_data: Path, tmp_path: Path) -> None:
    """The second training is stopped after the first of three epochs and started again."""

    def train(name: str, stop: bool = False) -> dict[str, Any]:
        ready = workflow("train", bundle_root=str(tmp_path / name), dataset_dir=str(chest_data), epochs=3)
        if stop:
            trainer = ready.parser.get_parsed_content("train#trainer")
            trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: engine.terminate())
        ready.run()
        return torch.load(tmp_path / name / "models" / "resume.pt", weights_only=True)

    whole, part, again = train("whole"), train("parts", stop=True), train("parts")
    assert (part["trainer"]["epoch"], part["trainer"]["finished"]) == (1, False)
    assert whole["trainer"] == again["trainer"]
    assert whole["shared"]["best_model"] == again["shared"]["best_model"]
    for name, value in whole["shared"]["network"].items():
        torch.testing.assert_close(value, again["shared"]["network"][name], rtol=0, atol=0)


@pytest.mark.long
def test_two_processes_train_with_ddp(tmp_path: Path, chest_data: Path) -> None:
    arguments = command("train", "multi_gpu_train", bundle_root=tmp_path, dataset_dir=chest_data, epochs=1)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run([*launcher, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    state = torch.load(tmp_path / "models" / "resume.pt", weights_only=True)
    assert len(state["per_rank"]) == 2
    model = torch.load(tmp_path / "models" / "model.pt", weights_only=True)
    assert model.keys() == state["shared"]["network"].keys()
    assert not any(name.startswith("module.") for name in model)
