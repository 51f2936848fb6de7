"""The overlay of cyclegan_cxr with shape consistency: a short training with a segmentation network of the user's."""

import csv
import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import digest_of_weights

CONFIGS = "bundles/cyclegan_cxr/configs"
FILES = [f"{CONFIGS}/train.json", f"{CONFIGS}/shape_consistency.json"]


@pytest.fixture
def segmenter(tmp_path: Path) -> Path:
    parser = ConfigParser()
    parser.read_config("bundles/lung_segmentation_cxr/configs/inference.json")
    torch.manual_seed(0)
    torch.save(parser.get_parsed_content("network_def").state_dict(), tmp_path / "lungs.pt")
    return tmp_path / "lungs.pt"


def training(data: Path, folder: Path, segmenter: Path, **options: object) -> ConfigWorkflow:
    workflow = ConfigWorkflow(
        config_file=FILES, workflow_type="train", logging_file=False, dataset_dir=str(data), ckpt_dir=str(folder),
        output_dir=str(folder / "eval"), segmentation_checkpoint=str(segmenter), image_size=32, epochs=1,
        val_interval=1, **{"network_def#channels": 4, "network_def#num_blocks": 1}, **options,
    )  # fmt: skip
    workflow.initialize()
    return workflow


def test_a_frozen_network_looks_on_while_the_translators_learn(
    chest_data: Path, segmenter: Path, tmp_path: Path
) -> None:
    workflow = training(chest_data, tmp_path, segmenter)
    parser = workflow.parser
    loss = parser.get_parsed_content("objective").shape_losses["b"]
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    generator = parser.get_parsed_content("network")
    started = {name: value.clone() for name, value in generator.state_dict().items()}
    workflow.run()
    output = parser.get_parsed_content("train#trainer").state.output
    assert output["losses"]["shape_a"] > 0
    assert "shape_b" not in output["losses"]
    # Masks are those of the phantoms, and travel with their images through the random transforms.
    assert set(output["lung_mask_a"].unique().tolist()) == {0.0, 1.0}
    inside = output["lung_mask_a"] > 0
    assert output["image_a"][inside].mean() < output["image_a"][~inside].mean()
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())
    assert any(not torch.equal(value, started[name]) for name, value in generator.state_dict().items())
    learning = {
        id(weight)
        for group in parser.get_parsed_content("generator_optimizer").param_groups
        for weight in group["params"]
    }
    assert not learning & {id(weight) for weight in loss.parameters()}
    state = torch.load(tmp_path / "resume.pt", weights_only=True)
    assert digest_of_weights(segmenter) in json.dumps(state["fingerprint"])
    assert not any("segmenter" in name for part in state["shared"].values() for name in part)


def test_without_masks_the_network_reads_the_images_themselves(
    chest_data: Path, segmenter: Path, tmp_path: Path
) -> None:
    with (chest_data / "manifest.csv").open(newline="") as file:
        rows = [{**row, "lung_mask": ""} for row in csv.DictReader(file)]
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    parser = training(chest_data, tmp_path, segmenter, manifest=str(tmp_path / "manifest.csv")).parser
    batch = next(iter(parser.get_parsed_content("train#dataloader")))
    assert batch.keys() == {"image_a", "image_b"}
    terms = next(iter(parser.get_parsed_content("objective").generator_losses(batch)))
    assert terms["shape_a"] > 0


def test_a_missing_segmentation_network_is_one_clear_message(chest_data: Path, tmp_path: Path) -> None:
    workflow = training(chest_data, tmp_path, tmp_path / "none.pt")
    with pytest.raises(Exception, match="Failed to instantiate") as told:
        workflow.run()
    error: BaseException | None = told.value
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__
    # What `plain_errors` shows.
    assert "none.pt: there is no segmentation network; train it" in str(error)
