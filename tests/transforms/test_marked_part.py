"""A crop around what is marked leaves whole what has no mark."""

import torch
from monai.transforms import CropForegroundd

from monai_harmonize.transforms.marked_part import marked_or_all


def test_a_crop_without_foreground_keeps_the_volume() -> None:
    crop = CropForegroundd(["image", "label"], "label", select_fn=marked_or_all, margin=1, allow_smaller=True)
    label = torch.zeros(1, 6, 7, 8)
    image = torch.rand(1, 6, 7, 8)
    assert crop({"image": image, "label": label})["image"].shape == image.shape
    label[0, 2, 0, 4:6] = 1
    torch.testing.assert_close(torch.as_tensor(crop({"image": image, "label": label})["image"]), image[:, 1:4, :2, 3:7])
