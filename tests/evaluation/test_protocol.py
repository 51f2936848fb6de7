from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PILImage
from scipy.stats import wasserstein_distance as scipy_wasserstein

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation import Evaluation, evaluate_harmonization, pair_manifest
from monai_harmonize.evaluation.measure import IMAGE_MEASURES


def evaluate(study: Path, harmonized: Path, **options: Any) -> Evaluation:
    manifest = load_manifest(study / "manifest.csv").with_splits()
    pairing = pair_manifest(manifest, harmonized, root=study, source_site="a", target_site="b")
    return evaluate_harmonization(pairing, **{"resamples": 200, "progress": False, **options})


def value(evaluation: Evaluation, method: str, measure: str) -> float:
    measurement = evaluation.get(method, measure)
    assert measurement is not None
    return measurement.estimate


def pixels(folder: Path) -> np.ndarray:
    files = sorted(folder.glob("*.png"))
    return np.concatenate([np.asarray(PILImage.open(f)).ravel() / 65535 for f in files])


def test_doing_nothing_leaves_everything(study: Path, harmonize: Callable[..., Path]) -> None:
    evaluation = evaluate(study, harmonize(lambda raw, truth: raw))
    assert value(evaluation, "harmonized", "remaining_share") == pytest.approx(1)
    assert value(evaluation, "harmonized", "wasserstein_to_source") == 0
    assert value(evaluation, "harmonized", "jensen_shannon_to_source") == pytest.approx(0, abs=1e-7)
    assert value(evaluation, "harmonized", "ssim_to_input") == pytest.approx(1)
    assert value(evaluation, "harmonized", "residual_rms") == pytest.approx(0, abs=1e-4)
    assert value(evaluation, "harmonized", "gradient_agreement") == 1
    for measure in ("ssim_to_truth", "mae_to_truth"):
        assert value(evaluation, "harmonized", measure) == value(evaluation, "raw", measure)


def test_the_paired_truth_is_perfect(study: Path, harmonize: Callable[..., Path]) -> None:
    evaluation = evaluate(study, harmonize(lambda raw, truth: truth))
    assert value(evaluation, "harmonized", "ssim_to_truth") == pytest.approx(1)
    assert value(evaluation, "harmonized", "mae_to_truth") == 0
    assert value(evaluation, "harmonized", "remaining_share") == value(evaluation, "truth", "remaining_share")
    assert value(evaluation, "harmonized", "remaining_share") < 0.3
    assert value(evaluation, "raw", "ssim_to_truth") < 0.9


def test_distances_are_those_of_the_pooled_pixels(study: Path, harmonize: Callable[..., Path]) -> None:
    folder = harmonize(lambda raw, truth: 0.5 * (raw + truth))
    evaluation = evaluate(study, folder)
    raw, output, target = (pixels(p) for p in (study / "test/a", folder / "test/a", study / "test/b"))
    to_target = scipy_wasserstein(output, target)
    assert value(evaluation, "raw", "wasserstein_to_target") == pytest.approx(scipy_wasserstein(raw, target), abs=1e-3)
    assert value(evaluation, "harmonized", "wasserstein_to_target") == pytest.approx(to_target, abs=1e-3)
    assert value(evaluation, "harmonized", "wasserstein_to_source") == pytest.approx(
        scipy_wasserstein(output, raw), abs=1e-3
    )
    assert value(evaluation, "harmonized", "remaining_share") == pytest.approx(
        to_target / scipy_wasserstein(raw, target), abs=0.01
    )


def test_an_invented_disc_shows_in_the_residual_of_its_image_only(study: Path, harmonize: Callable[..., Path]) -> None:
    folder = harmonize(lambda raw, truth: truth)
    path = folder / "test/a/a3.png"
    image = np.asarray(PILImage.open(path)).astype(np.int64)
    rows, columns = np.indices(image.shape)
    image[(rows - 20) ** 2 + (columns - 18) ** 2 < 40] += 15000
    PILImage.fromarray(image.clip(0, 65535).astype(np.uint16)).save(path)
    table = evaluate(study, folder).per_image.query("method == 'harmonized'").set_index("image")
    assert table["residual_rms"].idxmax() == "test/a/a3.png"
    assert table["residual_rms"].max() > 0.03
    assert table["residual_rms"].nsmallest(5).max() < 1e-3


