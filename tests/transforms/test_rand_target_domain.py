"""Target domains belong to a position of the training; each has the same chance."""

from collections import Counter

import pytest
from monai.data import Dataset
from monai.transforms import Compose

from monai_harmonize.data import InputError, PositionalDataset
from monai_harmonize.transforms import RandTargetDomaind


def dataset(seed: int = 3) -> PositionalDataset:
    items = [{"domain": place % 3} for place in range(6)]
    return PositionalDataset(Dataset(items, Compose([RandTargetDomaind("target", 3)])), seed)


def test_a_position_has_its_target_whatever_was_drawn_before() -> None:
    one, other = dataset(), dataset()
    targets = [one[position]["target"] for position in range(30)]
    assert all(other[position]["target"] == targets[position] for position in (29, 4, 0, 29))
    assert [dataset(4)[position]["target"] for position in range(30)] != targets


def test_every_domain_is_drawn_as_often_the_own_one_too() -> None:
    whole = dataset()
    pairs = Counter((item["domain"], item["target"]) for item in (whole[position] for position in range(900)))
    assert len(pairs) == 9
    # Binomial with mean 100 and deviation 9.4.
    assert all(60 < count < 140 for count in pairs.values())


def test_the_item_stays_and_one_domain_is_no_choice() -> None:
    item = {"domain": 1}
    assert set(RandTargetDomaind("target", 2)(item)) == {"domain", "target"}
    assert item == {"domain": 1}
    with pytest.raises(InputError, match="domains is 1; expected 2 or more"):
        RandTargetDomaind("target", 1)
