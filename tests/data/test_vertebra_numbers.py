"""Numbers of vertebrae in several label maps."""

import pytest

from monai_harmonize.data import vertebra_numbers
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.vertebra_numbers import VERTEBRAE


def names(numbering) -> dict[int, str]:
    return {value: VERTEBRAE[number - 1] for value, number in vertebra_numbers(numbering).items()}


def test_verse_keeps_its_numbers_without_the_sacrum() -> None:
    found = names("verse")
    assert [found[value] for value in (1, 7, 8, 19, 20, 24, 25, 28)] == [
        "C1",
        "C7",
        "T1",
        "T12",
        "L1",
        "L5",
        "L6",
        "T13",
    ]
    assert {26, 27, 0}.isdisjoint(found)


def test_totalsegmentator_counts_upwards() -> None:
    found = names("totalsegmentator")
    assert [found[value] for value in (27, 31, 32, 43, 44, 50)] == ["L5", "L1", "T12", "T1", "C7", "C1"]
    assert {25, 26, 51, 0}.isdisjoint(found)


def test_a_mapping_of_ones_own_may_come_from_json() -> None:
    assert vertebra_numbers({"3": 20, 4: 21}) == {3: 20, 4: 21}


def test_errors() -> None:
    with pytest.raises(InputError, match=r"numbering is 'nnunet'; expected one of \['totalsegmentator', 'verse'\]"):
        vertebra_numbers("nnunet")
    for wrong in ({1: 29}, {1: 0}, {0: 1}, {}):
        with pytest.raises(InputError, match="expected numbers from 1 to 28 for values other than 0"):
            vertebra_numbers(wrong)
    for wrong in ({"L1": 20}, {1: None}, 5):
        with pytest.raises(InputError, match="expected whole numbers for whole numbers"):
            vertebra_numbers(wrong)
