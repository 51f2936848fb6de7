"""Turning bright and dark."""

import numpy as np
import torch

from monai_harmonize.data.polarity import turn_polarity


def test_turn_swaps_the_ends_and_is_its_own_inverse():
    image = np.array([[-10, 0], [5, 30]], np.float32)
    turned = turn_polarity(image, (-10, 30))
    np.testing.assert_array_equal(turned, [[30, 20], [15, -10]])
    np.testing.assert_array_equal(turn_polarity(turned, (-10, 30)), image)
    assert turned.dtype == np.float32


def test_turn_of_tensors_takes_collated_bounds():
    turned = turn_polarity(torch.tensor([0.0, 255.0]), [torch.tensor(0.0), torch.tensor(255.0)])
    assert turned.tolist() == [255, 0]
