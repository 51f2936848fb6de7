"""Growing generator and discriminator: fades without a jump, equalised weights, deviation of a batch."""

import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from monai_harmonize.data import InputError
from monai_harmonize.networks import GrowingDiscriminator, GrowingGenerator
from monai_harmonize.networks.equalised_convolution import EqualisedConvolution
from monai_harmonize.networks.growing_discriminator import MinibatchDeviation
from monai_harmonize.networks.growing_generator import PixelNorm
from monai_harmonize.networks.growth import pooled, shown_at

STAGES = 3


def at(network: nn.Module, progress: float, value: torch.Tensor) -> torch.Tensor:
    """What a network says, or draws, at a progress."""
    network.progress.fill_(progress)
    with torch.no_grad():
        return network(value)


def generator() -> tuple[GrowingGenerator, torch.Tensor]:
    torch.manual_seed(0)
    return GrowingGenerator(2, 6, 1, 32, 4, 16), torch.randn(3, 6, 1, 1)


def discriminator() -> tuple[GrowingDiscriminator, torch.Tensor]:
    torch.manual_seed(0)
    return GrowingDiscriminator(2, 1, 1, 32, 4, 16), torch.randn(3, 1, 32, 32)


@pytest.mark.parametrize("make", [generator, discriminator])
def test_stages_fade_without_a_jump(make) -> None:
    network, value = make()
    steps = [at(network, place / 64, value) for place in range(64 * STAGES + 1)]
    changes = torch.stack([(after - before).abs().max() for before, after in pairwise(steps)])
    # Half the step, half the change, also where a fade begins and ends.
    for place in (0, 0.5, 1, 1.5, 2, 2.5):
        whole = at(network, place + 1e-3, value) - at(network, place, value)
        half = at(network, place + 5e-4, value) - at(network, place, value)
        torch.testing.assert_close(half, whole / 2, atol=2e-4 * float(value.abs().max()), rtol=0.05)
    assert float(changes.min()) > 1e-4
    assert float(changes.max()) < 0.1 * float((steps[-1] - steps[0]).abs().max())


def test_a_generator_is_the_old_stage_at_share_0_and_the_new_one_at_share_1() -> None:
    network, code = generator()
    with torch.no_grad():
        features = [network.blocks[0](code)]
        for block in network.blocks[1:]:
            features.append(block(features[-1]))
        alone = [to_image(found) for to_image, found in zip(network.to_image, features, strict=True)]
    for stage, image in enumerate(alone):
        assert image.shape[2] == 4 * 2**stage
        times = 2 ** (STAGES - stage)
        torch.testing.assert_close(
            at(network, stage, code), image.repeat_interleave(times, 2).repeat_interleave(times, 3)
        )
    quarter = 0.75 * at(network, 1, code) + 0.25 * at(network, 2, code)
    torch.testing.assert_close(at(network, 1.25, code), quarter)


def test_a_discriminator_is_the_old_stage_at_share_0_and_the_new_one_at_share_1() -> None:
    network, image = discriminator()
    for stage in range(STAGES + 1):
        small = image
        for _ in range(STAGES - stage):
            small = pooled(small)
        with torch.no_grad():
            features = network.from_image[stage](small)
            for block in reversed(network.blocks[:stage]):
                features = pooled(block(features))
            expected = network.last(features).flatten(1)
        torch.testing.assert_close(at(network, stage, image), expected)


@pytest.mark.parametrize("progress", [0.0, 0.6, 1.0, 2.3])
def test_stages_that_are_not_reached_take_no_part(progress: float) -> None:
    for make in (generator, discriminator):
        network, value = make()
        network.progress.fill_(progress)
        network(value).sum().backward()
        reached = math.ceil(progress)
        layers = network.to_image if make is generator else network.from_image
        moved = [any(w.grad is not None and w.grad.any() for w in layer.parameters()) for layer in layers]
        # Of the stages that are grown only the newest, and while it fades in the one before, deals with images.
        assert all(w.grad is None for layer in layers[reached + 1 :] for w in layer.parameters())
        assert moved == [progress - 1 < stage <= reached for stage in range(STAGES + 1)]


