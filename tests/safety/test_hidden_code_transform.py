"""The test for hidden codes within inference."""

import pytest
import torch
from torch import nn

from monai_harmonize.safety import HiddenCodeTestd
from monai_harmonize.safety.certify_transform import HIDDEN_CODE
from monai_harmonize.safety.hidden_code import HiddenCode


class Scaled(nn.Module):
    """Contrast by a factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, image):
        return self.factor * image


def item(shape=(1, 48, 64)):
    return {"image": torch.rand(shape, generator=torch.Generator().manual_seed(0)) - 0.5, "pred": 1}


def test_a_contrast_comes_back_as_it_went():
    found = HiddenCodeTestd("image", Scaled(0.5), Scaled(2.0), 32)(item())[HIDDEN_CODE]
    assert isinstance(found, HiddenCode)
    assert found.cycle_error == pytest.approx(0, abs=1e-6)
    assert found.amplification == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize(("backward", "shape"), [(None, (1, 48, 64)), (Scaled(2.0), (1, 20, 20, 8))])
def test_without_a_way_back_and_for_volumes_nothing_is_tested(backward, shape):
    given = item(shape)
    assert HiddenCodeTestd("image", Scaled(0.5), backward, 32)(given).keys() == given.keys()
