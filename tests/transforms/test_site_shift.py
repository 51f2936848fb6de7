"""Ten shifts: which are curves, which are random, and that all stay on the scale."""

import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize.transforms import SITE_SHIFTS, SiteShift, SiteShiftd

IMAGE = torch.rand(1, 24, 32, generator=torch.Generator().manual_seed(0))


def shifted(name: str, seed: int = 0, image: torch.Tensor = IMAGE) -> torch.Tensor:
    return SiteShift(name).set_random_state(seed)(image)


@pytest.mark.parametrize("name", SITE_SHIFTS)
def test_every_shift_changes_the_image_and_stays_on_the_scale(name: str) -> None:
    before = IMAGE.clone()
    result = shifted(name)
    assert torch.equal(IMAGE, before)
    assert result.shape == IMAGE.shape
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    assert float((result - IMAGE).abs().mean()) > 0.01


@pytest.mark.parametrize("name", SITE_SHIFTS[:6])
def test_tone_shifts_keep_the_order_of_levels(name: str) -> None:
    order = IMAGE.flatten().argsort()
    assert bool((shifted(name).flatten()[order].diff() >= 0).all())


@pytest.mark.parametrize("name", SITE_SHIFTS)
def test_only_random_shifts_depend_on_the_seed(name: str) -> None:
    assert torch.equal(shifted(name, 1), shifted(name, 1))
    random = name in ("random_gamma", "noise_blur", "composite")
    assert torch.equal(shifted(name, 1), shifted(name, 2)) != random


def test_closed_forms() -> None:
    levels = torch.tensor([0.0, 0.25, 0.5, 1.0]).view(1, 2, 2)
    for name, expected in (
        ("gamma_bright", [0, 0.5, 0.5**0.5, 1]),
        ("gamma_dark", [0, 0.0625, 0.25, 1]),
        ("window", [0, 0.1 / 0.7, 0.5, 1]),
        ("low_contrast", [0.3, 0.4, 0.5, 0.7]),
    ):
        torch.testing.assert_close(shifted(name, image=levels).flatten(), torch.tensor(expected).float())
    assert shifted("sigmoid", image=levels).flatten().tolist() == pytest.approx([0, 0.105, 0.5, 1], abs=2e-3)


def test_a_flat_image_has_no_detail_to_sharpen() -> None:
    flat = torch.full((1, 16, 16), 0.4)
    torch.testing.assert_close(shifted("unsharp", image=flat), flat, rtol=0, atol=1e-4)
    edge = torch.cat([torch.full((1, 8, 16), 0.4), torch.full((1, 8, 16), 0.6)], dim=1)
    sharp = shifted("unsharp", image=edge)
    assert float(sharp.max()) > 0.7
    assert float(sharp.min()) < 0.3


def test_metadata_stay_and_the_dictionary_version_is_seeded() -> None:
    item = {"image": MetaTensor(IMAGE, meta={"name": "a"})}
    one = SiteShiftd("image", "random_gamma").set_random_state(3)(item)["image"]
    assert one.meta["name"] == "a"
    assert torch.equal(one.as_tensor(), shifted("random_gamma", 3))
    with pytest.raises(ValueError, match="name is 'dark'"):
        SiteShift("dark")
