"""Inversion is seen by rank, whatever curve lies on top of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.metrics.polarity import polarity_correlation, rank_thumbnail
from monai_harmonize.transforms import LoadRadiograph


def picture(seed: int = 0, size: tuple[int, ...] = (48, 64)) -> torch.Tensor:
    return torch.rand(1, *size, generator=torch.Generator().manual_seed(seed))


def test_a_thumbnail_has_mean_zero_and_length_one() -> None:
    thumbnail = rank_thumbnail(picture())
    assert thumbnail.shape == (32, 32)
    assert float(thumbnail.mean()) == pytest.approx(0, abs=1e-7)
    assert float(thumbnail.norm()) == pytest.approx(1, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.3, 3), st.floats(0.01, 100), st.floats(-50, 50))
def test_no_increasing_curve_changes_the_ranks_of_a_thumbnail_sized_image(gamma, scale, offset) -> None:
    # Distinct levels, so that rounding makes no ties.
    image = torch.randperm(1024, generator=torch.Generator().manual_seed(1)).view(1, 32, 32).double() / 1023
    curved = (scale * image**gamma + offset * scale / 100).float()
    assert polarity_correlation(rank_thumbnail(curved), rank_thumbnail(image.float())) > 0.999


def test_an_inverted_image_has_the_opposite_correlation() -> None:
    template = rank_thumbnail(picture())
    assert polarity_correlation(rank_thumbnail(picture()), template) == pytest.approx(1, abs=1e-5)
    assert polarity_correlation(rank_thumbnail(255 - 17 * picture()), template) == pytest.approx(-1, abs=1e-5)


@pytest.mark.parametrize("size", [(48, 64), (8, 8), (1, 1), (40, 40, 5)])
def test_batches_of_one_and_any_size(size) -> None:
    image = picture(2, size)
    torch.testing.assert_close(rank_thumbnail(image), rank_thumbnail(image[None]))


def test_a_constant_image_has_no_polarity() -> None:
    template = rank_thumbnail(picture())
    assert polarity_correlation(rank_thumbnail(torch.ones(1, 9, 9)), template) == 0
    assert polarity_correlation(template, torch.zeros(32, 32)) == 0


@pytest.mark.real_data
def test_inverted_real_radiographs_are_found(real_data) -> None:
    """JSRT is published inverted; every image of it is to be found, and no image of NIH or OpenIST as it is."""
    records = load_manifest(real_data / "cxr_manifest.csv").records
    load = LoadRadiograph()
    thumbnails = {
        site: [rank_thumbnail(load(record["image"])) for record in records if record["site"] == site][::step]
        for site, step in (("openist", 2), ("jsrt", 1), ("nih_cxr14", 5))
    }
    template = torch.stack(thumbnails["openist"][:50]).mean(dim=0)
    found = {
        site: [polarity_correlation(thumbnail, template) < 0 for thumbnail in images]
        for site, images in thumbnails.items()
    }
    assert all(found["jsrt"])
    assert not any(found["openist"])
    assert sum(found["nih_cxr14"]) <= 0.01 * len(found["nih_cxr14"])
