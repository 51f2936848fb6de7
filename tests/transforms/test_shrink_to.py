"""Large images shrink, small ones stay."""

import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.spacing import pixel_spacing_of
from monai_harmonize.transforms import ShrinkTo, ShrinkTod


def image(*size: int, spacing: float = 0.2) -> MetaTensor:
    meta = {"affine": torch.diag(torch.tensor([-spacing, -spacing, 1.0, 1.0])), "spacing_known": True}
    return MetaTensor(torch.rand(1, *size, generator=torch.Generator().manual_seed(0)), meta=meta)


def test_a_large_image_is_averaged_and_its_spacing_follows() -> None:
    large = image(64, 32)
    small = ShrinkTo(16)(large)
    assert small.shape == (1, 16, 8)
    torch.testing.assert_close(small.as_tensor()[0, 0, 0], large.as_tensor()[0, :4, :4].mean())
    assert pixel_spacing_of(small) == pytest.approx([0.8, 0.8])


def test_a_small_image_is_the_same_object() -> None:
    small = image(16, 12)
    assert ShrinkTo(16)(small) is small
    assert ShrinkTod("image", 16)({"image": small})["image"] is small


def test_a_volume_shrinks_along_every_axis() -> None:
    assert ShrinkTo(8)(image(16, 16, 8)).shape == (1, 8, 8, 4)


def test_no_pixels_is_an_error() -> None:
    with pytest.raises(ValueError, match="longest is 0"):
        ShrinkTo(0)


def test_a_value_that_float32_does_not_hold_is_refused() -> None:
    large = torch.full((1, 4, 4), 1e300, dtype=torch.float64)
    with pytest.raises(InputError, match=r"image: has values up to 1e\+300"):
        ShrinkTo(2)(large)
    assert ShrinkTo(4)(large) is large
