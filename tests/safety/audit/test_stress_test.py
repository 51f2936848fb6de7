"""Skewed classes: a CycleGAN with weak cycle terms must fail the audit, the site curve on the same data must pass."""

import numpy as np
import pytest
import torch
from monai.networks.nets import PatchDiscriminator

from monai_harmonize.engines import ObjectiveTrainer
from monai_harmonize.networks import ResNetGenerator, SiteHarmonizer
from monai_harmonize.objectives import CycleGAN, fit_site
from monai_harmonize.safety.audit.stress_test import skewed_class_stress_test

ITERATIONS, BATCH = 400, 4


class Batches:
    """Random unpaired batches with a seed."""

    def __init__(self, source, target) -> None:
        self.images = {
            f"image_{site}": torch.from_numpy(np.stack(images))[:, None]
            for site, images in (("a", source), ("b", target))
        }

    def __len__(self) -> int:
        return ITERATIONS

    def __iter__(self):
        generator = torch.Generator().manual_seed(0)
        for _ in range(ITERATIONS):
            yield {
                name: images[torch.randint(len(images), (BATCH,), generator=generator)]
                for name, images in self.images.items()
            }


def train_cyclegan(source, target):
    torch.manual_seed(0)
    generators = [ResNetGenerator(2, channels=8, num_blocks=2, upsampling="resize", skip=True) for _ in range(2)]
    discriminators = [PatchDiscriminator(2, 16, 1, num_layers_d=2, norm="instance") for _ in range(2)]
    weights = {"cycle_a": 1.0, "cycle_b": 1.0, "identity_a": 0.0, "identity_b": 0.0}
    optimizers = [
        torch.optim.Adam([p for network in networks for p in network.parameters()], 1e-3, (0.5, 0.999))
        for networks in (generators, discriminators)
    ]
    objective = CycleGAN(*generators, *discriminators, loss_weights=weights)
    ObjectiveTrainer("cpu", 1, Batches(source, target), objective, *optimizers).run()
    return generators[0].eval()


def fit_site_curve(source, target):
    harmonizer = SiteHarmonizer()
    fit_site(harmonizer, *([torch.from_numpy(image)[None, None] for image in images] for images in (source, target)))
    return harmonizer.eval()


@pytest.mark.slow
def test_a_cyclegan_trained_on_skewed_classes_removes_lesions_and_fails() -> None:
    """Source only ill, target only healthy: to look like the target a lung must lose its mass."""
    (test,) = skewed_class_stress_test(train_cyclegan, "site_b", "site_a", skews=((1.0, 0.0),))
    assert test.audit.verdict == "fail"
    assert any("lesions were deleted" in reason for reason in test.audit.reasons if reason.startswith("fail"))
    assert test.audit.deletion.low > 0.05
    assert test.audit.contrast_ratio.high < 0.5


@pytest.mark.slow
def test_the_site_curve_passes_on_every_skew() -> None:
    for sites in (("site_a", "site_b"), ("site_b", "site_a")):
        for test in skewed_class_stress_test(fit_site_curve, *sites):
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
