"""Random curves: increasing, within bounds, inside the range, the same for the same seed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_harmonize.data.errors import InputError
from monai_harmonize.transforms import RandToneCurve, RandToneCurved
from monai_harmonize.transforms.rand_tone_curve import CURVES, SEGMENTS, bounded_slopes

families = st.sampled_from(sorted(CURVES))
seeds = st.integers(0, 2**31)


def curve(seed: int = 0, **options) -> RandToneCurve:
    transform = RandToneCurve(1.0, **options)
    transform.set_random_state(seed)
    transform.randomize()
    return transform


@given(families, seeds, st.sampled_from([(0.25, 4.0), (0.5, 1.0), (0.05, 20.0)]), st.sampled_from([(-1, 1), (0, 4095)]))
def test_curves_increase_within_bounds_and_stay_inside_the_range(family, seed, slope_range, grey_range) -> None:
    transform = curve(seed, curves=[family], slope_range=slope_range, grey_range=grey_range)
    low, high = grey_range
    slopes = np.diff(transform.values) * SEGMENTS / (high - low)
    assert slopes.min() >= slope_range[0] - 1e-9
    assert slopes.max() <= slope_range[1] + 1e-9
    assert transform.values[0] >= low - 1e-9 * (high - low)
    assert transform.values[-1] <= high + 1e-9 * (high - low)
    levels = torch.linspace(low, high, 4096)[None, None]
    distorted = transform(levels, randomize=False)
    assert (distorted.flatten().diff() > 0).all()


@given(seeds, st.floats(0.3, 1.0))
def test_bounded_slopes_reach_the_rise_and_keep_the_shape_between_the_bounds(seed, rise) -> None:
    shape = np.exp(np.random.default_rng(seed).normal(size=64))
    slopes = bounded_slopes(shape, (0.25, 4.0), rise)
    assert slopes.mean() == pytest.approx(rise)
    free = (slopes > 0.2501) & (slopes < 3.999)
    ratio = slopes[free] / shape[free]
    assert np.ptp(ratio) <= 1e-9 * ratio.max(initial=1)


@pytest.mark.parametrize("seed", range(3))
def test_families_are_what_their_names_say(seed) -> None:
    options = {"slope_range": (0.01, 100.0), "rise_range": (1.0, 1.0)}
    grey = np.linspace(0, 1, SEGMENTS + 1)
    values = (curve(seed, curves=["gamma"], **options).values + 1) / 2
    exponents = np.log(values[32:-32]) / np.log(grey[32:-32])
    assert np.ptp(exponents) < 0.05 * exponents.mean()
    values = (curve(seed, curves=["window"], **options).values + 1) / 2
    assert len(set(np.diff(values).round(7))) == 2
    # The slope of a sigmoid has one extreme, a maximum or, of its inverse, a minimum.
    slopes = np.diff(curve(seed, curves=["sigmoid"], **options).values)
    turns = np.diff(np.sign(np.diff(slopes)[np.abs(np.diff(slopes)) > 1e-9]))
    assert (turns != 0).sum() <= 1


def test_families_differ_and_so_do_draws() -> None:
    values = [curve(seed, curves=[family]).values for family in CURVES for seed in range(3)]
    assert len({tuple(v.round(6)) for v in values}) == len(values)
    assert all(np.abs(v - np.linspace(-1, 1, SEGMENTS + 1)).max() > 0.02 for v in values)


def test_a_seed_fixes_the_sequence() -> None:
    image = torch.linspace(-1, 1, 64).view(1, 8, 8)
    runs = []
    for _ in range(2):
        transform = Compose([RandToneCurved(["a"], prob=0.5)]).set_random_state(7)
        runs.append(torch.stack([transform({"a": image})["a"] for _ in range(12)]))
    assert torch.equal(*runs)
    changed = [not torch.equal(one, image) for one in runs[0]]
    assert 2 <= sum(changed) <= 10
    assert len({tuple(one.flatten().tolist()) for one in runs[0]}) == sum(changed) + 1


def test_whether_and_what_are_drawn_independently() -> None:
    """With one seed for both, the first curve would tell which of the next items are changed."""
    image, shares, chances = torch.linspace(-1, 1, 64).view(1, 8, 8), [], []
    for seed in range(300):
        transform = RandToneCurved(["a"], prob=1.0, curves=["gamma"]).set_random_state(seed)
        first = transform({"a": image})["a"]
        shares.append(transform.curve.values[-1] - transform.curve.values[0])
        chances.append(np.random.RandomState(seed).rand(5))
        assert torch.equal(transform.set_random_state(seed)({"a": image})["a"], first)
    assert np.abs(np.corrcoef(np.column_stack([shares, chances]), rowvar=False)[0, 1:]).max() < 0.2


def test_a_value_that_float32_does_not_hold_is_refused() -> None:
    with pytest.raises(InputError, match=r"image: has values up to 1e\+300 in size; expected those that float32 holds"):
        curve()(torch.tensor([[[0.0, -1e300]]], dtype=torch.float64))
    assert curve()(torch.tensor([[[0.0, 1e30]]], dtype=torch.float64)).isfinite().all()


def test_all_keys_get_one_curve_and_the_item_stays() -> None:
    image = torch.linspace(-1, 1, 64).view(1, 8, 8)
    item = {"a": image, "b": image.clone(), "c": image}
    done = RandToneCurved(["a", "b"], prob=1.0).set_random_state(0)(item)
    assert torch.equal(done["a"], done["b"])
    assert not torch.equal(done["a"], image)
    assert done["c"] is image
    assert item["a"] is image


def test_metadata_stay_and_volumes_will_do() -> None:
    image = MetaTensor(2 * torch.rand(1, 4, 5, 6) - 1, meta={"grey_range": (0, 1)})
    done = curve()(image)
    assert isinstance(done, MetaTensor)
    assert done.meta["grey_range"] == (0, 1)
    assert done.shape == image.shape
    assert done.dtype == torch.float32


def test_probability_zero_is_the_identity_and_the_last_curve_can_be_used_again() -> None:
    image = torch.rand(1, 4, 4)
    assert RandToneCurve(0.0)(image) is image
    transform = curve()
    first = transform(image)
    assert torch.equal(transform(image, randomize=False), first)
    assert not torch.equal(transform(image), first)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"curves": ["gama"]}, r"curves names \['gama'\]; expected some of \['control_points', 'gamma'"),
        ({"curves": []}, "curves names none"),
        ({"slope_range": (0, 4)}, r"slope_range is \(0, 4\)"),
        ({"rise_range": (0.1, 1)}, r"rise_range is \(0.1, 1\); expected to lie within \(0.25, 1\)"),
        ({"grey_range": (1, 1)}, r"grey_range is \(1, 1\)"),
    ],
)
def test_wrong_options_are_named(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        RandToneCurve(**options)
