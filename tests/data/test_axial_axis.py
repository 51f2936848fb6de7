"""The axis from foot to head."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize.data.axial_axis import axial_axis

# A sagittal spine: columns to the back, rows to the foot, thick slices to the left.
SAGITTAL = np.array([[-0.03, 0.14, 1.98, 0], [-1.0, 0, -0.05, 0], [0, -0.99, 0.27, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("affine", "expected"),
    [
        (np.diag([-0.7, -0.7, 3.0, 1]), 2),
        (SAGITTAL, 1),
        (SAGITTAL[:, [1, 0, 2, 3]], 0),
        # 9 mm at 45 degrees rise more per voxel than 1 mm straight up, which still is the axis.
        (np.array([[9.0, 0, 0, 0], [0, 0, 1, 0], [6, 1, 0, 0], [0, 0, 0, 1]]), 1),
    ],
)
def test_axis_of_a_volume_and_of_a_batch(affine, expected) -> None:
    image = MetaTensor(torch.zeros(1, 4, 3, 2), affine=torch.as_tensor(affine))
    assert axial_axis(image) == expected
    batch = MetaTensor(torch.zeros(1, 1, 4, 3, 2), affine=torch.as_tensor(affine)[None])
    assert axial_axis(batch) == expected


def test_without_metadata_the_last() -> None:
    assert axial_axis(torch.zeros(1, 4, 3, 2)) == 2
