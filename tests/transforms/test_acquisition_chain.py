"""Four chains: what each keeps, what is drawn anew for every image, and that all stay on the scale."""

import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize.transforms import ACQUISITION_CHAINS, AcquisitionChain, AcquisitionChaind

IMAGE = torch.rand(1, 48, 64, generator=torch.Generator().manual_seed(0))
LEVELS = torch.linspace(0, 1, 256).view(1, 16, 16)


def sent(name: str, seed: int = 0, image: torch.Tensor = IMAGE) -> torch.Tensor:
    return AcquisitionChain(name).set_random_state(seed)(image)


@pytest.mark.parametrize("name", ACQUISITION_CHAINS)
def test_every_chain_changes_the_image_and_stays_on_the_scale(name: str) -> None:
    before = IMAGE.clone()
    result = sent(name)
    assert torch.equal(IMAGE, before)
    assert result.shape == IMAGE.shape
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    assert float((result - IMAGE).abs().mean()) > 0.01


@pytest.mark.parametrize("name", ACQUISITION_CHAINS)
def test_windows_and_exposures_differ_between_images_and_processing_does_not(name: str) -> None:
    assert torch.equal(sent(name, 1), sent(name, 1))
    assert torch.equal(sent(name, 1), sent(name, 2)) == (name == "second_vendor")


@pytest.mark.parametrize("name", ACQUISITION_CHAINS)
def test_levels_a_hair_beyond_the_scale_are_its_ends(name: str) -> None:
    beyond = IMAGE.clone()
    beyond[0, 0, :2] = torch.tensor([-1e-6, 1.00001])
    assert torch.equal(sent(name, image=beyond), sent(name, image=beyond.clamp(0, 1)))


def test_an_export_cuts_a_window_into_eight_bits() -> None:
    result = sent("windowed_export", image=LEVELS)
    assert float(((255 * result) % 1).abs().max()) == pytest.approx(0, abs=1e-4)
    inside = result[(result > 0) & (result < 1)]
    assert 0.6 <= inside.numel() / LEVELS.numel() <= 0.8
    assert bool((result.flatten().diff() >= 0).all())


def test_inverted_is_the_same_export_turned() -> None:
    torch.testing.assert_close(sent("inverted_export", 3), 1 - sent("windowed_export", 3))


def test_fog_lifts_the_darkest_of_a_film_and_keeps_dense_bright() -> None:
    halves = torch.cat([torch.zeros(1, 32, 64), torch.ones(1, 32, 64)], dim=1)
    film = sent("digitised_film", image=halves)
    lucent, dense = float(film[:, 8:24, 24:40].mean()), float(film[:, 40:56, 24:40].mean())
    assert lucent < 0.15  # an unexposed film would be 1 - fog
    assert 0.8 < dense < 0.95  # base and fog keep the brightest from 1
    dark_corner, dark_middle = float(film[:, :4, :4].mean()), float(film[:, 12:16, 30:34].mean())
    assert dark_corner > dark_middle  # the lamp is weaker at the corner, and dark film then reads brighter


def test_another_vendor_draws_edges_on_both_sides_of_a_step_and_none_on_a_plane() -> None:
    flat = sent("second_vendor", image=torch.full((1, 64, 64), 0.5))
    torch.testing.assert_close(flat, torch.full_like(flat, float(flat[0, 32, 32])), rtol=0, atol=1e-4)
    step = torch.cat([torch.full((1, 32, 64), 0.4), torch.full((1, 32, 64), 0.6)], dim=1)
    low, high = (float(sent("second_vendor", image=torch.full((1, 64, 64), level))[0, 32, 32]) for level in (0.4, 0.6))
    edged = sent("second_vendor", image=step)
    assert float(edged.min()) < low - 0.02
    assert float(edged.max()) > high + 0.02


def test_metadata_stay_and_the_dictionary_version_is_seeded() -> None:
    image = MetaTensor(IMAGE, meta={"pixel_spacing": 0.2})
    transform = AcquisitionChaind("image", "digitised_film").set_random_state(5)
    item = transform({"image": image, "label": 1})
    assert item["label"] == 1
    assert item["image"].meta["pixel_spacing"] == 0.2
    assert torch.equal(
        item["image"].as_tensor(),
        AcquisitionChaind("image", "digitised_film").set_random_state(5)({"image": IMAGE})["image"],
    )
    assert AcquisitionChaind("image", "digitised_film", allow_missing_keys=True)({"label": 1}) == {"label": 1}


def test_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="fax"):
        AcquisitionChain("fax")
