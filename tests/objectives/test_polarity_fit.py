"""The vote on a site's polarity."""

import pytest
import torch

from monai_harmonize.data.errors import InputError
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.objectives.polarity_fit import PolarityFit


def site(seed: int, images: int = 5, inverted: int = 0) -> list[torch.Tensor]:
    """Images around one common shape; the first ones are inverted."""
    generator = torch.Generator().manual_seed(seed)
    shape = torch.linspace(-1, 1, 48).repeat(48, 1)[None, None]
    made = [0.6 * shape + 0.2 * torch.randn(1, 1, 48, 48, generator=generator) for _ in range(images)]
    return [-image if place < inverted else image for place, image in enumerate(made)]


def voted(source: list[torch.Tensor], inverted: str = "refuse") -> SiteHarmonizer:
    harmonizer = SiteHarmonizer()
    fit = PolarityFit(harmonizer, inverted)
    for image in source:
        fit.add_source(image, None)
    for image in site(9):
        fit.add_target(image, None)
    fit.solve()
    return harmonizer


def test_a_site_that_agrees_is_kept_even_with_single_inverted_images(caplog) -> None:
    harmonizer = voted(site(0, inverted=2))
    assert float(harmonizer.polarity) == 1
    assert "2 of 5" in caplog.text
    assert float(harmonizer.template.norm()) > 0.5


def test_an_inverted_site_is_refused_turned_or_kept() -> None:
    inverted = site(0, inverted=4)
    with pytest.raises(InputError, match=r"4 of 5 source images are inverted.*--inverted turn"):
        voted(inverted)
    assert float(voted(inverted, "turn").polarity) == -1
    assert float(voted(inverted, "keep").polarity) == 1
    assert float(voted(site(0), "turn").polarity) == 1


def test_a_turned_site_is_inverted_within_the_grey_range() -> None:
    harmonizer = SiteHarmonizer(grey_range=(0.0, 100.0))
    harmonizer.polarity.fill_(-1)
    image = torch.tensor([0.0, 25.0, 100.0]).view(1, 1, 1, 3)
    torch.testing.assert_close(harmonizer.turned(image).flatten(), torch.tensor([100.0, 75.0, 0.0]))


def test_a_wrong_choice_and_an_empty_site_are_named() -> None:
    with pytest.raises(InputError, match="inverted is 'flip'"):
        PolarityFit(SiteHarmonizer(), "flip")
    with pytest.raises(InputError, match="source site has no images"):
        voted([])
