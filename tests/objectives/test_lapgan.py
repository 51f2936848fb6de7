"""Laplacian pyramid, the games of its levels, and drawing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from monai_harmonize.data import InputError
from monai_harmonize.networks import LaplacianPyramidDiscriminator, LaplacianPyramidGenerator
from monai_harmonize.networks.laplacian_pyramid import collapsed, halved, laplacian_pyramid, upsampled
from monai_harmonize.objectives import GAN, LAPGAN


def make(image_size: int = 32, spatial_dims: int = 2, **options) -> LAPGAN:
    torch.manual_seed(0)
    generator = LaplacianPyramidGenerator(spatial_dims, 20, 1, image_size, 4, level_noise=6)
    return LAPGAN(generator, LaplacianPyramidDiscriminator(spatial_dims, 1, image_size, 4), **options)


def batch(image_size: int = 32, spatial_dims: int = 2) -> dict[str, torch.Tensor]:
    image = 2 * torch.rand(3, 1, *[image_size] * spatial_dims) - 1
    return {"image": image, "code": torch.randn(3, 20, *[1] * spatial_dims)}


@given(st.integers(0, 2**31), st.sampled_from([(8, 16), (4, 8, 12)]), st.integers(1, 2))
def test_a_pyramid_holds_the_whole_image(seed: int, shape: tuple[int, ...], levels: int) -> None:
    image = torch.randn(2, 2, *shape, generator=torch.Generator().manual_seed(seed))
    pyramid = laplacian_pyramid(image, levels)
    assert [part.shape[2] for part in pyramid] == [shape[0] // 2**n for n in (levels, *reversed(range(levels)))]
    torch.testing.assert_close(collapsed(pyramid), image)
    # Channels and images of a batch do not mix.
    (alone,) = laplacian_pyramid(image[1:, 1:], 1)[:1]
    torch.testing.assert_close(halved(image)[1:, 1:], alone)


def test_residuals_hold_what_a_coarser_image_cannot_show() -> None:
    flat = torch.full((1, 1, 16, 16), 0.3)
    stripes = torch.tensor([1.0, -1.0]).repeat(8).expand(1, 1, 16, 16)
    ramp = torch.arange(32.0).expand(1, 1, 32, 32)
    for image, energy in ((flat, 0.0), (stripes, 1.0)):
        _, residual = laplacian_pyramid(image, 1)
        inside = residual[..., 3:-3, 3:-3]
        assert float(inside.square().mean()) == pytest.approx(energy, abs=1e-10)
    torch.testing.assert_close(laplacian_pyramid(ramp, 1)[1][..., 3:-3], torch.zeros(1, 1, 32, 26), atol=1e-4, rtol=0)
    assert float(halved(stripes)[..., 1:-1].abs().max()) < 1e-7


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_of_white_noise_a_known_share_is_residual(spatial_dims: int) -> None:
    """A pixel comes back from half the size as a mean of six, with weights 1, 3, 6, 10, 9, 3 over 32 on each axis."""
    kept, squares = 10 / 32, (1 + 9 + 36 + 100 + 81 + 9) / 32**2
    expected = 1 - 2 * kept**spatial_dims + squares**spatial_dims
    torch.manual_seed(0)
    _, residual = laplacian_pyramid(torch.randn(4, 1, *[64 if spatial_dims == 2 else 32] * spatial_dims), 1)
    inside = residual[(..., *[slice(3, -3)] * spatial_dims)]
    assert float(inside.square().mean()) == pytest.approx(expected, rel=0.03)


def test_at_the_coarsest_level_the_game_is_that_of_a_gan() -> None:
    objective, data = make(), batch()
    coarsest = {"image": laplacian_pyramid(data["image"], 2)[0], "code": data["code"][:, :8]}
    alone = GAN(objective.generator.coarsest, objective.discriminator.levels["8"])
    for mine, its in (
        (objective.generator_losses(data), alone.generator_losses(coarsest)),
        (objective.discriminator_losses(data), alone.discriminator_losses(coarsest)),
    ):
        expected = {f"{name}_8": value for name, value in next(its).items()}
        torch.testing.assert_close(next(mine), expected)


def test_no_level_learns_from_another() -> None:
    objective, data = make(), batch()

    def moved(networks: dict[str, nn.Module]) -> set[str]:
        found = {name for name, network in networks.items() if any(p.grad is not None for p in network.parameters())}
        for network in networks.values():
            network.zero_grad(set_to_none=True)
        return found

    generators = dict(zip(("8", "16", "32"), (objective.generator.coarsest, *objective.generator.levels), strict=True))
    discriminators = dict(objective.discriminator.levels.items())
    for size, group in zip(generators, objective.generator_losses(data), strict=True):
        assert set(group) == {f"adversarial_{size}"}
        objective.weighted_sum(group).backward()
        assert moved(generators) == {size}
        assert moved(discriminators) == {size}
    for size, group in zip(discriminators, objective.discriminator_losses(data), strict=True):
        assert set(group) == {f"discriminator_real_{size}", f"discriminator_fake_{size}"}
        objective.weighted_sum(group).backward()
        assert moved(generators) == set()
        assert moved(discriminators) == {size}


def test_a_level_is_conditioned_on_the_real_coarser_image_and_sees_its_residual() -> None:
    objective, data = make(16), batch(16)
    objective.generator.eval()
    coarse, residual = laplacian_pyramid(data["image"], 1)
    list(objective.generator_losses(data))
    level = objective.generator.levels[0]
    drawn = level(data["code"][:, 14:], upsampled(coarse))
    torch.testing.assert_close(data["fake_16"], drawn.detach())
    seen = []
    objective.discriminator.levels["16"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    list(objective.discriminator_losses(data))
    torch.testing.assert_close(seen, [torch.cat([part, upsampled(coarse)], 1) for part in (residual, drawn)])


def test_levels_learn_by_themselves_and_are_the_whole() -> None:
    objective = make()
    for name, network in objective.networks.items():
        parts = objective.parts({name: network})
        assert list(parts) == [f"{name}/{size}" for size in (8, 16, 32)]
        weights = [id(weight) for part in parts.values() for weight in part.parameters()]
        assert sorted(weights) == sorted(map(id, network.parameters()))
    assert objective.parts(objective.networks)["generator/16"] is objective.generator.levels[0]


@pytest.mark.parametrize(("spatial_dims", "image_size"), [(2, 8), (2, 32), (3, 16)])
def test_drawing_adds_the_residuals(spatial_dims: int, image_size: int) -> None:
    objective = make(image_size, spatial_dims)
    generator, code = objective.generator.eval(), batch(image_size, spatial_dims)["code"]
    expected = drawn = objective.drawn(0, code, None)
    for level in range(1, len(generator.levels) + 1):
        coarse = upsampled(expected)
        drawn = objective.drawn(level, code, coarse)
        expected = coarse + drawn
    assert float(drawn.detach().abs().max()) > 0
    torch.testing.assert_close(generator(code), expected.clamp(-1, 1))
    assert generator(code).shape == (3, 1, *[image_size] * spatial_dims)


def test_each_level_has_numbers_of_the_code_for_itself() -> None:
    generator = make().generator.eval()
    code = torch.randn(1, 20, 1, 1)
    changed = code.clone()
    changed[:, 14:] += 1  # of the finest level
    one, two = generator(code), generator(changed)
    assert float((one - two).abs().max()) > 1e-6
    assert float((generator.coarsest(code[:, :8]) - generator.coarsest(changed[:, :8])).abs().max()) == 0
    with pytest.raises(InputError, match="level_noise is 6; of 12 numbers"):
        LaplacianPyramidGenerator(2, 12, 1, 32, 4, level_noise=6)


def test_every_level_is_shown_the_real_coarser_image() -> None:
    objective, data = make(), batch()
    half = halved(data["image"])
    coarse = [coarser for _, coarser in objective.levels(data["image"])]
    assert coarse[0] is None
    torch.testing.assert_close(coarse[1:], [upsampled(halved(half)), upsampled(half)])


def test_weights_are_of_terms_and_hold_for_all_levels() -> None:
    objective = make(loss_weights={"adversarial": 2.0, "discriminator_real": 0.0})
    (group, *_) = objective.generator_losses(batch())
    torch.testing.assert_close(objective.weighted_sum(group), 2 * group["adversarial_8"])
    terms = [name for group in objective.discriminator_losses(batch()) for name in group]
    assert terms == ["discriminator_fake_8", "discriminator_fake_16", "discriminator_fake_32"]
    with pytest.raises(InputError, match="adversarial_8"):
        make(loss_weights={"adversarial_8": 1.0})
