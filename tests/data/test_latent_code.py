"""The layout of latent codes: what is drawn stands where it is looked for."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import RandomState

from monai_harmonize.data import InputError, LatentCode

layouts = st.builds(
    LatentCode,
    noise=st.integers(1, 5),
    categories=st.lists(st.integers(2, 4), max_size=3),
    continuous=st.integers(0, 3),
    distribution=st.sampled_from(["normal", "uniform"]),
)


@given(layouts, st.integers(0, 2**31))
def test_the_parts_of_a_code_are_where_the_layout_says(layout: LatentCode, seed: int) -> None:
    codes = torch.stack([layout.draw(RandomState([seed, place])) for place in range(3)])
    assert codes.shape == (3, layout.channels)
    assert codes.dtype == torch.float32
    found = codes[:, :, None, None]
    parts = [codes[:, : layout.noise]]
    for place, count in enumerate(layout.categories):
        part = layout.category(found, place)
        assert part.shape == (3, count)
        assert torch.equal(part.sum(1), torch.ones(3))
        assert torch.equal(part.max(1).values, torch.ones(3))
        parts.append(part)
    numbers = layout.numbers(found)
    assert numbers.shape == (3, layout.continuous)
    assert (numbers.abs() <= 1).all()
    assert torch.equal(torch.cat([*parts, numbers], 1), codes)


def test_a_given_value_replaces_the_drawn_one_and_nothing_else() -> None:
    layout = LatentCode(4, [3, 2], 1)
    free = layout.draw(RandomState(1))
    for value in range(3):
        given = layout.draw(RandomState(1), [value])
        assert layout.category(given[None])[0].tolist() == [float(value == place) for place in range(3)]
        assert torch.equal(given[:4], free[:4])
        assert torch.equal(given[7:], free[7:])
    assert torch.equal(layout.draw(RandomState(1), [None, None]), free)


def test_noise_has_the_distribution_that_was_asked_for() -> None:
    normal = LatentCode(20000).draw(RandomState(0)).numpy()
    uniform = LatentCode(20000, distribution="uniform").draw(RandomState(0)).numpy()
    assert np.abs(uniform).max() <= 1 < np.abs(normal).max()
    assert (normal.mean(), normal.std()) == pytest.approx((0, 1), abs=0.03)
    assert (uniform.mean(), uniform.std()) == pytest.approx((0, 3**-0.5), abs=0.02)


def test_every_value_is_drawn_as_often() -> None:
    layout, random = LatentCode(0, [4]), RandomState(0)
    shares = torch.stack([layout.draw(random) for _ in range(4000)]).mean(0)
    assert shares.tolist() == pytest.approx([0.25] * 4, abs=0.03)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"noise": -1}, "noise -1"),
        ({"noise": 0}, "at least one number"),
        ({"categories": [1]}, "two values or more"),
        ({"continuous": -2}, "continuous -2"),
        ({"distribution": "cauchy"}, "'cauchy'; expected one of normal, uniform"),
    ],
)
def test_a_layout_that_makes_no_sense_is_refused(options: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        LatentCode(**options)


@pytest.mark.parametrize(("values", "told"), [([2], "from 0 to 1"), ([-1], "-1"), ([0.5], "0.5"), ([0, 0], "1 categ")])
def test_a_value_that_no_code_has_is_refused(values: list, told: str) -> None:
    with pytest.raises(InputError, match=told):
        LatentCode(1, [2]).draw(RandomState(0), values)
