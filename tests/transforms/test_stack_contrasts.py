"""Images of a patient become the channels of one tensor."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from monai_harmonize.data import ImageFileError
from monai_harmonize.transforms import StackContrastsd


def record(folder: Path, name: str, level: int, size: tuple[int, int] = (8, 6), polarity: str = "normal") -> dict:
    """A flat image of 8 bits, rows and columns given."""
    pixels = np.full(size, level, np.uint8)
    pixels[0, 0] = 0
    Image.fromarray(pixels).save(folder / f"{name}.png")
    return {"image": str(folder / f"{name}.png"), "polarity": polarity}


def test_images_are_scaled_and_stacked_and_what_is_missing_is_background(tmp_path: Path) -> None:
    a, c = record(tmp_path, "a", 255), record(tmp_path, "c", 51, polarity="inverted")
    item = StackContrastsd()({"image": a["image"], "contrasts": [None, a, c], "target": 0, "label": None, "x": 1})
    assert set(item) == {"image", "contrasts", "target"}
    assert item["image"].meta["filename_or_obj"] == a["image"]
    assert tuple(item["contrasts"].shape) == (3, 6, 8)
    assert item["contrasts"][:, 3, 3].tolist() == pytest.approx([-1.0, 1.0, 0.6])
    torch.testing.assert_close(item["contrasts"][1], item["image"][0].as_subclass(torch.Tensor))
    assert item["target"] == 0


def test_sizes_are_brought_to_the_first_or_to_the_one_asked_for(tmp_path: Path) -> None:
    small, large = record(tmp_path, "small", 100), record(tmp_path, "large", 200, (32, 24))
    data = {"contrasts": [small, large, None], "target": 2, "label": large}
    assert tuple(StackContrastsd()(data)["contrasts"].shape) == (3, 6, 8)
    item = StackContrastsd(size=4, with_label=True)(data)
    assert tuple(item["contrasts"].shape) == (3, 4, 4)
    assert tuple(item["label"].shape) == (1, 4, 4)
    assert item["filename_or_obj"] == large["image"]
    assert tuple(item["image"].shape) == (1, 6, 8)
    assert float(item["label"][0, 3, 3]) == pytest.approx(2 * 200 / 255 - 1)


def test_images_of_other_fields_are_refused_by_their_file(tmp_path: Path) -> None:
    one, other = record(tmp_path, "one", 100), record(tmp_path, "other", 200, (8, 7))
    with pytest.raises(ImageFileError, match=r"other\.png: has 7x8 pixels and another image of its patient 6x8"):
        StackContrastsd()({"contrasts": [one, other, None], "target": 2})


def test_the_only_image_of_a_patient_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageFileError, match=r"alone\.png: is the only image of its patient"):
        StackContrastsd()({"image": "alone.png", "contrasts": [None, None], "target": 0})
