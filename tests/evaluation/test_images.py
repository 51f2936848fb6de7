from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from skimage.exposure import match_histograms

from monai_harmonize.evaluation.cases import Case
from monai_harmonize.evaluation.images import load_case, load_item, load_unit_image

ANATOMY = np.random.default_rng(0).integers(0, 4096, (20, 30)).astype(np.float32)


def reader(images: Mapping[str, Any], grey_range: tuple[float, float] = (0, 4095)) -> Callable[..., MetaTensor]:
    def load(item: Mapping[str, Any]) -> MetaTensor:
        array = torch.as_tensor(np.array(images[item["image"]], np.float32, order="C"))
        return MetaTensor(array[None] if array.ndim == 2 else array, meta={"grey_range": grey_range})

    return load


def case(**items: str) -> Case:
    records = {name: {"image": image} for name, image in items.items()}
    return Case("c", "p", records["source"], records["harmonized"], records["template"], records.get("truth"))


def test_nominal_range_becomes_zero_to_one() -> None:
    unit = load_unit_image({"image": "x"}, reader({"x": ANATOMY - 1024}, (-1024, 3071)))
    np.testing.assert_allclose(unit, ANATOMY / 4095, atol=1e-6)
    assert unit.dtype == np.float32


def test_levels_beyond_the_nominal_range_are_clipped() -> None:
    unit = load_unit_image({"image": "x"}, reader({"x": ANATOMY * 3 - 2000}))
    assert (unit.min(), unit.max()) == (0, 1)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((20, 30), 7.0), "bad: every pixel is 7"),
        (np.where(ANATOMY > 4000, np.nan, ANATOMY), "bad: .* NaN or infinite"),
        (ANATOMY[:10], "bad: 10 x 30 pixels, smaller than 11 x 11"),
        (np.stack([ANATOMY] * 3), r"bad: expected one channel .* got \(3, 20, 30\)"),
    ],
)
def test_refuses_by_name_what_cannot_be_compared(image: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_unit_image({"image": "bad"}, reader({"bad": image}))


def test_case_holds_all_methods_on_one_scale() -> None:
    template = ANATOMY**2 / 4095
    load = reader({"s": ANATOMY, "h": ANATOMY / 2, "t": template, "w": ANATOMY[::-1]})
    images = load_case(case(source="s", harmonized="h", template="t", truth="w"), load)
    assert list(images) == ["raw", "harmonized", "histogram_matched", "truth"]
    np.testing.assert_allclose(images["harmonized"], images["raw"] / 2, atol=1e-6)
    expected = match_histograms(ANATOMY, template) / 4095
    np.testing.assert_allclose(images["histogram_matched"], expected, atol=1e-5)
    assert "truth" not in load_case(case(source="s", harmonized="h", template="t"), load)


def test_template_may_have_another_size_but_output_and_truth_may_not() -> None:
    load = reader({"s": ANATOMY, "small": ANATOMY[:15]})
    load_case(case(source="s", harmonized="s", template="small"), load)
    for wrong in ({"harmonized": "small"}, {"harmonized": "s", "truth": "small"}):
        with pytest.raises(ValueError, match=r"small: \(15, 30\) pixels .* source s has \(20, 30\)"):
            load_case(case(source="s", template="s", **wrong), load)


def test_default_reader_is_columns_first_and_turns_inverted_files(
    tmp_path: Path, save_image: Callable[..., Path]
) -> None:
    rows_first = ANATOMY / 4095
    path = str(save_image(tmp_path / "x.png", rows_first))
    unit = load_unit_image({"image": path, "polarity": "normal"}, load_item)
    turned = load_unit_image({"image": path, "polarity": "inverted"}, load_item)
    np.testing.assert_allclose(unit, rows_first.T, atol=1e-4)
    np.testing.assert_allclose(turned, 1 - rows_first.T, atol=1e-4)
