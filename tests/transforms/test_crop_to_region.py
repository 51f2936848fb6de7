"""The half of an image whose label is known."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.data.errors import InputError
from monai_harmonize.transforms import CropToRegion, CropToRegiond


@given(width=st.integers(2, 9), height=st.integers(1, 4))
def test_the_halves_make_the_whole(width: int, height: int) -> None:
    image = torch.rand(1, width, height)
    left, right = CropToRegion("image_left")(image), CropToRegion("image_right")(image)
    assert left.shape[1] == width // 2
    torch.testing.assert_close(torch.cat([left, right], dim=1), image)
    torch.testing.assert_close(CropToRegion()(image), image)


def test_the_first_columns_are_the_images_left() -> None:
    image = torch.arange(4.0)[None, :, None].expand(1, 4, 3)
    item = CropToRegiond(["pred", "label"], "image_left")({"pred": image, "label": image + 1, "image": image})
    assert item["pred"][0, :, 0].tolist() == [0, 1]
    assert item["label"][0, :, 0].tolist() == [1, 2]
    assert item["image"].shape == (1, 4, 3)


def test_unknown_region() -> None:
    with pytest.raises(InputError, match="region is 'left'; expected one of all, image_left, image_right"):
        CropToRegion("left")
