"""The cross-entropy of the first GAN against closed forms and against MONAI's."""

import math

import pytest
import torch
from monai.losses import PatchAdversarialLoss

from monai_harmonize.losses import AdversarialCrossEntropy


def test_closed_forms() -> None:
    loss, logits = AdversarialCrossEntropy(), torch.tensor([[0.0, 2.0]])
    real = float(loss(logits, target_is_real=True, for_discriminator=True))
    fake = float(loss(logits, target_is_real=False, for_discriminator=True))
    assert real == pytest.approx((math.log(2) + math.log(1 + math.exp(-2))) / 2)
    assert fake == pytest.approx((math.log(2) + math.log(1 + math.exp(2))) / 2)
    assert fake - real == pytest.approx(1.0)


@pytest.mark.parametrize("target_is_real", [True, False])
def test_equals_monai_for_moderate_logits(target_is_real: bool) -> None:
    logits = 3 * torch.randn(2, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    arguments = {"target_is_real": target_is_real, "for_discriminator": True}
    expected = PatchAdversarialLoss(criterion="bce")(logits, **arguments)
    torch.testing.assert_close(AdversarialCrossEntropy()(logits, **arguments), expected)


def test_a_far_logit_keeps_its_gradient() -> None:
    logits = torch.tensor([-200.0], requires_grad=True)
    AdversarialCrossEntropy()(logits, target_is_real=True, for_discriminator=False).backward()
    assert float(logits.grad) == pytest.approx(-1.0)


def test_half_precision_is_summed_in_float32() -> None:
    logits = torch.linspace(-1, 1, 1001).bfloat16()
    loss = AdversarialCrossEntropy()(logits, target_is_real=True, for_discriminator=True)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, AdversarialCrossEntropy()(logits.float(), True, True))
