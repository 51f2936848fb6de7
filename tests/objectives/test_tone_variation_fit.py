"""The last part of a site's fit says whether images differ in tone by themselves."""

import logging

import pytest
import torch
from torch import Tensor

from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.objectives import fit_site
from monai_harmonize.objectives.tone_variation_fit import PER_IMAGE_SWITCH, ToneVariationFit


def patients(count: int, seed: int) -> list[Tensor]:
    """Smooth images in [-1, 1] whose brightness differs a little."""
    random = torch.Generator().manual_seed(seed)
    ramp = torch.linspace(0.05, 0.95, 48).expand(1, 1, 48, 48)
    texture = [torch.rand(1, 1, 48, 48, generator=random) for _ in range(count)]
    exponents = 1 + 0.2 * torch.randn(count, generator=random).clamp(-2, 2)
    return [2 * (0.8 * ramp + 0.2 * t) ** g - 1 for t, g in zip(texture, exponents, strict=True)]


def fitted(source: list[Tensor], target: list[Tensor], spectral_filter: bool = False) -> float:
    harmonizer = SiteHarmonizer(spectral_filter=spectral_filter)
    fit_site(harmonizer, source, target)
    return float(harmonizer.tone_variation)


def site_gamma(image: Tensor, exponent: float) -> Tensor:
    return 2 * ((image + 1) / 2) ** exponent - 1


@pytest.mark.parametrize("spectral_filter", [False, True])
def test_one_curve_for_all_images_leaves_little_variation(
    spectral_filter: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source = [site_gamma(image, 2.0) for image in patients(40, 0)]
    assert fitted(source, patients(40, 1), spectral_filter) < PER_IMAGE_SWITCH
    assert "One map for the whole site is enough" in caplog.text


def test_a_curve_of_its_own_for_every_image_stands_out(caplog: pytest.LogCaptureFixture) -> None:
    random = torch.Generator().manual_seed(5)
    exponents = 2.5 ** (2 * torch.rand(40, generator=random) - 1)
    source = [site_gamma(image, float(g)) for image, g in zip(patients(40, 0), exponents, strict=True)]
    found = fitted(source, patients(40, 1))
    assert PER_IMAGE_SWITCH < found <= 1
    assert "differ in tone by themselves" in caplog.text
    assert "per-image network" in caplog.text


def test_few_images_are_not_judged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    random = torch.Generator().manual_seed(5)
    source = [site_gamma(image, float(2.5 ** torch.randn(1, generator=random))) for image in patients(9, 0)]
    assert fitted(source, patients(40, 1)) == 0.0
    assert "not judged: 9 images" in caplog.text


def test_a_new_fit_forgets_the_last() -> None:
    harmonizer = SiteHarmonizer()
    fit = ToneVariationFit(harmonizer)
    results = []
    for _ in range(2):
        fit.start()
        for place, (source, target) in enumerate(zip(patients(12, 0), patients(12, 1), strict=True)):
            fit.add_source(site_gamma(source, 0.5 if place % 2 else 2.0), None)
            fit.add_target(target, None)
        fit.solve()
        results.append(float(harmonizer.tone_variation))
    assert results[0] == results[1] > PER_IMAGE_SWITCH


def test_the_harmonizer_is_applied_to_the_source_only() -> None:
    harmonizer = SiteHarmonizer()
    # Halves every contrast: a quarter of the variance remains.
    knots = torch.linspace(-1, 1, 128)
    harmonizer.curve.set_knots(knots.numpy(), knots.numpy() / 2)
    fit = ToneVariationFit(harmonizer)
    for place in range(20):
        image = torch.full((1, 1, 4, 4), place / 10 - 1)
        fit.add_source(image, None)
        fit.add_target(image / 4, None)
    fit.solve()
    assert float(harmonizer.tone_variation) == pytest.approx(0.75, abs=1e-2)
