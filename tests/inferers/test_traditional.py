from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.inferers.traditional import METHODS, TraditionalInferer
from monai_harmonize.metrics import SiteReference, save_site_reference
from monai_harmonize.transforms import MatchRandomImage, StandardiseLandmarks

RANDOM = np.random.default_rng(0)
IMAGES = torch.from_numpy(RANDOM.normal(0.2, 0.6, (2, 1, 50, 40)).clip(-1, 1)).float()


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    site = [RANDOM.normal(0.1 * place, 0.3, (1, 48, 48)).clip(-1, 1) for place in range(6)]
    return save_site_reference(SiteReference.fit(site), tmp_path / "reference.json")


def negative(images: torch.Tensor) -> torch.Tensor:
    return -2 * images


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_its_own_result_in_range(method: str, reference: Path) -> None:
    results = {name: TraditionalInferer(name, reference)(MetaTensor(IMAGES), negative) for name in METHODS}
    result = results.pop(method)
    assert type(result) is torch.Tensor
    assert (result.shape, result.dtype) == (IMAGES.shape, IMAGES.dtype)
    assert result.abs().max() <= 1
    assert all((result - other).abs().max() > 1e-3 for other in results.values())


def test_the_network_is_asked_for_the_mean_distribution_alone(reference: Path) -> None:
    torch.testing.assert_close(TraditionalInferer("mean_cdf", "no file")(IMAGES, negative), (-2 * IMAGES).clamp(-1, 1))
    landmarks = StandardiseLandmarks(reference)
    expected = torch.stack([landmarks(image) for image in IMAGES]).clamp(-1, 1)
    torch.testing.assert_close(TraditionalInferer("nyul", reference)(IMAGES, negative), expected)


def test_the_seed_goes_to_the_draw(reference: Path) -> None:
    for seed in range(3):
        expected = torch.stack([MatchRandomImage(reference, seed)(image) for image in IMAGES]).clamp(-1, 1)
        torch.testing.assert_close(TraditionalInferer("random_image", reference, seed)(IMAGES, negative), expected)


def test_unknown_methods_and_files_are_refused(reference: Path) -> None:
    with pytest.raises(InputError, match=r"method is 'nyull'; expected one of mean_cdf, .*energy_bands"):
        TraditionalInferer("nyull", reference)
    with pytest.raises(InputError, match="there is no such site reference"):
        TraditionalInferer("nyul", reference.with_name("none.json"))
