"""Shape consistency: its value in closed form, and that its network only looks on."""

import pytest
import torch
from torch import Tensor, nn

from monai_harmonize.losses import ShapeConsistency

# Of an image whose levels are the logits: two pixels of organ, one of which the network misses.
LOGITS = torch.tensor([2.0, -1.0, -3.0, -4.0]).reshape(1, 1, 2, 2)
MASK = torch.tensor([1.0, 1.0, 0.0, 0.0]).reshape(1, 1, 2, 2)


class Gain(nn.Module):
    """Segmenter whose logits are the image times a weight; with a mode that would be noticed."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))
        self.norm = nn.BatchNorm2d(1)

    def forward(self, image: Tensor) -> Tensor:
        return self.norm(self.factor * image) * (1 + self.norm.eps) ** 0.5


def expected(logits: Tensor, mask: Tensor) -> float:
    """Cross-entropy and one minus Dice, in probabilities."""
    found = torch.sigmoid(logits)
    entropy = -(mask * found.log() + (1 - mask) * (1 - found).log()).mean()
    dice = (2 * (found * mask).sum() + 1e-5) / (found.sum() + mask.sum() + 1e-5)
    return float(entropy + 1 - dice)


def test_a_mask_decides_where_the_organ_is() -> None:
    loss = ShapeConsistency(Gain())(LOGITS, torch.zeros_like(LOGITS), MASK)
    assert float(loss) == pytest.approx(expected(LOGITS, MASK), rel=1e-4)


def test_without_a_mask_the_network_reads_the_image() -> None:
    image = torch.tensor([0.1, -0.1, 0.2, -5.0]).reshape(1, 1, 2, 2)
    loss = ShapeConsistency(Gain())(LOGITS, image)
    assert float(loss) == pytest.approx(expected(LOGITS, (image > 0).float()), rel=1e-4)


def test_a_translation_that_shows_the_organ_costs_next_to_nothing() -> None:
    assert float(ShapeConsistency(Gain())(50 * (2 * MASK - 1), LOGITS, MASK)) < 1e-4
    assert float(ShapeConsistency(Gain())(50 * (1 - 2 * MASK), LOGITS, MASK)) > 10


@pytest.mark.parametrize("mask", [None, MASK])
def test_the_network_is_neither_trained_nor_changed(mask: Tensor | None) -> None:
    loss = ShapeConsistency(Gain(2.0)).train()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    translation, image = LOGITS.clone().requires_grad_(), LOGITS.flip(2).requires_grad_()
    loss(translation, image, mask).backward()
    assert translation.grad.abs().sum() > 0
    assert image.grad is None
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in loss.parameters())
    # Statistics of batch normalization would move in training mode.
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())
