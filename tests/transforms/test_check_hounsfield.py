"""Volumes in another unit are refused by name, others come back untouched."""

import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.transforms import CheckHounsfield, CheckHounsfieldd
from monai_harmonize.transforms.check_hounsfield import CheckHounsfieldD, CheckHounsfieldDict


def volume(values, name="ct/scan.nii") -> MetaTensor:
    return MetaTensor(torch.tensor(values).reshape(1, -1, 1, 1), meta={"filename_or_obj": name})


def test_hounsfield_units_come_back_as_they_are() -> None:
    """One value of air is enough: it is the whole volume that is looked at."""
    image = volume([40.0] * 9 + [-1000.0])
    assert CheckHounsfield()(image) is image
    assert CheckHounsfieldd("image")({"image": image})["image"] is image


@pytest.mark.parametrize("values", [[24.0, 2149.0], [0.0, 1.0], [0.0, 255.0], [0.0, 0.0], [-1.0, 1.0]])
def test_other_units_are_refused(values) -> None:
    told = r"^ct/scan\.nii: its values lie in .* Give the volume in HU; .* set check_unit to false$"
    with pytest.raises(ImageFileError, match=told):
        CheckHounsfieldd("image")({"image": volume(values)})


def test_keys() -> None:
    with pytest.raises(KeyError):
        CheckHounsfieldd("none")({"image": volume([0.0, -1000.0])})
    assert CheckHounsfieldd("none", allow_missing_keys=True)({}) == {}
    assert CheckHounsfieldD is CheckHounsfieldDict is CheckHounsfieldd
