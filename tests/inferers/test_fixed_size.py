"""The network sees its training size, the user the image's."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.transforms import Resize

from monai_harmonize.data.errors import InputError
from monai_harmonize.inferers import FixedSizeInferer


@given(width=st.integers(1, 70), height=st.integers(1, 70))
def test_network_sees_the_square_that_training_shows(width: int, height: int) -> None:
    image = torch.rand(1, 1, width, height)
    seen = []

    def network(inputs: torch.Tensor) -> torch.Tensor:
        seen.append(inputs)
        return torch.full((1, 2, 16, 16), 0.25)

    output = FixedSizeInferer(16)(image, network)
    torch.testing.assert_close(seen[0][0], Resize((16, 16), mode="area")(image[0]).as_tensor())
    assert output.shape == (1, 2, width, height)
    torch.testing.assert_close(output, torch.full_like(output, 0.25))


def test_a_straight_border_comes_back_in_its_place() -> None:
    image = (torch.arange(64) >= 24).float()[None, None, :, None].expand(1, 1, 64, 48)
    output = FixedSizeInferer(16)(image, lambda inputs: inputs)
    torch.testing.assert_close((output > 0.5).float(), image)


def test_volumes_and_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(InputError, match="3 spatial axes"):
        FixedSizeInferer(16)(torch.rand(1, 1, 8, 8, 8), lambda inputs: inputs)
    with pytest.raises(InputError, match="size is 0"):
        FixedSizeInferer(0)