def test_same_seed_same_numbers_other_seed_other_intervals(study: Path, harmonize: Callable[..., Path]) -> None:
    folder = harmonize(lambda raw, truth: truth)
    first, again, other = (evaluate(study, folder, seed=seed).results for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert (first["low"] - other["low"]).abs().max() > 0
    own = first["method"] != "target_halves"
    pd.testing.assert_series_equal(first["estimate"][own], other["estimate"][own])


def test_intervals_hold_estimates_and_means_have_spread(study: Path, harmonize: Callable[..., Path]) -> None:
    evaluation = evaluate(study, harmonize(lambda raw, truth: 0.3 * raw + 0.7 * truth))
    known = evaluation.results.dropna(subset=["low"])
    assert ((known["low"] <= known["estimate"]) & (known["estimate"] <= known["high"])).all()
    table = evaluation.per_image.query("method == 'harmonized'")
    similarity = evaluation.get("harmonized", "ssim_to_input")
    assert similarity is not None
    assert similarity.estimate == pytest.approx(table["ssim_to_input"].mean())
    assert similarity.sd == pytest.approx(table["ssim_to_input"].std())
    assert similarity.low < similarity.estimate < similarity.high
    assert similarity.images == 6


def test_tables_hold_every_image_and_method(study: Path, harmonize: Callable[..., Path]) -> None:
    evaluation = evaluate(study, harmonize(lambda raw, truth: truth))
    counts = evaluation.per_image.groupby("method").size().to_dict()
    assert counts == {"raw": 6, "harmonized": 6, "histogram_matched": 6, "truth": 6}
    assert list(evaluation.per_image.columns) == ["image", "method", *IMAGE_MEASURES, "wasserstein_to_target"]
    assert set(evaluation.histograms) == {"raw", "harmonized", "histogram_matched", "truth", "target"}
    assert all(h.sum() == pytest.approx(1) for h in evaluation.histograms.values())
    assert evaluation.get("target_halves", "wasserstein_to_target") is not None


def test_truth_of_some_images_is_measured_on_these_only(study: Path, harmonize: Callable[..., Path]) -> None:
    rows = pd.read_csv(study / "manifest.csv")
    gone = (rows["split"] == "truth") & rows["anatomy"].isin(["a0", "a1"])
    rows[~gone].to_csv(study / "manifest.csv", index=False)
    evaluation = evaluate(study, harmonize(lambda raw, truth: truth))
    similarity = evaluation.get("harmonized", "ssim_to_truth")
    assert similarity is not None
    assert (similarity.images, similarity.estimate) == (4, pytest.approx(1))
    raw = evaluation.get("raw", "ssim_to_truth")
    known = evaluation.per_image.query("method == 'raw'")["ssim_to_truth"].dropna()
    assert raw is not None
    assert known.min() <= raw.low < raw.high <= known.max()
    assert "truth" not in evaluation.histograms
    assert evaluation.get("truth", "wasserstein_to_target") is None


def test_all_bad_images_are_named_at_once(
    study: Path, harmonize: Callable[..., Path], save_image: Callable[..., Path]
) -> None:
    folder = harmonize(lambda raw, truth: truth)
    save_image(folder / "test/a/a1.png", np.full((44, 36), 0.5))
    save_image(folder / "test/a/a4.png", np.random.default_rng(0).random((44, 40)))
    with pytest.raises(ValueError, match=r"(?s)2 images cannot.*a1\.png: every pixel.*a4\.png: \(40, 44\)"):
        evaluate(study, folder)
    save_image(study / "test/b/b2.png", np.full((44, 36), 0.5))
    with pytest.raises(ValueError, match=r"(?s)1 image cannot.*b2\.png: every pixel"):
        evaluate(study, folder)
