"""Memorisation and mode collapse: copies are found, false alarms come at the stated rate."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import Dataset
from scipy.stats import binom
from torch import Tensor
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.calibrated_alarm import calibrated_alarm, smallest_rate
from monai_harmonize.metrics.memorisation import memorisation, standardised_pixels
from monai_harmonize.metrics.memorised_metric import MemorisedMetric
from monai_harmonize.metrics.mode_collapse import near_duplicates, reached_modes
from monai_harmonize.phantoms import SITES, render, sample_anatomy


def normal(seed: int, count: int, width: int = 6) -> Tensor:
    return torch.randn(count, width, generator=torch.manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def phantoms() -> Tensor:
    """Radiographs of different patients, 16 x 16 pixels in a row each."""
    images = torch.stack(
        [torch.from_numpy(render(sample_anatomy(seed), SITES["site_a"], 32, seed=seed)) for seed in range(30)]
    )
    return F.avg_pool2d(images[:, None], 2).flatten(1)


def test_copies_of_training_radiographs_with_noise_are_found(phantoms: Tensor) -> None:
    training, held_out, fresh = phantoms.split([12, 9, 9])
    noisy = training[[7, 3, 11]] + 0.01 * normal(0, 3, phantoms.shape[1])
    found = memorisation(torch.cat([fresh, noisy]), training, held_out, false_alarm_rate=0.1)
    assert set(found.pairs[:3]) == {(9, 7), (10, 3), (11, 11)}
    assert np.all(np.diff([found.distance[sample] for sample, _ in found.pairs]) >= 0)
    assert found.alarm.alarm[-3:].all()
    assert found.alarm.copy.tolist() == [False] * 9 + [True] * 3
    assert found.alarm.rate == pytest.approx(1 / 10)


def test_fresh_radiographs_alarm_at_the_stated_rate(phantoms: Tensor) -> None:
    """Over many divisions of the same radiographs into training, held-out and fresh ones."""
    rng, shares = torch.Generator().manual_seed(0), []
    for _ in range(400):
        training, held_out, fresh = phantoms[torch.randperm(30, generator=rng)].split([12, 9, 9])
        found = memorisation(fresh, training, held_out, false_alarm_rate=0.2)
        shares.append(found.alarm.alarm.mean())
    assert np.mean(shares) == pytest.approx(2 / 10, abs=0.03)


@pytest.mark.parametrize("with_held_out", [True, False])
def test_the_rate_of_false_alarms_of_fresh_images(with_held_out: bool) -> None:
    """Over many draws of all sets; without held-out images the training images calibrate, roughly."""
    alarms, rate, rounds, each = 0, 0.1, 150, 20
    for seed in range(rounds):
        training, held_out, fresh = normal(seed, 79).split([40, 19, 20])
        found = memorisation(fresh, training, held_out if with_held_out else None, false_alarm_rate=rate)
        alarms += int(found.alarm.alarm.sum())
        assert found.alarm.rate <= rate
    expected = (0.1 if with_held_out else 4 / 41) * rounds * each
    # Alarms of one round share their calibration.
    assert abs(alarms - expected) < 0.25 * expected


def test_without_held_out_images_patients_are_kept_apart() -> None:
    """Two equal images of one patient would calibrate the alarm to nothing."""
    one = normal(0, 30)
    training = torch.cat([one, one])
    patients = [str(number % 30) for number in range(60)]
    copies = one[:2] + 1e-3
    found = memorisation(copies, training, patients=patients, false_alarm_rate=0.05)
    assert found.alarm.alarm.all()
    blind = memorisation(copies, training, false_alarm_rate=0.05)
    assert not blind.alarm.alarm.any()
    with pytest.raises(InputError, match="3 patients for 60 training images"):
        memorisation(copies, training, patients=["a", "b", "c"])
    with pytest.raises(InputError, match="are of one patient; give held-out real images"):
        memorisation(copies, training, patients=["a"] * 60)


def test_the_alarm_in_numbers() -> None:
    """Nine calibration distances: a rate of 0.1 is one rank, 0.2 two."""
    known = np.arange(1, 10) / 10
    found = calibrated_alarm([0.04, 0.09, 0.1, 0.15, 2.0], known, 0.1)
    assert found.alarm.tolist() == [True, True, False, False, False]
    assert found.copy.tolist() == [True, False, False, False, False]
    np.testing.assert_allclose(found.p_value, [0.1, 0.1, 0.2, 0.2, 1.0])
    assert found.threshold == 0.1
    wider = calibrated_alarm([0.04, 0.09, 0.1, 0.15, 2.0], known, 0.25)
    assert wider.alarm.sum() == 4
    assert wider.rate == pytest.approx(0.2)
    assert calibrated_alarm([1.0], known, 0.1).chance == 1
    assert calibrated_alarm([0.05], known, 0.1).chance == pytest.approx(0.1)


@pytest.mark.parametrize("alarms", [1, 3])
def test_the_chance_of_so_many_alarms(alarms: int) -> None:
    """Against its definition, an integral over the unknown rate of the shared threshold."""
    found = calibrated_alarm([0.0] * alarms + [9.0] * (12 - alarms), np.arange(1, 20), 0.1)
    rate = np.random.default_rng(0).beta(2, 18, 200_000)
    assert found.chance == pytest.approx(float(binom.sf(alarms - 1, 12, rate).mean()), rel=0.02)


@given(st.integers(0, 2**31), st.integers(1, 60), st.floats(0.01, 0.9))
def test_an_alarm_is_a_small_p_value(seed: int, count: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    known, distance = rng.integers(0, 20, count), rng.integers(0, 20, 15)
    if rate < smallest_rate(count):
        with pytest.raises(InputError, match="real images cannot calibrate a false_alarm_rate"):
            calibrated_alarm(distance, known, rate)
        return
    found = calibrated_alarm(distance, known, rate)
    assert found.rate <= rate + 1e-12
    np.testing.assert_array_equal(found.alarm, found.p_value <= found.rate + 1e-12)
    assert 0 < found.chance <= 1


def test_errors_of_an_alarm() -> None:
    with pytest.raises(
        InputError, match=r"50 real images cannot calibrate a false_alarm_rate of 0\.01; give 99 or more"
    ):
        calibrated_alarm([1.0], np.ones(50))
    calibrated_alarm([1.0], np.ones(99))
    with pytest.raises(InputError, match="false_alarm_rate is 1; expected a share"):
        calibrated_alarm([1.0], np.ones(50), 1)
    with pytest.raises(InputError, match="distances are no numbers of 0 or more"):
        calibrated_alarm([-1.0], np.ones(50), 0.1)


def test_lost_modes() -> None:
    real = torch.cat([normal(c, 50, 2) + 30 * c for c in range(4)])
    fair = torch.cat([normal(9 + c, 20, 2) + 30 * c for c in range(4)])
    found = reached_modes(fair, real, clusters=4)
    assert found.reached == 1
    assert found.expected == pytest.approx(1, abs=1e-6)
    assert not found.missing.any()
    assert not found.crowded.any()
    np.testing.assert_allclose(found.real, 0.25)
    lost = reached_modes(fair[:20], real, clusters=4)
    assert lost.reached == 0.25
    assert lost.missing.sum() == 3
    assert lost.crowded.sum() == 1
    assert reached_modes(fair[:20], real, clusters=1).reached == 1
    assert reached_modes(fair[:2], real, clusters=4, significance=1e-6).missing.sum() == 0
    with pytest.raises(InputError, match="clusters is 201"):
        reached_modes(fair, real, clusters=201)


def test_few_samples_cannot_reach_all_modes() -> None:
    """Three samples of four equal modes: 1 - (3/4)^3 of them on average."""
    real = torch.cat([normal(c, 50, 2) + 30 * c for c in range(4)])
    found = reached_modes(real[::70], real, clusters=4)
    assert found.expected == pytest.approx(1 - 0.75**3)


def test_repeated_samples_are_found() -> None:
    real, samples = normal(0, 99), normal(1, 60)
    _, _, fair = near_duplicates(samples, real, 0.05)
    assert fair.alarm.mean() < 0.15
    repeating = torch.cat([samples[:50], samples[:10] + 1e-3 * normal(2, 10)])
    distance, number, alarm = near_duplicates(repeating, normal(0, 60), 0.05)
    assert alarm.copy[:10].all()
    assert alarm.copy[50:].all()
    assert not alarm.copy[10:50].any()
    assert number[:10].tolist() == list(range(50, 60))
    assert number[50:].tolist() == list(range(10))
    assert distance[:10].max() < 0.01


def test_numbers_of_images_do_not_matter_for_duplicates() -> None:
    """The nearest of 400 samples is nearer than that of 60 real images; equally many are compared."""
    _, _, many = near_duplicates(normal(1, 400), normal(0, 60), 0.05)
    assert many.alarm.mean() < 0.15
    _, _, few = near_duplicates(normal(1, 60), normal(0, 400), 0.05)
    assert few.alarm.mean() < 0.2
    first, _, _ = near_duplicates(normal(1, 400), normal(0, 60), 0.05, seed=1)
    second, _, _ = near_duplicates(normal(1, 400), normal(0, 60), 0.05, seed=2)
    assert not np.array_equal(first, second)


def test_pixels_are_compared_without_their_tone_and_reduced_by_area() -> None:
    image = torch.rand(1, 1, 8, 4, generator=torch.manual_seed(0))
    vectors = standardised_pixels(torch.cat([image, 0.3 * image + 0.4, torch.zeros_like(image)]), side=4)
    assert vectors.shape == (3, 4 * 4)
    torch.testing.assert_close(vectors[0], vectors[1], atol=1e-6, rtol=1e-4)
    assert float(vectors[0].norm()) == pytest.approx(1)
    assert vectors[2].abs().max() == 0
    reduced = F.avg_pool2d(image, (2, 1)).flatten().double()
    torch.testing.assert_close(vectors[0], F.normalize(reduced - reduced.mean(), dim=0), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("cropped", [False, True])
@pytest.mark.parametrize("count", [10, 12])
def test_a_metric_finds_the_volumes_that_repeat_training_volumes(cropped: bool, count: int) -> None:
    volumes = torch.rand(40, 1, 6, 6, 4, generator=torch.manual_seed(0))
    training, held_out, fresh = volumes.split([12, 13, 15])
    items = [{"image": volume} for volume in training]
    metric = MemorisedMetric(Dataset([[item] for item in items] if cropped else items), count, side=6)
    # One of the copies is of a volume behind the first ten.
    samples = torch.cat([fresh[:10], 0.5 * training[[2, 9, 11]] + 0.1])
    metric(samples[:8], held_out[:8])
    metric(list(samples[8:]), list(held_out[8:]))
    sets = (standardised_pixels(each, 6) for each in (samples, training[:count], held_out))
    # Thirteen volumes can state no smaller rate.
    found = memorisation(*sets, false_alarm_rate=1 / 14)
    assert found.alarm.copy.tolist() == [False] * 10 + [True, True, count == 12]
    assert float(metric.aggregate()) == pytest.approx(found.alarm.alarm.mean())
    assert found.alarm.alarm[10:12].all()
    metric.reset()
    with pytest.raises(ValueError, match="no image was given"):
        metric.aggregate()
