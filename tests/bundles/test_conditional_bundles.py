"""What CGAN, ACGAN and InfoGAN add to drawing: classes that are asked for, codes that are led through their values."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from monai.bundle import ConfigWorkflow

from monai_harmonize.data import load_manifest
from monai_harmonize.engines.plain_errors import input_error_in

CONDITIONAL = ("cgan_cxr", "acgan_cxr")


def workflow(bundle: str, kind: str, *names: str, **options: object) -> ConfigWorkflow:
    """A configuration of a bundle and its overlays, as the command makes it."""
    files = [f"bundles/{bundle}/configs/{name}.json" for name in (kind, *names)]
    return ConfigWorkflow(files, workflow_type=kind, logging_file=False, **options)


def draw(bundle: str, folder: Path, *names: str, **options: object) -> Path:
    """Samples of random weights of small networks; their folder."""
    options |= {"image_size": 8, "checkpoint": str(folder / "model.pt"), "output_dir": str(folder / "samples")}
    made = workflow(bundle, "inference", *names, **options)
    torch.manual_seed(0)
    torch.save(made.parser.get_parsed_content("network_def").state_dict(), folder / "model.pt")
    made.initialize()
    made.run()
    made.finalize()
    return folder / "samples"


@pytest.mark.parametrize("bundle", CONDITIONAL)
def test_classes_take_turns_or_are_asked_for(bundle: str, tmp_path: Path) -> None:
    records = load_manifest(draw(bundle, tmp_path, samples=5, classes=3) / "manifest.csv").records
    assert [record["label"] for record in records] == [0, 1, 2, 0, 1]
    assert {record["site"] for record in records} == {bundle}
    assert all(Path(record["image"]).is_file() for record in records)
    asked = load_manifest(draw(bundle, tmp_path, samples=2, label=1) / "manifest.csv").records
    assert [record["label"] for record in asked] == [1, 1]


@pytest.mark.parametrize("bundle", CONDITIONAL)
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"label_column": "finding"}, "the column finding of the manifest holds 'cavity'"),
        ({"classes": 3}, "labelled images has label 2; expected every class, 0 to 2"),
    ],
)
def test_labels_that_are_no_classes_are_refused(
    bundle: str, options: dict, told: str, chest_data: Path, tmp_path: Path
) -> None:
    places = {"dataset_dir": str(chest_data), "ckpt_dir": str(tmp_path), "output_dir": str(tmp_path)}
    made = workflow(bundle, "train", **places, **options)
    with pytest.raises(RuntimeError) as caught:
        made.parser.get_parsed_content("train#data")
    assert told in str(input_error_in(caught.value))


def test_a_class_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught:
        draw("cgan_cxr", tmp_path, label=2)
    assert "label is 2; this generator knows 0 to 1" in str(input_error_in(caught.value))


def test_each_code_is_led_through_its_values(tmp_path: Path) -> None:
    codes = {"categories": [3], "continuous": 1}
    folder = draw("infogan_cxr", tmp_path, "traversal", samples=2, steps=4, **codes)
    assert len(list(folder.glob("sample_0*.png"))) == 2 * (3 + 4)
    assert folder.with_name(f"{folder.name}_sheet.png").is_file()


def test_the_evaluation_has_a_table_of_what_codes_are_seen_as(tmp_path: Path) -> None:
    places = {"output_dir": str(tmp_path), "image_size": 8, "validate#handlers#3#samples": 20, "continuous": 2}
    workflow("infogan_cxr", "train", "evaluate", **places).parser.get_parsed_content("validate#handlers#3").write()
    table = pd.read_csv(tmp_path / "code_information.csv")
    assert list(table["code"].unique()) == ["category 1", "code 1", "code 2"]
    assert len(table) == 3 * 6
