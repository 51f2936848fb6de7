"""The spacing that a file names, and none where it names none."""

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from PIL import Image

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.spacing import checked_spacing, median_spacing, pixel_spacing_of
from monai_harmonize.transforms import LoadRadiograph


@pytest.mark.parametrize(("dpi", "expected"), [(None, None), ((254, 127), [0.1, 0.2])])
def test_a_png_names_its_spacing_or_none(tmp_path, dpi, expected) -> None:
    path = tmp_path / "image.png"
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4)).save(path, **({"dpi": dpi} if dpi else {}))
    image = LoadRadiograph()(path)
    assert pixel_spacing_of(image) == (None if expected is None else pytest.approx(expected, rel=1e-3))
    (batch,) = DataLoader(Dataset([{"image": image}]), batch_size=1)
    assert pixel_spacing_of(batch["image"]) == (None if expected is None else pytest.approx(expected, rel=1e-3))


def test_a_phantom_in_dicom_has_one(chest_data) -> None:
    path = next((chest_data / "train").rglob("*.dcm"))
    assert all(length > 0 for length in pixel_spacing_of(LoadRadiograph()(path)))


def test_tensors_have_none() -> None:
    assert pixel_spacing_of(torch.zeros(1, 4, 4)) is None
    assert pixel_spacing_of(MetaTensor(torch.zeros(1, 4, 4))) is None


def test_an_oblique_volume_has_three() -> None:
    turn = torch.tensor([[0.6, -0.8, 0, 0], [0.8, 0.6, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=torch.float64)
    affine = turn @ torch.diag(torch.tensor([0.5, 0.7, 3.0, 1.0], dtype=torch.float64))
    image = MetaTensor(torch.zeros(1, 2, 2, 2), meta={"affine": affine, "spacing_known": True})
    assert pixel_spacing_of(image) == pytest.approx([0.5, 0.7, 3.0])


def test_the_median_is_of_those_that_have_one() -> None:
    def image(*spacing: float, known: bool = True) -> MetaTensor:
        affine = torch.diag(torch.tensor([*spacing, 1.0], dtype=torch.float64))
        return MetaTensor(torch.zeros(1, 2, 2, 2), meta={"affine": affine, "spacing_known": known})

    images = [image(0.3, 0.3, 1), image(1, 1.00004, 5), image(9, 9, 9, known=False), image(0.7, 2, 3)]
    assert median_spacing(iter(images)) == [0.7, 1.0, 3.0]
    assert median_spacing([torch.zeros(1, 2, 2, 2)]) == []


WRONG = [[0, 5, 8], [5, 5], [-5, 5, 8], 5, "abc", "558", [], [1, 1, 1, 1], [1, 1, "1"], [1, 1, float("nan")]]
WRONG += [[1, 1, float("inf")], [True, 1, 1], {"a": 1, "b": 1, "c": 1}, [1, 1, None]]


@pytest.mark.parametrize("spacing", WRONG)
def test_a_wrong_wish_is_refused(spacing) -> None:
    for optional in (False, True):
        with pytest.raises(InputError, match="three numbers above 0") as error:
            checked_spacing(spacing, optional)
        assert repr(spacing) in str(error.value)


def test_a_right_wish_is_taken() -> None:
    assert checked_spacing([1, 0.5, 2.0]) == checked_spacing((1.0, 0.5, 2.0), optional=True) == [1.0, 0.5, 2.0]
    assert checked_spacing(None, optional=True) is None
    with pytest.raises(InputError, match="spacing is None; expected three"):
        checked_spacing(None)
