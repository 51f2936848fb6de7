"""The exportable network against the transform, which is exact."""

import io

import numpy as np
import pytest
import torch

from monai_harmonize.metrics import SiteReference
from monai_harmonize.networks import HistogramMatching
from monai_harmonize.transforms import MatchMeanCdf

RANDOM = np.random.default_rng(0)
REFERENCE = SiteReference.fit([RANDOM.normal(0.1 * place, 0.2, (1, 64, 64)).clip(-1, 1) for place in range(4)])


def network() -> HistogramMatching:
    made = HistogramMatching()
    made.target_levels.copy_(torch.tensor(REFERENCE.channels[0].mean_cdf))
    return made


@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
@pytest.mark.parametrize("shape", [(60, 50), (16, 20, 12)])
def test_files_of_any_bit_depth_get_what_the_exact_transform_gives(bits: int, shape: tuple[int, ...]) -> None:
    levels = RANDOM.normal(2 ** (bits - 1), 2 ** (bits - 3), (2, 1, *shape)).round().clip(0, 2**bits - 1)
    images = torch.from_numpy(levels).float() * (2 / (2**bits - 1)) - 1
    expected = torch.stack([MatchMeanCdf(REFERENCE)(image) for image in images])
    torch.testing.assert_close(network()(images), expected, atol=1e-5, rtol=0)


def test_images_and_channels_of_a_batch_are_independent() -> None:
    images = torch.rand(3, 2, 20, 24) * 2 - 1
    together = network()(images)
    for image, result in zip(images.flatten(0, 1), together.flatten(0, 1), strict=True):
        torch.testing.assert_close(network()(image[None, None])[0, 0], result)


def shuffled_levels() -> torch.Tensor:
    """All levels of 12 bits once, on [0, 1]."""
    return torch.from_numpy(RANDOM.permutation(4096)).float().view(1, 1, 64, 64) / 4095


def test_it_increases_and_forgets_increasing_curves() -> None:
    unit = shuffled_levels()
    result = network()(2 * unit - 1)
    assert (result.flatten()[unit.flatten().argsort()].diff() >= 0).all()
    torch.testing.assert_close(network()(2 * unit**0.7 - 1), result, atol=1e-6, rtol=0)


def test_constant_images_and_nan_stay_and_levels_beyond_the_scale_count_at_its_ends() -> None:
    constant = torch.full((1, 1, 8, 8), 0.3)
    assert torch.equal(network()(constant), constant)
    image = torch.rand(1, 1, 20, 20)
    marred = image.clone()
    marred[0, 0, 0, :5] = torch.nan
    result = network()(marred)
    assert torch.equal(torch.isnan(result), torch.isnan(marred))
    rest = ~torch.isnan(marred)
    torch.testing.assert_close(result[rest], network()(image[rest][None, None, None])[0, 0, 0])
    beyond = torch.cat([image, torch.full((1, 1, 20, 1), 7.0)], dim=3)
    torch.testing.assert_close(network()(beyond), network()(beyond.clamp(-1, 1)))
    assert torch.equal(network()(torch.full((1, 1, 4, 4), torch.nan)).isnan(), torch.ones(1, 1, 4, 4).bool())


def test_before_the_fit_it_equalises() -> None:
    result = HistogramMatching()(2 * shuffled_levels() ** 0.7 - 1).flatten().sort().values
    torch.testing.assert_close(result, 2 * torch.arange(1, 4097) / 4096 - 1, atol=1e-6, rtol=0)


def test_torchscript_computes_the_same() -> None:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(network()), buffer)
    buffer.seek(0)
    for shape in ((2, 1, 20, 24), (1, 1, 8, 9, 10)):
        image = torch.rand(shape) * 2 - 1
        torch.testing.assert_close(torch.jit.load(buffer)(image), network()(image))
        buffer.seek(0)
