"""Thumbnail and histogram: the same scene at any resolution looks the same."""

import pytest
import torch
from torch.nn import functional as F

from monai_harmonize.networks.image_summary import area_thumbnail, cumulative_histogram


def test_thumbnail_is_the_mean_over_equal_cells() -> None:
    image = torch.rand(2, 1, 24, 40)
    torch.testing.assert_close(area_thumbnail(image, 8), F.avg_pool2d(image, (3, 5)))
    volume = torch.rand(1, 2, 8, 16, 12)
    torch.testing.assert_close(area_thumbnail(volume, 4), F.avg_pool3d(volume, (2, 4, 3)))


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_thumbnail_of_a_finer_raster_is_the_same(factor: int) -> None:
    image = torch.rand(1, 1, 13, 5)
    finer = image.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    torch.testing.assert_close(area_thumbnail(finer, 8), area_thumbnail(image, 8))


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (31, 33), (97, 101)])
def test_thumbnail_keeps_the_mean(size: tuple[int, int]) -> None:
    image = torch.rand(1, 1, *size)
    torch.testing.assert_close(area_thumbnail(image, 8).mean(), image.mean())


def test_histogram_is_cumulative_and_in_closed_form_on_its_levels() -> None:
    image = torch.tensor([[-1.0, 0.0, 0.0, 1.0]])
    torch.testing.assert_close(cumulative_histogram(image, 5), torch.tensor([[0.125, 0.25, 0.5, 0.75, 0.875]]))
    assert (cumulative_histogram(torch.rand(3, 1, 9, 9), 33).diff(dim=1) >= 0).all()
