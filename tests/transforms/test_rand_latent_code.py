"""Codes belong to a position of the training, and to the label of an item where they are asked to."""

import pytest
import torch
from monai.data import Dataset
from monai.transforms import Compose

from monai_harmonize.data import InputError, LatentCode, PositionalDataset
from monai_harmonize.transforms import RandLatentCoded


def dataset(**options) -> PositionalDataset:
    items = [{"image": torch.zeros(1, 2, 2), "label": place % 2} for place in range(6)]
    coded = RandLatentCoded("code", LatentCode(3, [2], 1), **options)
    return PositionalDataset(Dataset(items, Compose([coded])), seed=3)


def test_a_position_has_its_code_whatever_was_drawn_before() -> None:
    one, other = dataset(), dataset()
    codes = [one[position]["code"] for position in range(12)]
    assert codes[0].shape == (6, 1, 1)
    assert all(torch.equal(other[position]["code"], codes[position]) for position in (11, 4, 0, 11))
    assert len({tuple(code.flatten().tolist()) for code in codes}) == 12


def test_the_label_is_the_first_category_only_when_asked_for() -> None:
    labelled = [dataset(label_key="label")[position] for position in range(12)]
    assert all(item["code"][3 + item["label"]] == 1 for item in labelled)
    free = [dataset()[position] for position in range(60)]
    assert 10 < sum(int(item["code"][3 + item["label"]]) for item in free) < 50


def test_codes_of_volumes_have_three_axes_and_the_item_stays() -> None:
    item = {"label": 1}
    coded = RandLatentCoded("code", LatentCode(3, [2]), label_key="label", spatial_dims=3)(item)
    assert coded["code"].shape == (5, 1, 1, 1)
    assert item == {"label": 1}


def test_a_label_that_no_code_has_is_an_error() -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        RandLatentCoded("code", LatentCode(3, [2]), label_key="label")({"label": 2})
