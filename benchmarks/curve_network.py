"""The per-image networks, trained on images of the target site alone; the same weights serve every shift."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from ignite.engine import Events
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, interpolate
from torch.optim.lr_scheduler import CosineAnnealingLR

from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.engines.weights import save_weights
from monai_harmonize.networks import ToneCurveGenerator
from monai_harmonize.networks.uniform_curve import uniform_curve
from monai_harmonize.objectives import ToneCurveSelfSupervision
from monai_harmonize.transforms import RandToneCurve

EPOCHS = 20
STEPS = 300
BATCH = 16
CURVES = 5000
# The network sees a thumbnail of 32 cells a side.
SIZE = 64


class DistortedImages:
    """Batches of target images under a random affine map, and copies of them under random curves.

    Args:
        images: ``(N, 1, H, W)`` in [-1, 1].
        seed: of all draws.
    """

    def __init__(self, images: Tensor, seed: int) -> None:
        self.images = interpolate(images, (SIZE, SIZE), mode="area")
        self.generator = torch.Generator().manual_seed(seed)
        self.curves = curve_bank(seed)

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        for _ in range(STEPS):
            chosen = torch.randint(len(self.images), (BATCH,), generator=self.generator)
            image = self.moved(self.images[chosen])
            values = self.curves[torch.randint(len(self.curves), (BATCH,), generator=self.generator)]
            yield {"image": image, "distorted": self.distorted(image, values)}

    def distorted(self, images: Tensor, values: Tensor) -> Tensor:
        """Images under curves, given by their values at even steps."""
        return uniform_curve(images, torch.tensor([-1.0, 1.0]), values)

    def moved(self, images: Tensor) -> Tensor:
        """Turned by up to 6 degrees, scaled by up to 15 %, shifted by up to 8 % and mirrored or not."""
        draws = 2 * torch.rand(5, len(images), generator=self.generator) - 1
        angle, scale, mirror = 0.1 * draws[0], 1 + 0.15 * draws[1], draws[2].sign()
        rows = [
            torch.stack([scale * angle.cos() * mirror, -scale * angle.sin(), 0.16 * draws[3]], dim=1),
            torch.stack([scale * angle.sin() * mirror, scale * angle.cos(), 0.16 * draws[4]], dim=1),
        ]
        grid = affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
        return grid_sample(images, grid, padding_mode="border", align_corners=False)


def curve_bank(seed: int) -> Tensor:
    """Random increasing curves, one in twenty the identity, as values at even steps over [-1, 1], ``(CURVES, K)``."""
    curve = RandToneCurve(1.0)
    curve.set_random_state(seed)
    values = []
    for number in range(CURVES):
        curve.randomize()
        values.append(torch.linspace(-1, 1, len(curve.values)) if number % 20 == 0 else torch.from_numpy(curve.values))
    return torch.stack([each.float() for each in values])


Network = TypeVar("Network", bound=nn.Module)


def trained(network: Network, file: Path, batches: Callable[[], Iterable[dict[str, Tensor]]]) -> Network:
    """Train on batches of images and distorted copies unless ``file`` holds the weights already."""
    if not file.exists():
        optimizer = torch.optim.Adam(network.parameters(), 1e-3)
        schedule = CosineAnnealingLR(optimizer, EPOCHS * STEPS)
        trainer = ObjectiveTrainer("cpu", EPOCHS, batches(), ToneCurveSelfSupervision(network), optimizer)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda _: schedule.step())
        trainer.run()
        save_weights(network, file)
    network.load_state_dict(torch.load(file, weights_only=True))
    return network.eval()


def trained_curve_network(images: Tensor, file: Path, seed: int = 0) -> ToneCurveGenerator:
    """Train on target images ``(N, 1, H, W)`` in [-1, 1] unless ``file`` holds the weights already."""
    torch.manual_seed(seed)
    return trained(ToneCurveGenerator(2), file, lambda: DistortedImages(images, seed))
