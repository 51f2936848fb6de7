"""Samples are counted: each has its own code, whatever else is drawn."""

import pytest
import torch

from monai_harmonize.data import InputError, LatentCode, LatentCodes


def test_a_sample_is_the_same_among_few_and_among_many() -> None:
    few, many = LatentCodes(LatentCode(4), 3, seed=5), LatentCodes(LatentCode(4), 30, seed=5)
    assert all(torch.equal(few[number]["code"], many[number]["code"]) for number in range(3))
    assert [item["number"] for item in few] == [0, 1, 2]
    assert len({tuple(item["code"].flatten().tolist()) for item in many}) == 30
    other = LatentCodes(LatentCode(4), 3, seed=6)
    assert not torch.equal(few[0]["code"], other[0]["code"])


def test_classes_take_turns_or_are_all_the_one_that_was_asked_for() -> None:
    layout = LatentCode(2, [3])
    turns = [layout.category(item["code"][None])[0].argmax().item() for item in LatentCodes(layout, 7)]
    assert turns == [0, 1, 2, 0, 1, 2, 0]
    asked = LatentCodes(layout, 7, label=2, spatial_dims=3)
    assert {layout.category(item["code"][None])[0].argmax().item() for item in asked} == {2}
    assert asked[0]["code"].shape == (5, 1, 1, 1)
    named = LatentCodes(layout, 4, names=["a", "b", "c"])
    assert [(item["class"], item["class_name"]) for item in named] == [(0, "a"), (1, "b"), (2, "c"), (0, "a")]
    assert asked[0]["class_name"] == "label 2"
    assert "class" not in LatentCodes(LatentCode(2), 1)[0]


@pytest.mark.parametrize(
    ("code", "options", "told"),
    [
        (LatentCode(2), {"samples": 0}, "samples is 0"),
        (LatentCode(2), {"samples": 1, "label": 0}, "label is 0; this generator knows none"),
        (LatentCode(2, [3]), {"samples": 1, "label": 3}, "label is 3; this generator knows 0 to 2"),
        (LatentCode(2, [3]), {"samples": 1, "label": "ill"}, "label is 'ill'; this generator knows 0 to 2"),
        (LatentCode(2, [3]), {"samples": 1, "label": 1.0}, "label is 1.0; this generator knows 0 to 2"),
        (LatentCode(2, [3]), {"samples": 1, "names": "abc"}, "names of classes are 'abc'; expected a list"),
        (LatentCode(2, [3]), {"samples": 1, "names": 5}, "names of classes are 5; expected a list"),
        (LatentCode(2, [3]), {"samples": 1, "names": ["a"]}, "1 names of classes are given; this generator knows 3"),
    ],
)
def test_what_cannot_be_drawn_is_refused(code: LatentCode, options: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        LatentCodes(code, **options)
