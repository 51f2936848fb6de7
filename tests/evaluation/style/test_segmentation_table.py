"""Table 2: losses, changes and shares regained of scores that were written down beforehand."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from monai_harmonize.evaluation.style.paired import PatientDraws, with_ends
from monai_harmonize.evaluation.style.segmentation_table import segmentation_table

TITLES = {"plain": "U-Net", "styles": "U-Net + styles"}
# By kind and look, what every patient's score is besides the patient's own part.
LEVELS = {("plain", "home"): 0.8, ("plain", "away"): 0.5, ("styles", "home"): 0.78, ("styles", "away"): 0.65}
OWN = (-0.04, -0.02, 0.0, 0.02, 0.04)


def scores(levels=LEVELS, own=OWN, seeds=(0,), shared=True) -> pd.DataFrame:
    rows = []
    for ((kind, look), level), (place, part), seed in product(levels.items(), enumerate(own), seeds):
        patient = f"p{place}" if shared else f"{look}{place}"
        rows.append(
            {
                "kind": kind,
                "seed": seed,
                "look": look,
                "image": f"{look}/{patient}",
                "patient": patient,
                "pixel_accuracy": 0.9,
                "mean_iou": level + part + 0.01 * seed,
            }
        )
    return pd.DataFrame(rows)


def row(table: pd.DataFrame, kind: str, look: str) -> pd.Series:
    return table[(table["kind"] == kind) & (table["look"] == look)].iloc[0]


def test_loss_change_and_share_regained() -> None:
    table = segmentation_table(scores(), "home", TITLES)
    away = row(table, "styles", "away")
    assert away["mean_iou"] == pytest.approx(0.65)
    assert away["loss"] == pytest.approx(0.3)
    assert away["change"] == pytest.approx(0.15)
    assert away["regained"] == pytest.approx(0.5)
    home = row(table, "styles", "home")
    assert home["change"] == pytest.approx(-0.02)
    assert np.isnan(home["regained"])
    assert np.isnan(row(table, "plain", "away")["regained"])
    assert list(table["patients"]) == [5] * 4
    assert list(table["look"]) == ["home", "away"] * 2


def test_a_patient_in_both_looks_is_drawn_in_both() -> None:
    """Patients differ, their losses do not: a paired interval of the loss has no width, an unpaired one has."""
    paired = row(segmentation_table(scores(), "home", TITLES), "plain", "away")
    assert paired["loss_high"] - paired["loss_low"] == pytest.approx(0, abs=1e-9) or np.isnan(paired["loss_low"])
    apart = row(segmentation_table(scores(shared=False), "home", TITLES), "plain", "away")
    assert apart["loss_high"] - apart["loss_low"] > 0.03
    assert apart["loss"] == pytest.approx(paired["loss"])
    # The score itself depends on who is drawn, either way.
    assert paired["mean_iou_high"] - paired["mean_iou_low"] > 0.03


def test_no_share_of_a_loss_that_is_not_there() -> None:
    noisy = {("plain", "home"): 0.8, ("plain", "away"): 0.79, ("styles", "home"): 0.8, ("styles", "away"): 0.8}
    unpaired = row(segmentation_table(scores(noisy, shared=False), "home", TITLES), "styles", "away")
    assert unpaired["loss_low"] < 0
    assert np.isnan(unpaired["regained"])
    small = {**noisy, ("plain", "away"): 0.795}
    assert np.isnan(row(segmentation_table(scores(small), "home", TITLES), "styles", "away")["regained"])
    large = {**noisy, ("plain", "away"): 0.785}
    assert row(segmentation_table(scores(large), "home", TITLES), "styles", "away")["regained"] == pytest.approx(1.0)


def test_seeds_are_averaged_and_their_spread_is_told() -> None:
    table = segmentation_table(scores(seeds=(0, 1, 2)), "home", TITLES)
    found = row(table, "plain", "home")
    assert found["mean_iou"] == pytest.approx(0.81)
    assert found["mean_iou_sd"] == pytest.approx(0.01)
    assert found["seeds"] == 3
    assert np.isnan(row(segmentation_table(scores(), "home", TITLES), "plain", "home")["mean_iou_sd"])


def test_two_images_of_a_patient_come_together() -> None:
    """The variance of a mean over n patients with k equal images each is that of n patients, not of n k images."""
    draws = PatientDraws({"look": [f"p{place}" for place in range(8)]}, resamples=4000)
    values = np.linspace(0, 1, 8)
    once = draws.means([f"p{place}" for place in range(8)], values)
    twice = draws.means([f"p{place}" for place in range(8)] * 2, np.tile(values, 2))
    np.testing.assert_allclose(once, twice)
    assert once[1:].std() == pytest.approx(values.std() / np.sqrt(8), rel=0.05)


def test_a_score_that_some_images_lack() -> None:
    draws = PatientDraws({"look": ["a", "b", "c"]}, resamples=100)
    means = draws.means(["a", "b", "c"], [1.0, np.nan, 3.0])
    assert means[0] == 2.0
    assert set(np.round(means[1:][~np.isnan(means[1:])], 6)) <= {1.0, 1.666667, 2.333333, 1.5, 2.5, 2.0, 3.0}
    assert np.isnan(with_ends("x", draws.means(["a"], [np.nan]))["x"])


def test_no_resample_of_a_look_is_empty() -> None:
    draws = PatientDraws({"one": ["a", "b"], "other": [f"o{place}" for place in range(30)]}, resamples=3000)
    assert not np.isnan(draws.means(["a", "b"], [0.0, 1.0])).any()
