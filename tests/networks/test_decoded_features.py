"""An image drawn anew from a frozen network's features."""

import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import DecodedFeatures, StyleTransferNet

LAYERS = ["relu1_1", "relu2_1"]


def test_it_is_style_transfer_without_a_style() -> None:
    """The same weights, and an image that keeps its own statistics, give the same image."""
    torch.manual_seed(0)
    plain, styled = (network(layers=LAYERS, num_blocks=0) for network in (DecodedFeatures, StyleTransferNet))
    torch.nn.init.normal_(plain.decoder.layers[-1].get_parameter("weight"), std=0.1)
    missing, unexpected = styled.load_state_dict(plain.state_dict(), strict=False)
    assert unexpected == []
    assert all(name.startswith("style_") for name in missing)
    image = torch.rand(1, 1, 15, 9) * 2 - 1
    assert plain(image).shape == image.shape
    torch.testing.assert_close(plain(image), styled(image), atol=1e-3, rtol=0)
    assert plain(image).std() > 0.01


def test_scripted_network_computes_the_same() -> None:
    network = DecodedFeatures(layers=LAYERS).eval()
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))


def test_a_small_image_is_told() -> None:
    with pytest.raises(InputError, match="2 x 8 pixels; expected at least 3"):
        DecodedFeatures(layers=LAYERS)(torch.zeros(1, 1, 2, 8))
