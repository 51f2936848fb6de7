"""Skewed classes: a CycleGAN with weak cycle terms must fail the audit, the site curve on the same data must pass."""

import sys
from functools import partial
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
from skewed_classes import WEAK, cyclegan, site_harmonizer

from monai_harmonize.networks import ResNetGenerator
from monai_harmonize.safety.audit.stress_test import skewed_class_stress_test


@pytest.mark.long
def test_a_cyclegan_trained_on_skewed_classes_removes_lesions_and_fails() -> None:
    """Source only ill, target only healthy: to look like the target a lung must lose its mass."""
    train = partial(cyclegan, weights=WEAK, iterations=250, seed=0)
    (test,) = skewed_class_stress_test(train, "site_b", "site_a", skews=((1.0, 0.0),))
    assert test.audit.verdict == "fail"
    assert any("lesions were deleted" in reason for reason in test.audit.reasons if reason.startswith("fail"))
    assert test.audit.deletion.low > 0.05
    assert test.audit.contrast_ratio.high < 0.5


@pytest.mark.long
def test_the_site_curve_passes_on_every_skew() -> None:
    train = partial(site_harmonizer, spectral_filter=False)
    for sites in (("site_a", "site_b"), ("site_b", "site_a")):
        for test in skewed_class_stress_test(train, *sites):
            assert test.audit.verdict == "pass", (sites, test.source_prevalence, test.audit.reasons)
            assert test.audit.deletion.count == 0
            assert test.audit.false_lesion_rate.count == 0
            assert test.audit.against_curve.low > 0.9


def test_an_untrained_generator_passes() -> None:
    """What fails above is what the training on skewed classes made of this network."""

    def untrained(source, target):
        torch.manual_seed(0)
        return ResNetGenerator(2, channels=8, num_blocks=2, upsampling="resize", skip=True).eval()

    options = {"skews": ((1.0, 0.0),), "training_patients": 1, "audited_patients": 12}
    (test,) = skewed_class_stress_test(untrained, "site_b", "site_a", **options)
    assert test.audit.verdict == "pass", test.audit.reasons
