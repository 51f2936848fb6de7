"""Which column is the label and which file is segmented."""

import logging
from pathlib import Path

import pytest

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.segmentation_records import masks_of_all_or_none, records_with_masks, with_images_of


def test_the_first_column_that_is_filled_becomes_the_label(caplog) -> None:
    records = [{"image": "a", "label": 1, "mask": "lesion"}, {"image": "b", "lung_mask": ["left", "right"]}]
    with caplog.at_level(logging.INFO):
        assert [r["label"] for r in records_with_masks(records)] == [["left", "right"]]
    assert "1 of 2 images have no lung_mask" in caplog.text
    assert [r["label"] for r in records_with_masks(records, ["mask"])] == ["lesion"]
    assert records[0]["label"] == 1


def test_no_mask_at_all_is_an_error_with_a_way_out() -> None:
    with pytest.raises(InputError, match="none of 1 selected images has a mask; fill the column lung_mask or mask"):
        records_with_masks([{"image": "a", "label": 0}])


def test_a_lone_column_is_no_list_of_its_letters() -> None:
    with pytest.raises(InputError, match=r"mask_columns is 'mask'; expected a list of names, such as \['mask'\]"):
        records_with_masks([{"image": "a", "mask": "b"}], "mask")


def test_twins_take_the_place_of_the_images_and_nothing_else(tmp_path: Path) -> None:
    records = [{"image": str(tmp_path / "raw" / "s" / "a.png"), "label": "m.png", "polarity": "inverted"}]
    (tmp_path / "new" / "s").mkdir(parents=True)
    (tmp_path / "new" / "s" / "a.png").touch()
    (twin,) = with_images_of(records, tmp_path / "new", tmp_path / "raw")
    assert twin == {**records[0], "image": str(tmp_path / "new" / "s" / "a.png")}
    assert with_images_of(records, None, tmp_path / "elsewhere") == records


def test_missing_twins_and_images_outside_the_root(tmp_path: Path) -> None:
    records = [{"image": str(tmp_path / "raw" / name)} for name in ("a.png", "b.png")]
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "b.png").touch()
    with pytest.raises(InputError, match=r"a\.png: there is no such file; 1 of 2 images"):
        with_images_of(records, tmp_path / "new", tmp_path / "raw")
    with pytest.raises(InputError, match=r"raw/a\.png: lies outside"):
        with_images_of(records, tmp_path / "new", tmp_path / "new")


def test_masks_of_some_are_masks_of_none(caplog) -> None:
    records = [{"image": "a", "lung_mask": "m"}, {"image": "b", "lung_mask": "n"}]
    assert masks_of_all_or_none(records) == records
    with caplog.at_level("INFO"):
        assert masks_of_all_or_none([*records, {"image": "c"}]) == [{"image": name} for name in "abc"]
    assert "1 of 3 images have no lung_mask" in caplog.text
    assert masks_of_all_or_none([{"image": "c"}]) == [{"image": "c"}]
    assert "lung_mask" in records[0]
