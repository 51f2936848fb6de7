"""Pure functions of the benchmark of site shifts: areas, recovered shares, simple harmonizers."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from curve_network import DistortedImages, curve_bank
from harmonizers import histogram_matching, percentile_window, z_score
from pneumonia_classifier import classifier, scores
from recovered_auc import NO_METHOD, NO_SHIFT, Comparison, rates
from site_shifts import shifted

from monai_harmonize.metrics import best_threshold
from monai_harmonize.transforms.site_shift import SITE_SHIFTS


def images(count: int, size: int = 24) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(count, 1, size // 8, size // 8, generator=generator)
    return 2 * torch.nn.functional.interpolate(smooth, size=(size, size), mode="bilinear") - 1


def comparison() -> Comparison:
    """Two classifiers: right on clean images, blind under every shift; one method gives half back."""
    labels = np.repeat([0, 1], 20)
    right, blind = labels.astype(float), np.zeros(40)
    partly = labels + np.tile([0.0, 1.5], 20)
    found = {}
    for shift in (NO_SHIFT, *SITE_SHIFTS):
        found[NO_METHOD, shift] = np.stack([right if shift == NO_SHIFT else blind] * 2)
        found["half", shift] = np.stack([partly, partly])
        found["whole", shift] = np.stack([right, right])
    return Comparison(labels.tolist(), [str(row) for row in range(40)], found, [0.5, 0.5])


def test_recovered_share_is_0_for_nothing_and_1_for_everything() -> None:
    made = comparison()
    assert made.recovered(NO_METHOD, SITE_SHIFTS)[0] == 0
    assert made.recovered("whole", SITE_SHIFTS)[0] == 1
    # Of four pairs of kinds of images, ill and well, three are in the right order.
    assert made.recovered("half", SITE_SHIFTS, seed=1)[0] == pytest.approx(0.5)
    assert made.mean_auc("half", (NO_SHIFT,))[:, 0] == pytest.approx([0.75, 0.75])


def test_tables_have_a_line_for_every_method() -> None:
    made = comparison()
    for table, columns in ((made.auc_table(), 13), (made.recovery_table(), 9)):
        lines = table.splitlines()
        assert [line.split(" | ")[0].strip("| ") for line in lines[2:]] == [NO_METHOD, "half", "whole"]
        assert {line.count("|") for line in lines} == {columns + 1}
    assert "| whole | 100% [" in made.recovery_table()


def test_rates_at_a_threshold() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    assert rates(labels, np.array([-1.0, 0.2, 0.9, 0.5, 0.1]), 0.5) == (pytest.approx(0.6), 0.5, pytest.approx(2 / 3))
    chosen = best_threshold(labels, np.array([0.0, 0.1, 0.3, 0.7, 0.9]))
    assert chosen == pytest.approx(0.5)


def test_the_classifier_is_small_and_clips_what_a_writer_would_clip() -> None:
    torch.manual_seed(0)
    network = classifier()
    assert 150e3 < sum(parameter.numel() for parameter in network.parameters()) < 200e3
    inside = torch.rand(2, 1, 128, 128).round() * 2 - 1
    np.testing.assert_array_equal(scores(network, inside), scores(network, 1.5 * inside))


def test_shifts_are_seeded_and_no_shift_is_none() -> None:
    plain = images(3)
    assert shifted(plain, NO_SHIFT, seed=0) is plain
    torch.testing.assert_close(shifted(plain, "gamma_dark", 0), 2 * ((plain + 1) / 2) ** 2 - 1)
    assert torch.equal(shifted(plain, "random_gamma", 3), shifted(plain, "random_gamma", 3))
    assert not torch.equal(shifted(plain, "random_gamma", 3), shifted(plain, "random_gamma", 4))


def test_simple_harmonizers_do_what_they_say() -> None:
    source, target = 0.3 * images(4) + 0.2, images(6)
    scaled = z_score(target)(source)
    torch.testing.assert_close(scaled.mean(dim=(1, 2, 3)), target.mean().expand(4))
    torch.testing.assert_close(scaled.flatten(1).std(dim=1), target.flatten(1).std(dim=1).mean().expand(4))
    windowed = percentile_window(source)
    assert windowed.amin(dim=(1, 2, 3)).eq(-1).all()
    assert windowed.amax(dim=(1, 2, 3)).eq(1).all()
    noise = torch.rand(4, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    target = 2 * noise[3:] - 1
    for one in histogram_matching(target)(noise[:3]):
        torch.testing.assert_close(one.flatten().sort().values, target.flatten().sort().values, atol=0.02, rtol=0)


@pytest.mark.long
def test_distorted_images_differ_by_an_increasing_curve_only() -> None:
    curves = curve_bank(0)
    assert (curves.diff(dim=1) > 0).all()
    torch.testing.assert_close(curves[0], torch.linspace(-1, 1, curves.shape[1]))
    batch = next(iter(DistortedImages(images(5), 0)))
    for image, distorted in zip(batch["image"], batch["distorted"], strict=True):
        assert (distorted.flatten()[image.flatten().argsort()].diff() >= -1e-6).all()
        assert distorted.min() >= -1 - 1e-5
        assert distorted.max() <= 1 + 1e-5
