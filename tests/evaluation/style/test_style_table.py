"""Table 1: means of the scores by way, the paper's numbers beside the methods that it names, sentences."""

import numpy as np
import pandas as pd
import pytest

from monai_harmonize.evaluation.style.paper import paper_row
from monai_harmonize.evaluation.style.segmentation_table import segmentation_table
from monai_harmonize.evaluation.style.style_table import style_table
from monai_harmonize.evaluation.style.words import findings, headline, warnings


def scores(ssim: float = 0.9, truth: bool = True) -> pd.DataFrame:
    rows = []
    for way, look, patient in [(way, look, p) for way in ("to", "back") for look in ("b", "c") for p in ("1", "2")]:
        there = way == "to"
        rows.append(
            {
                "way": way,
                "look": look,
                "image": f"{look}{patient}",
                "patient": patient,
                "lpips": 0.1 * int(patient) if there else 9.0,
                "cis": 0.3 if there else np.nan,
                "recognized": 1.0 if look == "b" else 0.0,
                "ssim_truth": (ssim if there else 0.0) if truth else np.nan,
                "mae_truth": 0.01 if truth else np.nan,
                "mean_iou": np.nan if there else 0.5 + 0.1 * int(patient),
            }
        )
    return pd.DataFrame(rows)


NETWORKS = {("raw", ""): "None", ("xu", "vgg19"): "Xu", ("own", "vgg19"): "Own"}


def test_each_score_is_of_its_way() -> None:
    table = style_table({network: scores() for network in NETWORKS}, NETWORKS).set_index("method")
    row = table.loc["xu"]
    assert row["lpips"] == pytest.approx(0.15)
    assert (row["lpips_low"], row["lpips_high"]) == pytest.approx((0.1, 0.2))
    assert row["ssim_truth"] == pytest.approx(0.9)
    assert row["recognized"] == pytest.approx(0.5)
    assert row["mean_iou"] == pytest.approx(0.65)
    assert (row["paper_lpips"], row["paper_cis"]) == (0.427, 0.124)
    assert np.isnan(table.loc["raw", "paper_lpips"])
    assert np.isnan(table.loc["own", "paper_cis"])


def test_without_truth_there_is_no_similarity_and_no_warning_of_it() -> None:
    table = style_table({network: scores(truth=False) for network in NETWORKS}, NETWORKS)
    assert table["ssim_truth"].isna().all()
    segmentation = pd.DataFrame({"patients": [20]})
    assert not [text for text in warnings(table, segmentation, lpips=True, seeds=2) if "truth" in text]


def test_what_loses_structure_is_named() -> None:
    found = {("raw", ""): scores(0.9), ("xu", "vgg19"): scores(0.8), ("own", "vgg19"): scores(0.95)}
    told = list(warnings(style_table(found, NETWORKS), pd.DataFrame({"patients": [3]}), lpips=False, seeds=1))
    assert len(told) == 4
    assert "3 test patients" in told[2]
    assert "Xu" in told[3]
    assert "Own" not in told[3]


def test_the_papers_rows() -> None:
    assert [paper_row(name) for name in ("xu", "adain", "contextual_transformation", "other")] == [
        "xu", "adain", "contextual_transformation", "other"
    ]  # fmt: skip


def test_the_headline_names_the_largest_loss_and_who_regains_most() -> None:
    rows = [
        (kind, look, patient, level + 0.01 * patient)
        for (kind, look), level in {
            ("plain", "a"): 0.8, ("plain", "b"): 0.7, ("plain", "c"): 0.4,
            ("x", "a"): 0.8, ("x", "b"): 0.7, ("x", "c"): 0.5,
            ("y", "a"): 0.79, ("y", "b"): 0.7, ("y", "c"): 0.7,
        }.items()
        for patient in range(3)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["kind", "look", "patient", "mean_iou"])
    frame = frame.assign(seed=0, image=frame["patient"], pixel_accuracy=1.0)
    table = segmentation_table(frame, "a", {"plain": "U-Net", "x": "X", "y": "Y"})
    assert headline(table, "a") == "U-Net of a loses 40 points of mean IoU on c; Y regains 75% of them."
    told = list(findings(table, "a", ["c"]))
    assert told[0] == "At home (a) U-Net reaches 81.0%; against that: X +0.0 points, Y -1.0 points."
    assert told[2].startswith("On c, a look that nobody trained on, it loses 40.0 points; regained: X 25%, Y 75%.")
