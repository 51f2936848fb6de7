"""The network is the same map everywhere once its statistics are fixed."""

import pytest
import torch
from torch import nn

from monai_harmonize.inferers import fixed_instance_norm

CENTRE = (..., slice(32, 96), slice(32, 96))


def hooks(network: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules())


@pytest.mark.parametrize("norm", ["instance", ("instance", {"affine": True}), ("group", {"num_groups": 2})])
@pytest.mark.parametrize("upsampling", ["deconv", "resize"])
def test_the_measured_image_itself_is_translated_as_ever(make_generator, textured, norm, upsampling) -> None:
    network, image = make_generator(norm=norm, upsampling=upsampling), textured(48, 40)
    expected = network(image)
    with fixed_instance_norm(network, image):
        torch.testing.assert_close(network(image), expected, rtol=0, atol=1e-12)
    assert expected.std() > 0.1


@pytest.mark.parametrize("norm", ["instance", ("group", {"num_groups": 2})])
def test_a_crop_equals_the_crop_of_the_whole_far_from_its_borders(make_generator, textured, norm) -> None:
    network, image = make_generator(norm=norm), textured(128, 128)
    expected = network(image)[CENTRE]
    inner = (..., slice(24, -24), slice(24, -24))
    with fixed_instance_norm(network, image):
        crop = network(image[CENTRE])
    torch.testing.assert_close(crop[inner], expected[inner], rtol=0, atol=1e-12)
    assert (network(image[CENTRE]) - expected)[inner].abs().max() > 0.1


def test_volumes(make_generator, textured) -> None:
    network, image = make_generator(3), textured(16, 20, 24)
    expected = network(image)
    with fixed_instance_norm(network, image):
        torch.testing.assert_close(network(image), expected, rtol=0, atol=1e-12)


def test_closed_form_of_one_layer() -> None:
    layer = nn.InstanceNorm2d(1, affine=True, eps=0.5)
    nn.init.constant_(layer.weight, 3.0)
    nn.init.constant_(layer.bias, 0.25)
    reference = torch.tensor([[[[1.0, 3.0], [1.0, 3.0]]]])  # mean 2, variance 1
    with fixed_instance_norm(layer, reference):
        result = layer(torch.tensor([[[[2.0, 4.0]]]]))
    expected = [0.25, 3 * (4 - 2) / 1.5**0.5 + 0.25]
    torch.testing.assert_close(result.flatten(), torch.tensor(expected))


def test_closed_form_of_a_group() -> None:
    layer = nn.GroupNorm(1, 2, eps=0.5)
    nn.init.constant_(layer.bias, 0.25)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([3.0, 1.0]))
    reference = torch.tensor([1.0, 3.0]).reshape(1, 2, 1, 1).expand(1, 2, 2, 2)  # mean 2, variance 1
    with fixed_instance_norm(layer, reference):
        result = layer(torch.tensor([2.0, 4.0]).reshape(1, 2, 1, 1))
    torch.testing.assert_close(result.flatten(), torch.tensor([0.25, (4 - 2) / 1.5**0.5 + 0.25]))


def test_each_image_of_a_batch_has_its_own_statistics(make_generator, textured) -> None:
    network = make_generator()
    images = torch.cat([textured(32, 32), 0.2 * textured(32, 32, seed=1)])
    with fixed_instance_norm(network, images):
        torch.testing.assert_close(network(images), network(images), rtol=0, atol=0)
        torch.testing.assert_close(network(images)[1:], self_translated(network, images), rtol=0, atol=1e-12)


def self_translated(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The second image as a network without any hook translates it."""
    copy = type(network)(2, channels=4, num_blocks=1).double().eval()
    copy.load_state_dict(network.state_dict())
    return copy(images[1:])


def test_afterwards_the_network_is_as_before(make_generator, textured) -> None:
    network, image = make_generator(), textured(32, 32)
    other = textured(32, 32, seed=5)
    expected = network(other)
    with fixed_instance_norm(network, image):
        assert hooks(network) > 0
        assert not torch.equal(network(other), expected)
    assert hooks(network) == 0
    assert torch.equal(network(other), expected)


def test_exceptions_leave_no_hooks(make_generator, textured) -> None:
    network, image = make_generator(), textured(32, 32)
    with pytest.raises(KeyError), fixed_instance_norm(network, image):
        raise KeyError
    assert hooks(network) == 0
    with (
        pytest.raises(RuntimeError, match="Padding size"),
        fixed_instance_norm(network, image[..., :1]),
    ):
        pytest.fail("the measurement must have failed")
    assert hooks(network) == 0


def test_networks_without_instance_norm_are_not_even_run(textured) -> None:
    class Counting(nn.Conv2d):
        calls = 0

        def forward(self, image):
            self.calls += 1
            return super().forward(image)

    network = nn.Sequential(Counting(1, 1, 1), nn.BatchNorm2d(1)).eval()
    with fixed_instance_norm(network, textured(8, 8).float()):
        assert network[0].calls == hooks(network) == 0
