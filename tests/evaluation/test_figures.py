from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PILImage

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation import Evaluation, evaluate_harmonization, pair_manifest
from monai_harmonize.evaluation.figures import (
    distance_figure,
    histogram_figure,
    method_labels,
    similarity_figure,
)
from monai_harmonize.evaluation.images import load_case
from monai_harmonize.evaluation.panel import SMALLEST_SCALE, panel_cases, panel_figure

LABELS = method_labels("Here", "There")


@pytest.fixture
def evaluation(study: Path, harmonize: Callable[..., Path]) -> Evaluation:
    manifest = load_manifest(study / "manifest.csv").with_splits()
    folder = harmonize(lambda raw, truth: 0.9 * truth + 0.1 * np.roll(raw, 3))
    pairing = pair_manifest(manifest, folder, root=study, source_site="a", target_site="b")
    return evaluate_harmonization(pairing, resamples=100, progress=False)


def test_bars_are_the_distances(evaluation: Evaluation) -> None:
    (axes,) = distance_figure(evaluation, LABELS).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["Paired truth", "Histogram matching", "Harmonized", "Raw (Here)"]
    widths = [bar.get_width() for bar in axes.patches if bar.get_height() == pytest.approx(0.62)]
    methods = ("truth", "histogram_matched", "harmonized", "raw")
    found = [evaluation.get(method, "wasserstein_to_target") for method in methods]
    assert widths == [m.estimate for m in found if m is not None]


def test_histogram_curves_hold_all_pixels_and_the_area_is_the_distance(evaluation: Evaluation) -> None:
    axes = histogram_figure(evaluation, LABELS).axes
    assert len(axes) == 6
    for curve in axes[1].lines:
        assert np.asarray(curve.get_ydata()).sum() == pytest.approx(1)
    cumulative = [np.asarray(line.get_ydata()) for line in axes[4].lines]
    distance = evaluation.get("harmonized", "wasserstein_to_target")
    assert distance is not None
    assert np.abs(cumulative[0] - cumulative[1]).mean() == pytest.approx(distance.estimate)
    assert f"{distance.estimate:.3f}" in axes[4].texts[0].get_text()


def test_similarity_shows_one_point_per_image(evaluation: Evaluation) -> None:
    to_input, to_truth = similarity_figure(evaluation, LABELS).axes
    assert [len(points.get_offsets()) for points in to_input.collections] == [6, 6, 6]
    assert [t.get_text().split("\n")[0] for t in to_truth.get_xticklabels()] == [
        "Raw (Here)",
        "Harmonized",
        "Histogram matching",
    ]


def test_panel_shows_images_upright_in_one_window(evaluation: Evaluation) -> None:
    figure = panel_figure(evaluation, LABELS, count=2)
    (_, case), _ = panel_cases(evaluation, 2)
    cells = figure.axes[:6]
    with PILImage.open(case.source["image"]) as stored:
        np.testing.assert_allclose(cells[0].images[0].get_array(), np.asarray(stored) / 65535, atol=1e-4)
    images = load_case(case)
    np.testing.assert_allclose(cells[4].images[0].get_array(), (images["harmonized"] - images["raw"]).T, atol=1e-6)
    assert len({cell.images[0].get_clim() for cell in cells[:4]}) == 1
    assert [cell.get_title().split("\n")[0] for cell in cells[:4]] == [
        "Raw (Here)",
        "Harmonized",
        "Histogram matching",
        "Paired truth",
    ]


def test_panel_runs_from_the_largest_to_the_smallest_residual(evaluation: Evaluation) -> None:
    table = evaluation.per_image.query("method == 'harmonized'").set_index("image")["residual_rms"]
    chosen = panel_cases(evaluation, 4)
    residuals = [table[case.name] for _, case in chosen]
    assert residuals == sorted(residuals, reverse=True)
    assert residuals[0] == table.max()
    assert residuals[-1] == table.min()
    assert [rank for rank, _ in chosen][:2] == ["largest residual", "residual rank 3 of 6"]
    assert len(panel_cases(evaluation, 99)) == 6


def test_residual_of_a_tone_curve_stays_pale(study: Path, harmonize: Callable[..., Path]) -> None:
    manifest = load_manifest(study / "manifest.csv").with_splits()
    folder = harmonize(lambda raw, truth: truth)
    pairing = pair_manifest(manifest, folder, root=study, source_site="a", target_site="b")
    figure = panel_figure(evaluate_harmonization(pairing, resamples=10, progress=False), LABELS, count=1)
    residual = figure.axes[5].images[0]
    assert residual.get_clim() == (-SMALLEST_SCALE, SMALLEST_SCALE)
    assert np.abs(residual.get_array()).mean() < 0.01 * SMALLEST_SCALE


def test_panel_without_truth_shows_an_example_of_the_target(study: Path, harmonize: Callable[..., Path]) -> None:
    manifest = study / "manifest.csv"
    manifest.write_text("\n".join(line for line in manifest.read_text().splitlines() if "truth" not in line))
    folder = harmonize(lambda raw, truth: truth)
    pairing = pair_manifest(load_manifest(manifest).with_splits(), folder, root=study, source_site="a", target_site="b")
    evaluation = evaluate_harmonization(pairing, resamples=10, progress=False)
    assert panel_figure(evaluation, LABELS, count=1).axes[3].get_title() == "There\n(another patient)"
    assert len(similarity_figure(evaluation, LABELS).axes) == 1
