"""The site's filter: a known blur or sharpening is undone, within bounds, in the right unit."""

import numpy as np
import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import SiteSpectralFilter
from monai_harmonize.networks.site_spectral_filter import radial_frequency
from monai_harmonize.objectives.spectral_filter_fit import SpectralFilterFit

SIZE = 128


def noise(seed: int, images: int = 6, size: int = SIZE) -> list[torch.Tensor]:
    """Images with the steep spectrum of radiographs."""
    generator = torch.Generator().manual_seed(seed)
    frequency = radial_frequency((size, size), (1 / size, 1 / size)).clamp_min(1)
    made = []
    for _ in range(images):
        spectrum = torch.fft.rfft2(torch.randn(1, 1, size, size, generator=generator)) / frequency**1.5
        image = torch.fft.irfft2(spectrum, s=(size, size))
        made.append(image / image.std() / 4)
    return made


def changed(image: torch.Tensor, gain) -> torch.Tensor:
    """The image with a gain that is a function of cycles per side."""
    size = image.shape[-2:]
    frequency = radial_frequency(size, [1 / size[0]] * 2)
    return torch.fft.irfft2(torch.fft.rfft2(image) * gain(frequency), s=size)


def fitted(source, target, spacing=None, **options) -> SiteSpectralFilter:
    spectral_filter = SiteSpectralFilter(**options)
    fit = SpectralFilterFit(spectral_filter)
    for image in source:
        fit.add_source(image, spacing)
    for image in target:
        fit.add_target(image, spacing)
    fit.solve()
    return spectral_filter


def at(spectral_filter: SiteSpectralFilter, frequency: float) -> float:
    place = int((spectral_filter.frequencies - frequency).abs().argmin())
    return float(spectral_filter.gain[place])


def test_a_known_blur_is_undone() -> None:
    blur = lambda f: torch.exp(-((f / 64) ** 2) / 2)  # noqa: E731
    spectral_filter = fitted([changed(image, blur) for image in noise(0)], noise(1))
    for frequency in (16.0, 32.0, 45.25):
        expected = float(np.exp((frequency / 64) ** 2 / 2))
        assert at(spectral_filter, frequency) == pytest.approx(expected, rel=0.12)
    unseen = noise(2, 1)[0]
    blurred = changed(unseen, blur)
    # The corners of the spectrum, beyond the filter's last measured circle, stay as blurred as they are.
    assert (spectral_filter(blurred) - unseen).std() < 0.6 * (blurred - unseen).std()


def test_sharpening_is_damped_and_gains_stop_at_their_bounds() -> None:
    sharp = lambda f: 1 + 9 * (f / 64).clamp(max=1)  # noqa: E731
    gain = fitted([changed(image, sharp) for image in noise(0)], noise(1)).gain
    assert float(gain.min()) == 0.5
    assert float(gain.max()) <= 2


def test_equal_sites_and_slow_variation_are_left_alone() -> None:
    spectral_filter = fitted(noise(0, 20), noise(1, 20))
    assert float((spectral_filter.gain - 1).abs().max()) < 0.12
    shading = lambda f: torch.where(f < 3, 2.0, 1.0)  # noqa: E731
    shaded = fitted([changed(image, shading) for image in noise(0, 20)], noise(1, 20))
    assert float(shaded.gain[0]) == 1
    assert float((shaded.gain - 1).abs().max()) < 0.25


def test_frequencies_beyond_both_sites_keep_their_gain() -> None:
    spectral_filter = fitted([changed(image, lambda f: 1 / (1 + f / 20)) for image in noise(0)], noise(1))
    beyond = spectral_filter.frequencies > 2 * SIZE
    assert bool((spectral_filter.gain[beyond] == 1).all())


def test_the_unit_is_millimetres_only_if_every_image_has_a_spacing() -> None:
    blur = lambda f: torch.exp(-((f / 64) ** 2) / 2)  # noqa: E731
    blurred = [changed(image, blur) for image in noise(0)]
    physical = fitted(blurred, noise(1), spacing=[3.0, 3.0])
    assert bool(physical.per_millimetre)
    # 32 cycles per side of 128 pixels of 3 mm.
    assert at(physical, 32 / (3 * SIZE)) == pytest.approx(float(np.exp(0.125)), rel=0.12)
    mixed = SiteSpectralFilter()
    fit = SpectralFilterFit(mixed)
    fit.add_source(blurred[0], [3.0, 3.0])
    fit.add_target(noise(1)[0], None)
    fit.solve()
    assert not bool(mixed.per_millimetre)


@pytest.mark.parametrize(("source", "target", "name"), [([], noise(0), "source"), (noise(0), [], "target")])
def test_a_site_without_images_is_named(source, target, name) -> None:
    with pytest.raises(InputError, match=f"{name} site has no images"):
        fitted(source, target)
