"""Synthetic images judged, in memory: measures with intervals, alarms, words, the picture."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from monai_harmonize.evaluation.samples.evaluate import Options, SampleEvaluation, evaluate_samples
from monai_harmonize.evaluation.samples.images import ImageSet
from monai_harmonize.evaluation.samples.sheet import neighbour_figure
from monai_harmonize.evaluation.samples.words import judge_samples
from monai_harmonize.networks.pooled_features import PooledFeatures

NAME = "resnet50_relu_random_weights"
OPTIONS = Options(resamples=60)
SIDE = 32


def image_of(seed: int) -> torch.Tensor:
    """Smooth random anatomy in [-1, 1], one per seed."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=(SIDE, SIDE)), 3)
    return torch.from_numpy(2 * (field - field.min()) / np.ptp(field) - 1).float()[None]


def set_of(seeds: Sequence[int]) -> ImageSet:
    names = tuple(f"{seed}.png" for seed in seeds)
    return ImageSet(names, names, torch.stack([image_of(seed) for seed in seeds]))


@pytest.fixture(scope="module")
def features() -> PooledFeatures:
    return PooledFeatures("resnet50", random_weights=True, layer="relu")


TRAINING, HELD_OUT, FRESH = set_of(range(40)), set_of(range(40, 65)), set_of(range(65, 85))


def judged(
    features: PooledFeatures,
    samples: ImageSet = FRESH,
    training: ImageSet = TRAINING,
    held_out: ImageSet | None = HELD_OUT,
    options: Options = OPTIONS,
    **others,
) -> SampleEvaluation:
    return evaluate_samples(samples, training, held_out, features, options, progress=False, **others)


@pytest.fixture(scope="module")
def fresh(features: PooledFeatures) -> SampleEvaluation:
    return judged(features)


def test_fresh_images_of_the_same_kind_are_no_alarm(fresh: SampleEvaluation) -> None:
    verdict = judge_samples(fresh, 0.01)
    assert not verdict.memorised
    assert not verdict.collapsed
    assert verdict.headline == "No sign of memorised training images or of mode collapse."
    assert fresh.value(f"precision_{NAME}") > 0.7
    assert "too few real images for a false-alarm rate of 0.01; it is 0.0385." in verdict.warnings
    assert any("weights are random" in warning for warning in verdict.warnings)
    assert "20 samples and 25 held-out images: FID of fewer images is higher; compare their KID." in verdict.warnings
    assert not any("false-alarm" in warning for warning in judge_samples(fresh, 0.04).warnings)


def test_every_measure_stands_beside_that_of_held_out_images(fresh: SampleEvaluation) -> None:
    table = fresh.table.set_index(["measure", "of"])
    for measure in ("fid", "kid", "precision", "recall", "density", "coverage"):
        own, real = (table.loc[(f"{measure}_{NAME}", of)] for of in ("samples", "held_out"))
        assert (own["images"], real["images"]) == (20, 25)
        assert own["better"] == ("lower" if measure in ("fid", "kid") else "higher")
        if measure != "recall":
            assert own["low"] <= own["estimate"] <= own["high"]
            assert own["low"] < own["high"]
    kid = table.loc[(f"kid_{NAME}", "samples")]
    subsets = table.loc[(f"kid_subsets_of_10_{NAME}", "samples")]
    assert subsets["low"] < kid["estimate"] < subsets["high"]


def test_the_interval_of_a_distance_lies_around_it(features: PooledFeatures) -> None:
    """Resamples repeat images, so that most of their distances are larger."""
    found = judged(features, options=Options(resamples=200)).table.set_index(["measure", "of"])
    row = found.loc[(f"fid_{NAME}", "samples")]
    above, below = row["high"] - row["estimate"], row["estimate"] - row["low"]
    assert 0 < below <= row["estimate"]
    assert above < 6 * below


