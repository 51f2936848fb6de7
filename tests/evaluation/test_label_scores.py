"""Tables of label maps: images, labels, summary; infinite distances are counted, not averaged."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.networks import one_hot

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.label_scores import write_label_scores
from monai_harmonize.evaluation.segmentation_scores import summarize_scores

INF, NAN = math.inf, math.nan
LABELS = ("L1", "L2", "L3")
RECORDS = [
    {"image": "/data/a.nii", "file": "a.nii", "patient": "p"},
    {"image": "/data/b.nii", "file": "b.nii", "patient": "p"},
    {"image": "/data/c.nii", "file": "c.nii", "patient": "q"},
]
DETAILS = {
    "accuracy": [[0.9], [0.8], [1.0]],
    "iou": [[1.0, 0.5, 0.0, NAN], [0.9, NAN, 0.7, NAN], [1.0, NAN, NAN, NAN]],
    "dice": [[0.6, 0.0, NAN], [NAN, 0.8, NAN], [NAN, NAN, NAN]],
    "hd95": [[2.0, INF, NAN], [NAN, 3.0, NAN], [NAN, NAN, NAN]],
}


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, pd.DataFrame]:
    summary = write_label_scores(RECORDS, DETAILS, tmp_path, LABELS, lower_is_better=["hd95"])
    found = {name: pd.read_csv(tmp_path / f"{name}.csv") for name in ("images", "labels", "summary")}
    pd.testing.assert_frame_equal(found["summary"], summary, atol=1e-5)
    return found


def test_a_row_per_image(tables) -> None:
    images = tables["images"]
    assert list(images["image"]) == ["a.nii", "b.nii", "c.nii"]
    assert list(images["patient"]) == ["p", "p", "q"]
    for name, values in {
        "accuracy": [0.9, 0.8, 1.0],
        "iou": [0.5, 0.8, 1.0],
        "dice": [0.3, 0.8, NAN],
        "hd95": [2, 3, NAN],
        "hd95_absent": [1, 0, 0],
    }.items():
        np.testing.assert_allclose(images[name], values, atol=1e-5)


def test_a_row_per_label_that_an_image_has(tables) -> None:
    labels = tables["labels"]
    assert [*zip(labels["image"], labels["label"], strict=True)] == [("a.nii", "L1"), ("a.nii", "L2"), ("b.nii", "L2")]
    np.testing.assert_allclose(labels["iou"], [0.5, 0, 0.7])
    np.testing.assert_allclose(labels["dice"], [0.6, 0, 0.8])
    np.testing.assert_allclose(labels["hd95"], [2, INF, 3])
    np.testing.assert_allclose(labels["hd95_absent"], [0, 1, 0])
    assert "accuracy" not in labels


def test_a_summary_of_each_score_with_intervals_over_patients(tables) -> None:
    summary = tables["summary"].set_index(["score", "label"])
    expected = summarize_scores([0.9, 0.8, 1.0], ["p", "p", "q"])
    row = summary.loc[("accuracy", "all")]
    assert (row["mean"], row["low"], row["high"]) == pytest.approx(
        (expected.mean, expected.low, expected.high), abs=1e-5
    )
    assert [label for score, label in summary.index if score == "dice"] == ["all", "L1", "L2"]
    assert summary.loc[("dice", "L2"), "mean"] == pytest.approx(0.4)
    assert summary.loc[("dice", "all"), "worst"] == pytest.approx(0.3)
    # The larger distance is the worse one; the missed label is told apart.
    assert summary.loc[("hd95", "all"), "worst"] == 3
    assert summary.loc[("hd95", "L2")][["images", "mean"]].tolist() == [1, 3]
    assert summary.loc[("hd95_absent", "L2")][["images", "mean"]].tolist() == [2, 0.5]
    assert summary.loc[("hd95_absent", "all"), "mean"] == pytest.approx(1 / 3, abs=1e-5)


def test_scores_of_whole_images_only(tmp_path: Path) -> None:
    summary = write_label_scores(RECORDS, {"accuracy": DETAILS["accuracy"]}, tmp_path, LABELS)
    assert len(summary) == 1
    assert (tmp_path / "labels.csv").read_text().strip() == "image,label"


SCORES = {
    "accuracy": {"_target_": "monai_harmonize.metrics.PixelAccuracyMetric", "num_classes": 4},
    "iou": {"_target_": "monai_harmonize.metrics.LabelIoUMetric", "num_classes": 4},
    "dice": {"_target_": "monai_harmonize.metrics.LabelDiceMetric", "num_classes": 4},
    "hd95": {"_target_": "monai_harmonize.metrics.LabelHausdorffMetric", "num_classes": 4},
    "monai_dice": {"_target_": "DiceMetric", "include_background": False, "num_classes": 4},
}


def test_from_the_configuration_of_an_evaluator_to_the_tables(tmp_path: Path) -> None:
    truth, guess = torch.zeros(2, 3, 1, 12, 12, 6)
    truth[:, :, 2:8, 2:8, 1:4], truth[1:, :, 9:, 9:] = 1, 3
    guess[:, :, 3:9, 2:8, 1:4], guess[2:, :, 9:, 9:] = 1, 3
    affine = np.diag([2.0, 1.0, 1.0, 1.0])
    data = [
        {"image": one_hot(image[None], 4)[0], "label": MetaTensor(label, affine=affine)}
        for image, label in zip(guess, truth, strict=True)
    ]
    handlers = {
        name: {
            "_target_": "IgniteMetricHandler",
            "metric_fn": metric,
            "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
        }
        for name, metric in SCORES.items()
    }
    config = ConfigParser(
        {
            "imports": ["$from monai_harmonize.evaluation.label_scores import write_label_scores"],
            "data": data,
            "evaluator": {
                "_target_": "SupervisedEvaluator",
                "device": "cpu",
                "val_data_loader": {"_target_": "DataLoader", "dataset": "@data", "batch_size": 2},
                "network": {"_target_": "torch.nn.Identity"},
                "postprocessing": {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
                "key_val_metric": {"dice": handlers.pop("dice")},
                "additional_metrics": handlers,
            },
            "run": [
                "$@evaluator.run()",
                "$write_label_scores(@records, @evaluator.state.metric_details, @out, @labels, lower_is_better=@far)",
            ],
            "records": RECORDS,
            "labels": list(LABELS),
            "far": ["hd95"],
            "out": str(tmp_path),
        }
    )
    config.get_parsed_content("run")
    images = pd.read_csv(tmp_path / "images.csv").set_index("image")
    # A box of 6 x 6 x 3 pixels is one pixel of 2 mm off; images b and c have a second label, which b lacks.
    np.testing.assert_allclose(images["dice"], [5 / 6, 5 / 12, 11 / 12], atol=1e-5)
    np.testing.assert_allclose(images["monai_dice"], images["dice"], atol=1e-5)
    np.testing.assert_allclose(images["hd95"], [2, 2, 1])
    np.testing.assert_allclose(images["hd95_absent"], [0, 1, 0])
    np.testing.assert_allclose(images["accuracy"], 1 - np.array([36, 36 + 54, 36]) / truth[0].numel(), atol=1e-5)
    labels = pd.read_csv(tmp_path / "labels.csv").set_index(["image", "label"])
    assert labels.loc[("b.nii", "L3"), "hd95"] == INF
    assert labels.loc[("c.nii", "L1"), "iou"] == pytest.approx(5 / 7, abs=1e-5)


@pytest.mark.parametrize("values", [[[0.5]], [[0.5, 0.5]] * 3, [[0.5] * 5] * 3, [0.5] * 3])
def test_scores_must_match_records_and_labels(values, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dice has scores of shape"):
        write_label_scores(RECORDS, {"dice": values}, tmp_path, LABELS)


def test_an_unknown_distance_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"lower_is_better names hd59; expected names out of accuracy, iou, dice, hd95"
    ):
        write_label_scores(RECORDS, DETAILS, tmp_path, LABELS, lower_is_better=["hd95", "hd59"])
