"""Statistics of the volume, slices one batch at a time: as if the network had seen the volume whole."""

import pytest
import torch
from monai.data import MetaTensor
from torch import nn
from torch.nn import functional as F

from monai_harmonize.data.errors import InputError
from monai_harmonize.inferers import SeamlessInferer, SlicewiseInferer, VolumeStatisticsInferer
from monai_harmonize.inferers.volume_statistics import StatisticsNetwork, pooled_statistics
from monai_harmonize.networks import StyleTransferNet, channel_statistics


class Toy(nn.Module):
    """Two convolutions around a normalisation of three feature maps."""

    def __init__(self) -> None:
        super().__init__()
        draws = torch.Generator().manual_seed(0)
        self.encoder = torch.randn(3, 1, 3, 3, generator=draws, dtype=torch.float64)
        self.decoder = torch.randn(1, 3, 3, 3, generator=draws, dtype=torch.float64)

    def features(self, slices):
        return F.conv2d(F.pad(slices, [1] * 4, "replicate"), self.encoder).relu()

    def statistics(self, slices):
        return channel_statistics(self.features(slices))

    def forward(self, slices, *, statistics=None):
        mean, deviation = self.statistics(slices) if statistics is None else statistics
        shape = (-1, 3, 1, 1)
        normal = (self.features(slices) - mean.view(shape)) / deviation.view(shape)
        return F.conv2d(F.pad(normal, [1] * 4, "replicate"), self.decoder)

    def whole(self, volume):
        """The volume `(1, 1, H, W, D)` in one piece, with 3D convolutions."""
        features = F.conv3d(F.pad(volume, [0, 0, 1, 1, 1, 1], "replicate"), self.encoder[..., None]).relu()
        variance, mean = torch.var_mean(features, dim=(2, 3, 4), keepdim=True, correction=0)
        normal = F.pad((features - mean) / (variance + 1e-5).sqrt(), [0, 0, 1, 1, 1, 1], "replicate")
        return F.conv3d(normal, self.decoder[..., None])


@pytest.fixture
def volume(textured):
    """Slices that differ much in brightness and contrast."""
    return textured(16, 20, 7) * torch.linspace(0.1, 1, 7, dtype=torch.float64)


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_slices_equal_the_whole_volume(volume, batch_size) -> None:
    network = Toy()
    output = VolumeStatisticsInferer(SeamlessInferer(), batch_size=batch_size)(volume, network)
    torch.testing.assert_close(output, network.whole(volume), rtol=0, atol=1e-10)
    by_itself = SlicewiseInferer(SeamlessInferer())(volume, network)
    assert (output - by_itself).abs().max() > 0.5


def test_sizes_that_need_padding_have_the_same_statistics_in_both_passes(textured) -> None:
    network, volume = Toy(), textured(17, 22, 4)
    inner = SeamlessInferer()
    output = VolumeStatisticsInferer(inner, batch_size=3)(volume, network)
    padded = torch.stack([inner.pad(one) for one in volume.unbind(-1)], -1)
    torch.testing.assert_close(output, network.whole(padded)[:, :, :17, :22], rtol=0, atol=1e-10)


def test_every_volume_of_a_batch_has_its_own_statistics(volume) -> None:
    network, infer = Toy(), VolumeStatisticsInferer(SeamlessInferer(), batch_size=2)
    both = infer(torch.cat([volume, 0.3 - volume]), network)
    torch.testing.assert_close(both, torch.cat([infer(volume, network), infer(0.3 - volume, network)]))


def test_axial_slices_of_a_volume_stored_otherwise(volume) -> None:
    network = Toy()
    affine = torch.diag(torch.tensor([-1.0, -1.0, 1.0, 1.0]))[:, [2, 1, 0, 3]]
    turned = MetaTensor(volume.permute(0, 1, 4, 3, 2), affine=affine[None])
    output = VolumeStatisticsInferer(SeamlessInferer(), axis="axial", batch_size=2)(turned, network)
    expected = VolumeStatisticsInferer(SeamlessInferer())(volume, network)
    torch.testing.assert_close(output.as_tensor(), expected.permute(0, 1, 4, 3, 2), rtol=0, atol=1e-10)


def test_an_image_has_its_own_statistics(textured) -> None:
    network, image = Toy(), textured(16, 16)
    torch.testing.assert_close(VolumeStatisticsInferer(SeamlessInferer())(image, network), network(image))


def test_pooling_is_exact_where_means_are_far_from_zero() -> None:
    values = torch.randn(6, 4, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    values += 1e4 * torch.arange(6.0, dtype=torch.float64)[:, None, None]
    pooled_mean, pooled_deviation = pooled_statistics(*channel_statistics(values, epsilon=0.5))
    expected_variance, expected_mean = torch.var_mean(values, dim=(0, 2), correction=0)
    torch.testing.assert_close(pooled_mean[0], expected_mean)
    torch.testing.assert_close(pooled_deviation[0], (expected_variance + 0.5).sqrt())


def test_wrong_networks_are_named(volume) -> None:
    assert isinstance(Toy(), StatisticsNetwork)
    with pytest.raises(InputError, match="Identity has no method statistics"):
        VolumeStatisticsInferer(SeamlessInferer())(volume, nn.Identity())
    with pytest.raises(InputError, match=r"\(2, 3, 1\) and \(2, 3, 1\); expected \(N, F\)"):
        pooled_statistics(torch.zeros(2, 3, 1), torch.zeros(2, 3, 1))


def test_style_transfer_takes_the_statistics_of_a_volume() -> None:
    torch.manual_seed(0)
    network = StyleTransferNet("vgg19", ["relu1_1", "relu2_1"], num_blocks=0).eval()
    torch.nn.init.normal_(network.decoder.layers[-1].get_parameter("weight"), std=0.1)
    volume = torch.rand(1, 1, 16, 12, 5) * torch.linspace(0.1, 1, 5) - 0.5
    slices = volume[0].permute(3, 0, 1, 2)
    network.store_styles([1 - slices])
    unpadded = SeamlessInferer(multiple=1, min_size=1)
    output = VolumeStatisticsInferer(unpadded, batch_size=2)(volume, network)
    mean, deviation = pooled_statistics(*network.statistics(slices))
    with torch.no_grad():
        expected = network(slices, statistics=(mean, deviation))
    torch.testing.assert_close(output[0].permute(3, 0, 1, 2), expected, rtol=1e-4, atol=1e-4)
    assert (expected - network(slices)).abs().max() > 0.01
