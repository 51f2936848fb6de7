"""Weights of torchvision: filters of a grey channel, names in old files."""

import pytest
import torch
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks.torchvision_import import torchvision
from monai_harmonize.networks.torchvision_weights import COLOUR_DEVIATION, COLOUR_MEAN, grey_filters, state_of_weights


@pytest.mark.parametrize("padding", [0, 1, 3])
def test_grey_filters_do_what_colour_filters_do(padding: int) -> None:
    generator = torch.Generator().manual_seed(0)
    filters = torch.randn(5, 3, 3, 3, generator=generator, dtype=torch.float64)
    image = 2 * torch.rand(2, 1, 9, 8, generator=generator, dtype=torch.float64) - 1
    mean, deviation = (filters.new_tensor(values)[:, None, None] for values in (COLOUR_MEAN, COLOUR_DEVIATION))
    expected = F.conv2d(((image + 1) / 2 - mean) / deviation, filters, padding=padding)
    grey = grey_filters(filters)
    torch.testing.assert_close(F.conv2d(torch.cat([image, image**0], 1), grey, padding=padding), expected)
    # A bias instead of the plane of ones is wrong as soon as there is padding.
    biased = F.conv2d(image, grey[:, :1], grey[:, 1].sum((1, 2)), padding=padding)
    assert torch.allclose(biased, expected) == (padding == 0)


def test_old_names_and_absent_counters_of_densenet(tmp_path) -> None:
    with torch.device("meta"):
        state = torchvision.models.densenet121().state_dict()
    small = {key: torch.zeros(()).expand(value.shape) for key, value in state.items() if "num_batches" not in key}
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.") if "denselayer" in key else key: value
        for key, value in small.items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "weights.pt")
    found = state_of_weights("densenet121", tmp_path / "weights.pt", free=("classifier.",))
    assert found.keys() == small.keys()


def test_free_layers_may_differ_and_others_may_not(tmp_path) -> None:
    with torch.device("meta"):
        state = torchvision.models.resnet50(num_classes=3).state_dict()
    torch.save({key: torch.zeros(()).expand(value.shape) for key, value in state.items()}, tmp_path / "weights.pt")
    assert "fc.weight" in state_of_weights("resnet50", tmp_path / "weights.pt", free=("fc.",))
    with pytest.raises(InputError, match=r"fc\.bias is \(3,\), expected \(1000,\)"):
        state_of_weights("resnet50", tmp_path / "weights.pt", free=("classifier.",))
    torch.save(torch.zeros(3), tmp_path / "weights.pt")
    with pytest.raises(InputError, match="is missing, expected"):
        state_of_weights("resnet50", tmp_path / "weights.pt", free=("fc.",))
