"""Properties of the translator of UNIT."""

import copy

import pytest
import torch
from torch import nn

from monai_harmonize.networks import UNITTranslator


def translator(spatial_dims: int = 2, **options) -> UNITTranslator:
    torch.manual_seed(0)
    return UNITTranslator(spatial_dims, **{"channels": 4, "num_blocks": 2, **options})


def picture(spatial_dims: int = 2) -> torch.Tensor:
    return 2 * torch.rand(2, 1, *[16, 20, 12][:spatial_dims], generator=torch.Generator().manual_seed(1)) - 1


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("upsampling", ["deconv", "resize"])
@pytest.mark.parametrize("norm", ["instance", "batch", None])
def test_shape_and_range(spatial_dims: int, upsampling: str, norm: str | None) -> None:
    network, image = translator(spatial_dims, upsampling=upsampling, norm=norm), picture(spatial_dims)
    output = network(image)
    assert output.shape == image.shape
    assert output.abs().max() < 1
    assert network.encode(image).shape == (2, 16, *[n // 4 for n in image.shape[2:]])


def test_parameter_count_is_that_of_the_papers_structure() -> None:
    # Three convolutions and four residual blocks, the mean, four residual blocks, two deconvolutions and the last.
    convolutions = [
        (1, 64, 7),
        (64, 128, 3),
        (128, 256, 3),
        *[(256, 256, 3)] * 16,
        (256, 256, 1),
        (256, 128, 3),
        (128, 64, 3),
        (64, 1, 7),
    ]
    assert sum(p.numel() for p in UNITTranslator(2).parameters()) == sum(i * o * k * k + o for i, o, k in convolutions)


def test_evaluation_is_deterministic_and_training_is_not() -> None:
    network, image = translator(), picture()
    assert not torch.equal(network(image), network(image))
    network.eval()
    assert torch.equal(network(image), network(image))
    assert torch.equal(network(image), network.decode(network.encode(image)))
    state = torch.get_rng_state()
    network(image)
    assert torch.equal(torch.get_rng_state(), state)


def test_codes_are_drawn_with_the_identity_as_covariance() -> None:
    network = translator()
    mean = torch.linspace(-3, 3, 7).repeat(20000, 1).requires_grad_()
    codes = network.sample(mean)
    noise = (codes - mean).detach()
    torch.testing.assert_close(noise.mean(0), torch.zeros(7), atol=0.04, rtol=0)
    torch.testing.assert_close(torch.cov(noise.T), torch.eye(7), atol=0.04, rtol=0)
    codes.sum().backward()
    assert torch.equal(mean.grad, torch.ones_like(mean))


def test_partners_share_what_is_next_to_the_latent_space_and_nothing_else() -> None:
    forth = translator(num_blocks=3, num_shared=2)
    back = forth.partner()
    assert forth.shares_latent_space_with(back)
    assert not forth.shares_latent_space_with(copy.deepcopy(forth))
    assert forth.shared_encoder[0] is back.shared_encoder[0]
    shared = {id(p) for p in forth.parameters()} & {id(p) for p in back.parameters()}
    # Of either side two blocks of two convolutions with a bias; and the mean.
    assert len(shared) == 2 * 2 * 4 + 2
    own = sum(1 for _ in forth.parameters()) - len(shared)
    assert sum(1 for _ in nn.ModuleList([forth, back]).parameters()) == 2 * own + len(shared)
    assert not torch.equal(forth.front_end[0].weight, back.front_end[0].weight)
    assert forth.state_dict().keys() == back.state_dict().keys()


def test_a_partner_has_the_same_options() -> None:
    forth = translator(3, in_channels=2, out_channels=3, num_shared=2, norm="batch", upsampling="resize")
    back = forth.partner()
    assert str(back) == str(forth)
    assert back(torch.rand(2, 2, 8, 8, 8)).shape == (2, 3, 8, 8, 8)


def test_an_untrained_encoder_is_not_drowned_in_the_noise() -> None:
    assert translator().encode(picture()).std() > 1


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_scripted_network_computes_the_same(spatial_dims: int) -> None:
    network = translator(spatial_dims).eval()
    image = picture(spatial_dims)
    scripted = torch.jit.script(network)
    torch.testing.assert_close(scripted(image), network(image))
    assert not torch.equal(scripted.train()(image), network(image))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spatial_dims": 1}, "spatial_dims is 1"),
        ({"upsampling": "nearest"}, "upsampling is 'nearest'"),
        ({"num_shared": 0}, "num_shared is 0; expected 1 to num_blocks, which is 2"),
        ({"num_shared": 3}, "num_shared is 3; expected 1 to num_blocks, which is 2"),
    ],
)
def test_wrong_options_are_named(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        translator(**{"spatial_dims": 2, **options})
