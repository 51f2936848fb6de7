"""The table gives the network's own results."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.inferers import TabulatedInferer
from monai_harmonize.inferers.tabulated import CHUNK, HIGHEST, LOWEST
from monai_harmonize.networks import SiteHarmonizer


def harmonizer(seed: int) -> SiteHarmonizer:
    network = SiteHarmonizer(num_knots=16, grey_range=(-1024, 3071))
    knots = network.curve.source_levels.double()
    slopes = 0.25 + 3.75 * torch.rand(15, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    rise = torch.cat([torch.zeros(1), (slopes * knots.diff()).cumsum(0)])
    network.curve.set_knots(knots, -1100 + rise)
    return network.eval().requires_grad_(False)


class Counting:
    """Counts the grey levels that a network is asked for."""

    def __init__(self, network: SiteHarmonizer) -> None:
        self.network, self.asked = network, 0

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        self.asked += image.numel()
        return self.network(image)


@given(st.integers(0, 1000), st.integers(0, 1000))
def test_whole_numbers_get_the_networks_results_bit_by_bit(seed: int, image_seed: int) -> None:
    generator = torch.Generator().manual_seed(image_seed)
    image = torch.randint(LOWEST, HIGHEST + 1, (1, 1, 7, 5, 3), generator=generator).float()
    image[..., 0, 0, 0], image[..., 1, 0, 0] = LOWEST, HIGHEST
    network = harmonizer(seed)
    assert torch.equal(TabulatedInferer()(image, network), network(image))


def test_the_network_is_asked_for_levels_not_for_voxels() -> None:
    network, image = Counting(harmonizer(0)), torch.arange(CHUNK + 3).remainder(3000).float().view(1, 1, -1, 1)
    result = TabulatedInferer()(image.expand(1, 1, -1, 2), network)
    assert network.asked == 65536
    assert torch.equal(result, network.network(image.expand(1, 1, -1, 2)))


def test_transposed_images_keep_their_order() -> None:
    network, image = harmonizer(0), torch.arange(12.0).view(1, 1, 3, 4).transpose(2, 3)
    assert torch.equal(TabulatedInferer()(image, network), network(image))


def test_other_images_go_to_the_network() -> None:
    network = harmonizer(1)
    for value in (0.5, HIGHEST + 1.0, LOWEST - 1.0):
        image = torch.tensor([[[0.0, value]]])
        assert torch.equal(TabulatedInferer()(image, network), network(image))
    image = torch.tensor([[[0.0, float("nan")]]])
    assert bool(TabulatedInferer()(image, network).isnan()[..., 1])
