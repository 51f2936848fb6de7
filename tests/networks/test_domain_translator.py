"""A translator is told the domain, and its generator has to be able to see what it is told."""

import pytest
import torch

from monai_harmonize.data import InputError
from monai_harmonize.networks import DomainTranslator, ResNetGenerator


def translator(norm: object, skip: bool = False, target: int = 0) -> DomainTranslator:
    torch.manual_seed(0)
    generator = ResNetGenerator(2, 1 + 3, channels=8, num_blocks=1, norm=norm, upsampling="resize", skip=skip)
    with torch.no_grad():  # far from the beginning, where weights are tiny
        for parameter in generator.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return DomainTranslator(generator, 3, target).eval()


def difference(network: DomainTranslator) -> float:
    """Of one image in two domains."""
    image = 2 * torch.rand(1, 1, 16, 16) - 1
    return float((network(image, torch.tensor([0])) - network(image, torch.tensor([2]))).detach().abs().max())


def test_instance_norm_takes_the_domain_away_and_other_norms_do_not() -> None:
    """Why the bundle has another norm than the paper."""
    assert difference(translator("instance")) < 1e-3
    for norm in ("batch", ("group", {"num_groups": 4}), None):
        assert difference(translator(norm)) > 0.05, norm


def test_a_domain_may_be_given_and_else_is_the_target() -> None:
    network, image = translator("batch", target=2), torch.rand(3, 1, 8, 8)
    each = network(image, torch.tensor([0, 1, 2]))
    torch.testing.assert_close(each[2:], network(image[2:]))
    torch.testing.assert_close(each[:1], network.toward(0)(image[:1]))
    torch.testing.assert_close(torch.jit.script(network)(image), network(image))
    torch.testing.assert_close(torch.jit.script(network)(image, torch.tensor([0, 1, 2])), each)


def test_another_target_has_the_same_weights() -> None:
    network = translator("batch")
    other = network.toward(1)
    assert (network.target, other.target) == (0, 1)
    with torch.no_grad():
        network.generator.layers[0].weight.zero_()
    assert not other.generator.layers[0].weight.any()
    assert other.state_dict().keys() == network.state_dict().keys()
    with pytest.raises(InputError, match="target is 3 of 3 domains"):
        network.toward(3)


def test_the_skip_leads_around_the_planes() -> None:
    network = DomainTranslator(ResNetGenerator(2, 1 + 3, channels=4, num_blocks=1, norm="batch", skip=True), 3)
    image = 2 * torch.rand(2, 1, 8, 8) - 1
    torch.testing.assert_close(network(image), 0.99 * image, atol=1e-5, rtol=0)
