"""A network of several images within inferers of one."""

import torch
from monai.inferers import SimpleInferer

from monai_harmonize.inferers import ContrastsInferer, GuidedUpsamplingInferer


class Mean(torch.nn.Module):
    """Notes sizes and what it was told."""

    def forward(self, images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.size, self.target = tuple(images.shape), target
        return images.mean(dim=1, keepdim=True)


def test_the_network_gets_all_images_at_the_size_of_the_one_at_hand() -> None:
    network, target = Mean(), torch.tensor([1])
    contrasts = torch.rand(1, 3, 16, 12)
    result = ContrastsInferer(SimpleInferer())(torch.zeros(1, 1, 8, 6), network, contrasts, target)
    assert network.size == (1, 3, 8, 6)
    assert network.target is target
    torch.testing.assert_close(result, torch.nn.functional.avg_pool2d(contrasts.mean(1, keepdim=True), 2))


def test_the_change_is_carried_to_the_native_pixels_of_the_first() -> None:
    """Where the others are a tone curve of it, the local fit is exact."""
    first = torch.rand(1, 1, 64, 64)
    contrasts = torch.cat([first, 0.5 * first + 0.1, torch.zeros_like(first)], dim=1)
    inferer = GuidedUpsamplingInferer(ContrastsInferer(SimpleInferer()), working_size=16, radius=2, epsilon=1e-9)
    result = inferer(first, Mean(), contrasts, torch.tensor([2]))
    torch.testing.assert_close(result, 0.5 * first + 0.1 / 3, atol=1e-3, rtol=0)
