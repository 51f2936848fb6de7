"""The hinge of MGAN: its values, and which places learn."""

import pytest
import torch

from monai_harmonize.losses import HingeLoss

LOGITS = [-3.0, -0.5, 0.5, 2.0]


@pytest.mark.parametrize(
    ("real", "value", "slope"), [(True, (4 + 1.5 + 0.5 + 0) / 4, -1), (False, (0 + 0.5 + 1.5 + 3) / 4, 1)]
)
@pytest.mark.parametrize("for_discriminator", [True, False])
def test_only_places_within_the_margin_or_on_the_wrong_side_learn(
    real: bool, value: float, slope: int, for_discriminator: bool
) -> None:
    logits = torch.tensor(LOGITS, requires_grad=True)
    loss = HingeLoss()(logits, target_is_real=real, for_discriminator=for_discriminator)
    assert float(loss.detach()) == pytest.approx(value)
    loss.backward()
    learns = [slope / 4] * 3
    assert logits.grad.tolist() == ([*learns, 0] if real else [0, *learns])
