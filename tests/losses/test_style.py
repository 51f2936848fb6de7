"""Style losses against closed forms, and what does and does not change them."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.losses import GramStyleLoss, StyleLoss, gram_matrix, gram_style_loss, style_loss

LOSSES = [style_loss, gram_style_loss]


def layers(seed: int, batch: int = 2) -> list[Tensor]:
    """Feature maps of two layers."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(batch, 3, 5, 4), (batch, 6, 2, 3)]
    return [torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in shapes]


def channels(*values: list[float]) -> Tensor:
    """One image with these channels."""
    return torch.tensor([values], dtype=torch.float64)


def test_closed_form_of_means_and_deviations() -> None:
    # Means 0 and 0, deviations 1 and 2; means 3 and 4, deviations 2 and 2.
    generated, style = channels([-1, 1], [-2, 2]), channels([1, 5], [2, 6])
    assert float(style_loss([generated], [style], epsilon=1e-12)) == pytest.approx(5 + 1)
    # Layers are added, images averaged.
    twice = [torch.cat([generated, style])]
    assert float(style_loss(twice, [style], epsilon=1e-12)) == pytest.approx((5 + 1) / 2)
    assert float(style_loss([generated] * 3, [style] * 3, epsilon=1e-12)) == pytest.approx(18)


def test_closed_form_of_gram_matrices() -> None:
    generated, style = channels([1, 1, 0], [0, 2, 0]), channels([0, 0, 0], [3, 0, 0])
    assert (6 * gram_matrix(generated)).tolist() == [[[2.0, 2.0], [2.0, 4.0]]]
    # The other is [[0, 0], [0, 9]].
    assert float(gram_style_loss([generated], [style])) == pytest.approx((4 + 4 + 4 + 25) / 36)


@pytest.mark.parametrize("loss", LOSSES)
def test_does_not_see_where_a_feature_stands(loss: Callable[..., Tensor]) -> None:
    generated, style = layers(0), layers(1)
    expected = loss(generated, style)
    shuffled = [each.flatten(2)[..., torch.randperm(each[0, 0].numel())] for each in style]
    torch.testing.assert_close(loss(generated, shuffled), expected)
    tiled = [torch.cat([each, each], dim=2) for each in style]
    torch.testing.assert_close(loss(generated, tiled), expected)
    flipped = [each.flip(2)[..., None] for each in generated]
    torch.testing.assert_close(loss(flipped, style), expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients(loss: Callable[..., Tensor]) -> None:
    generated, style = ([each.requires_grad_() for each in layers(seed)] for seed in (0, 1))
    assert torch.autograd.gradcheck(lambda *maps: loss(maps[:2], maps[2:]), [*generated, *style])


@pytest.mark.parametrize("loss", LOSSES)
def test_zero_and_without_gradient_for_the_style_itself(loss: Callable[..., Tensor]) -> None:
    generated = [each.requires_grad_() for each in layers(0)]
    value = loss(generated, [each.detach() for each in generated])
    assert float(value.detach()) == 0
    for gradient in torch.autograd.grad(value, generated):
        assert not gradient.any()
    constant = [torch.ones(1, 2, 3, 3, requires_grad=True)]
    loss(constant, [torch.zeros(1, 2, 3, 3)]).backward()
    assert constant[0].grad.isfinite().all()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_is_the_mean_of_its_images_and_one_style_serves_all(loss: Callable[..., Tensor]) -> None:
    generated, style = layers(0), layers(1)
    single = [loss([g[k : k + 1] for g in generated], [s[k : k + 1] for s in style]) for k in range(2)]
    torch.testing.assert_close(loss(generated, style), torch.stack(single).mean())
    one = [each[:1] for each in style]
    torch.testing.assert_close(loss(generated, one), loss(generated, [each.expand(2, -1, -1, -1) for each in one]))


def test_modules_and_epsilon() -> None:
    generated, style = layers(0), layers(1)
    assert float(StyleLoss()(generated, style)) == float(style_loss(generated, style))
    assert float(GramStyleLoss()(generated, style)) == float(gram_style_loss(generated, style))
    assert abs(float(StyleLoss(epsilon=0.5)(generated, style) - style_loss(generated, style))) > 1e-3


@pytest.mark.parametrize("loss", LOSSES)
def test_half_precision_and_autocast_sum_in_float32(loss: Callable[..., Tensor]) -> None:
    generated, style = ([each.bfloat16() for each in layers(seed)] for seed in (0, 1))
    expected = loss([each.float() for each in generated], [each.float() for each in style])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(generated, style), loss([each.float() for each in generated], [each.float() for each in style])
    assert found[0].dtype == torch.float32
    torch.testing.assert_close(found, (expected, expected), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (([], []), "0 layers of features and 0 of style"),
        (([(1, 2, 3)], [(1, 2, 3)] * 2), "1 layers of features and 2 of style"),
        (([(1, 2, 3), (1, 2, 3)], [(1, 2, 3), (1, 4, 3)]), r"layer 1: .*\(1, 2, 3\).*\(1, 4, 3\).*the same C"),
        (([(1, 2)], [(1, 2)]), "spatial axes"),
        (([(4, 2, 3)], [(2, 2, 3)]), "as many styles as images, or one"),
        (([(1, 2, 0)], [(1, 2, 3)]), "one position or more"),
    ],
)
@pytest.mark.parametrize("loss", LOSSES)
def test_errors_name_the_problem(loss: Callable[..., Tensor], shapes: tuple[Any, Any], message: str) -> None:
    generated, style = ([torch.zeros(shape) for shape in each] for each in shapes)
    with pytest.raises(InputError, match=message):
        loss(generated, style)


def test_a_single_tensor_and_epsilon_are_checked() -> None:
    features = torch.zeros(2, 3, 4)
    for loss in LOSSES:
        with pytest.raises(InputError, match="a Tensor; expected a list"):
            loss(features, [features])
    for value in (0.0, -1.0, math.nan):
        with pytest.raises(InputError, match="epsilon is"):
            StyleLoss(epsilon=value)
        with pytest.raises(InputError, match="epsilon is"):
            style_loss([features], [features], epsilon=value)
