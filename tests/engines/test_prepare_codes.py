"""Codes are the input, real images the label."""

import torch
from monai.data import MetaTensor

from monai_harmonize.engines import prepare_codes


def test_codes_go_to_the_network_and_images_stay_for_the_metrics() -> None:
    code, image = torch.rand(2, 3, 1, 1), MetaTensor(torch.rand(2, 1, 4, 4))
    inputs, targets = prepare_codes({"code": code, "image": image, "number": 1}, "cpu", dtype=torch.float64)
    assert inputs.dtype == torch.float64
    torch.testing.assert_close(inputs.float(), code)
    torch.testing.assert_close(targets.float(), image)


def test_without_images_there_is_no_label() -> None:
    inputs, targets = prepare_codes({"code": torch.rand(2, 3, 1, 1)})
    assert inputs.shape == (2, 3, 1, 1)
    assert targets is None
