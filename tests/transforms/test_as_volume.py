"""A slice as a volume and back, with its place."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd, Orientationd, Spacingd

from monai_harmonize.transforms import AsVolume, AsVolumed

AFFINE = torch.tensor([[0, -2.0, 0.1, 30], [1.5, 0, 0, -20], [0.1, 0, 4.0, 5], [0, 0, 0, 1]]).double()


def test_a_slice_gets_an_axis_and_its_affine_stays() -> None:
    image = MetaTensor(torch.rand(1, 6, 5), affine=AFFINE, meta={"name": "slice"})
    volume = AsVolume()(image)
    assert volume.shape == (1, 6, 5, 1)
    assert torch.equal(volume.as_tensor()[..., 0], image.as_tensor())
    assert torch.equal(volume.affine, AFFINE)
    assert volume.meta["name"] == "slice"
    assert image.shape == (1, 6, 5)
    assert not image.applied_operations
    assert AsVolume()(torch.rand(1, 6, 5)).shape == (1, 6, 5, 1)


@pytest.mark.parametrize("third", [[0, 0, 0], [3.0, 1.5, 0.1], [np.nan, 0, 0]])
def test_a_third_axis_that_is_none_becomes_one_millimetre_across(third) -> None:
    affine = AFFINE.clone()
    affine[:3, 2] = torch.tensor(third)
    volume = AsVolume()(MetaTensor(torch.rand(1, 6, 5), affine=affine))
    axes = volume.affine[:3, :3]
    torch.testing.assert_close(axes[:, 2] @ axes, torch.tensor([0, 0, 1.0]).double())
    assert torch.linalg.det(axes) > 0
    assert torch.equal(volume.affine[:, [0, 1, 3]], affine[:, [0, 1, 3]])


@pytest.mark.parametrize("size", [(6, 5), (6, 5, 3), (6, 5, 1)])
@pytest.mark.parametrize("spacing", [None, [1.0, 0.75, 4.0]])
def test_what_was_made_of_an_image_goes_back_to_its_voxels(size, spacing) -> None:
    """Turned, and at half the spacing, from which linear interpolation finds every voxel again."""
    affine = torch.tensor([[0, -2.0, 0, 30], [1.5, 0, 0, -20], [0, 0, 4.0, 5], [0, 0, 0, 1]]).double()
    steps = [AsVolumed("image"), Orientationd("image", "RAS", labels=None)]
    if spacing is not None:
        steps.append(Spacingd("image", spacing, mode="bilinear", padding_mode="border"))
    prepare = Compose(steps)
    image = MetaTensor(torch.rand(1, *size), affine=affine)
    item = prepare({"image": image})
    assert item["image"].ndim == 4
    item["pred"] = MetaTensor(2 * item["image"].as_tensor())
    back = Invertd("pred", prepare, orig_keys="image", nearest_interp=False, to_tensor=True)(item)["pred"]
    torch.testing.assert_close(back.as_tensor(), 2 * image.as_tensor(), atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.as_tensor(back.affine), affine)
