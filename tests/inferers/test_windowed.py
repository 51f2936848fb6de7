"""HU in, HU out, the network sees the window."""

import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.inferers import SeamlessInferer, SlicewiseInferer, VolumeStatisticsInferer, WindowedInferer
from monai_harmonize.networks import channel_statistics
from monai_harmonize.transforms import RestoreHounsfield, WindowHounsfield


@pytest.fixture
def scan(textured):
    """HU within and beyond the bone window."""
    return (textured(17, 22, 5) * 1600 + 300).round().float()


def shifted(slices):
    assert slices.min() >= -1
    assert slices.max() <= 1
    return slices + 0.1


def test_volume_equals_the_transforms(scan) -> None:
    output = SlicewiseInferer(WindowedInferer(SeamlessInferer(), "bone"), batch_size=2)(scan, shifted)
    seen = WindowHounsfield("bone")(scan)
    expected = RestoreHounsfield("bone")(SlicewiseInferer(SeamlessInferer())(seen, shifted), scan)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-3)
    inside = (scan >= -500) & (scan <= 1210)
    torch.testing.assert_close(output[inside] - scan[inside], torch.full_like(scan[inside], 90.0), rtol=0, atol=1e-3)
    beyond = (scan < -680) | (scan > 1480)
    assert beyond.any()
    assert torch.equal(output[beyond], scan[beyond])


def test_blend_is_passed_on(scan) -> None:
    output = WindowedInferer(SeamlessInferer(), "bone", blend=1)(scan, shifted)
    assert torch.equal(output[scan < -501], scan[scan < -501])


def test_statistics_are_those_of_the_window(scan) -> None:
    class Network:
        def statistics(self, slices):
            return channel_statistics(slices, epsilon=0.0)

        def __call__(self, slices, *, statistics=None):
            self.given = statistics
            return slices

    network = Network()
    output = VolumeStatisticsInferer(WindowedInferer(SeamlessInferer(multiple=1, min_size=1), "bone"))(scan, network)
    torch.testing.assert_close(output, scan, rtol=0, atol=1e-3)
    seen = WindowHounsfield("bone")(scan)
    torch.testing.assert_close(network.given[0].flatten(), seen.mean().flatten())
    torch.testing.assert_close(network.given[1].flatten(), seen.std(correction=0).flatten())


def test_no_such_window() -> None:
    with pytest.raises(InputError, match="'bones'; expected bone"):
        WindowedInferer(SeamlessInferer(), "bones")