def test_images_are_shown_as_the_networks_draw_them() -> None:
    image = torch.randn(2, 1, 32, 32)

    def shown(progress: float) -> torch.Tensor:
        return shown_at(image, torch.tensor(float(progress)), 3)

    torch.testing.assert_close(shown(3), image)
    coarse = image.unfold(2, 8, 8).unfold(3, 8, 8).mean((-1, -2))
    torch.testing.assert_close(shown(0), coarse.repeat_interleave(8, 2).repeat_interleave(8, 3))
    for stage in range(3):
        old, new = shown(stage), shown(stage + 1)
        torch.testing.assert_close(shown(stage + 0.3), 0.7 * old + 0.3 * new)
    # A critic at a whole stage cannot tell an image from what it is shown as.
    network, _ = discriminator()
    torch.testing.assert_close(at(network, 1, image), at(network, 1, shown(1)))


def test_weights_have_variance_1_and_are_scaled_when_they_are_used() -> None:
    torch.manual_seed(0)
    layer = EqualisedConvolution(2, 64, 128, 3)
    assert float(layer.weight.detach().var()) == pytest.approx(1, rel=0.02)
    assert layer.scale == pytest.approx(math.sqrt(2 / (64 * 9)))
    # Signals keep their scale behind a rectifier, which halves the mean square.
    features = torch.randn(8, 64, 12, 12)
    result = layer(features).detach()
    assert float(result.relu().square().mean()) == pytest.approx(1, rel=0.05)
    plain = nn.functional.conv2d(features, layer.weight * layer.scale, layer.bias)
    torch.testing.assert_close(layer(features), plain)
    for network in (generator()[0], discriminator()[0]):
        kernels = [
            part.weight.detach().flatten() for part in network.modules() if isinstance(part, EqualisedConvolution)
        ]
        assert len(kernels) >= 12
        assert float(torch.cat(kernels).var()) == pytest.approx(1, rel=0.1)


def test_deviation_of_equal_images_is_0_and_of_others_that_of_the_batch() -> None:
    layer = MinibatchDeviation()
    equal = torch.randn(1, 5, 4, 4).expand(6, -1, -1, -1).clone().requires_grad_()
    result = layer(equal)
    assert float(result[:, 5].detach().abs().max()) == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(result[:, :5], equal)
    result.sum().backward()
    assert equal.grad.isfinite().all()
    images = torch.randn(6, 5, 4, 4, 3)
    expected = images.std(0, unbiased=False).mean()
    torch.testing.assert_close(layer(images)[:, 5], expected.expand(6, 4, 4, 3), atol=2e-4, rtol=0)


def test_features_of_a_pixel_have_mean_square_1() -> None:
    features = PixelNorm()(5 * torch.randn(2, 7, 3, 3))
    torch.testing.assert_close(features.square().mean(1), torch.ones(2, 3, 3))


def test_volumes_and_sizes() -> None:
    network = GrowingGenerator(3, 6, 2, 16, 4, 8).eval()
    image = network(torch.randn(2, 6, 1, 1, 1))
    assert image.shape == (2, 2, 16, 16, 16)
    assert float(image.detach().abs().max()) <= 1
    assert GrowingDiscriminator(3, 2, 3, 16, 4, 8)(image).shape == (2, 3)
    assert [block[1].weight.shape[0] for block in GrowingGenerator(2, 6, 1, 32, 4, 16).blocks] == [16, 16, 8, 4]
    with pytest.raises(InputError, match="image_size is 48"):
        GrowingGenerator(2, 6, 1, 48)


def test_progress_is_part_of_the_weights() -> None:
    network, code = generator()
    network.eval()
    early = at(network, 1.5, code)
    other = GrowingGenerator(2, 6, 1, 32, 4, 16)
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        # In training it skips what it has not reached, otherwise it does not: the same images.
        torch.testing.assert_close(other(code).clamp(-1, 1), early)
        torch.testing.assert_close(other.eval()(code), early)