def test_copies_in_another_tone_are_told_with_their_originals(features: PooledFeatures) -> None:
    noise = torch.Generator().manual_seed(0)
    copies = [0.3 + 0.5 * image_of(n) + 0.01 * torch.randn(1, SIDE, SIDE, generator=noise) for n in (3, 11, 30)]
    names = (*FRESH.names, "a", "b", "c")
    found = judged(features, ImageSet(names, names, torch.cat([FRESH.pixels, torch.stack(copies)])))
    verdict = judge_samples(found, 0.04)
    assert verdict.memorised
    assert verdict.headline == "The samples repeat training images."
    assert set(found.memorised["pixels"].pairs[:3]) == {(20, 3), (21, 11), (22, 30)}
    (sentence,) = (line for line in verdict.findings if line.startswith("memorised (pixels)"))
    assert "of 23 samples lie nearer to a training image than 96.2 % of the held-out images do; 0.9 are" in sentence
    assert "3 of them less than half as far as any: copies." in sentence
    rows = found.per_sample.set_index("image")
    assert rows.loc["b", "nearest_training_pixels"] == "11.png"
    assert rows["copy_pixels"].sum() == 3
    assert found.value("memorised_pixels") >= 3 / 23


def test_samples_that_repeat_each_other_are_told(features: PooledFeatures) -> None:
    """Twenty samples of three images that differ by a trace of noise."""
    noise = torch.randn(20, 1, SIDE, SIDE, generator=torch.manual_seed(0))
    pixels = torch.stack([image_of(65 + number % 3) for number in range(20)]) + 1e-3 * noise
    found = judged(features, replace(FRESH, pixels=pixels))
    verdict = judge_samples(found, 0.01)
    assert verdict.collapsed
    assert verdict.headline == "The samples show few kinds of images or repeat themselves."
    assert found.value("near_duplicates") == 1
    assert found.value(f"recall_{NAME}") < 0.5 * found.value(f"recall_{NAME}", "held_out")
    assert any(line.startswith("repeated: 20 of 20 samples") for line in verdict.findings)


def test_without_held_out_images(features: PooledFeatures) -> None:
    found = judged(features, held_out=None)
    verdict = judge_samples(found, 0.01)
    assert set(found.table["of"]) == {"samples"}
    assert any(warning.startswith("no held-out images") for warning in verdict.warnings)
    assert "than 97.6 % of the other training images do to each other" in verdict.findings[0]


def test_patients_are_resampled_together(features: PooledFeatures, fresh: SampleEvaluation) -> None:
    """Of five patients with eight images each less is known than of forty."""
    grouped = judged(features, training=replace(TRAINING, patients=tuple(str(n // 8) for n in range(40))))
    widths = []
    for found in (grouped, fresh):
        row = found.table.set_index(["measure", "of"]).loc[(f"coverage_{NAME}", "samples")]
        widths.append(row["high"] - row["low"])
        assert row["estimate"] == fresh.value(f"coverage_{NAME}")
    assert widths[0] != widths[1]


def test_each_option_changes_the_result(features: PooledFeatures, fresh: SampleEvaluation) -> None:
    measure = f"density_{NAME}"
    assert judged(features, options=replace(OPTIONS, neighbours=5)).value(measure) != fresh.value(measure)
    for options in (replace(OPTIONS, resamples=20), replace(OPTIONS, seed=1)):
        other = judged(features, options=options)
        assert other.value(measure) == fresh.value(measure)
        assert not other.table["high"].equals(fresh.table["high"])
    assert judged(features).table.equals(fresh.table)
    assert len(fresh.modes.real) == 4
    assert len(judged(features, options=replace(OPTIONS, clusters=2)).modes.real) == 2
    milder = judged(features, options=replace(OPTIONS, false_alarm_rate=0.2))
    assert milder.memorised["pixels"].alarm.threshold > fresh.memorised["pixels"].alarm.threshold
    score = judged(features, classifier=lambda image: torch.cat([image.mean((2, 3)), image.std((2, 3))], dim=1))
    assert score.value("inception_score_nats") > 0
    assert np.isnan(fresh.value("inception_score_nats"))


def test_the_picture_shows_the_nearest_pairs_first(fresh: SampleEvaluation) -> None:
    images = [axes for axes in neighbour_figure(fresh, count=3).get_axes() if axes.images]
    assert len(images) == 2 * 2 * 3
    found = fresh.memorised["pixels"]
    order = np.argsort(found.distance)[:3]
    names = [(FRESH.names[number], TRAINING.names[found.neighbour[number]]) for number in order]
    assert [axes.get_xlabel() for axes in images[:6]] == [name for pair in names for name in pair]
    np.testing.assert_array_equal(images[0].images[0].get_array(), FRESH.pixels[order[0], 0].T)
    assert f"{found.distance[order[0]]:.3g}" in images[1].get_title()
