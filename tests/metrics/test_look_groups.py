"""Folders of several origins fall apart into these, a folder of one does not."""

import numpy as np
import pytest

from monai_harmonize.metrics.look_groups import MOST_GROUPS, likely_sites, look_groups, unlike_groups
from monai_harmonize.metrics.site_gallery import SiteGallery
from monai_harmonize.metrics.site_look import SiteLook

FEATURES = 5
SPREADS = np.array([0.1, 1.0, 3.0, 0.5, 1.0])


def images(count: int, seed: int, shift: float = 0.0) -> np.ndarray:
    """Features of very different spread; ``shift`` in units of it."""
    return np.random.default_rng(seed).normal(shift, 1, (count, FEATURES)) * SPREADS


@pytest.fixture(scope="module")
def gallery() -> SiteGallery:
    return SiteGallery({"one": SiteLook.fit(images(80, 0)), "two": SiteLook.fit(images(80, 1, 3.0))})


def test_images_of_one_origin_stay_together(gallery: SiteGallery) -> None:
    for seed, count in enumerate((1, 4, 12, 30, 60), start=20):
        assert set(look_groups(images(count, seed), gallery)) == {0}
        assert set(look_groups(images(count, seed, -9.0), gallery)) == {0}


def test_many_images_of_one_site_stay_together_though_they_are_no_normal_distribution(gallery: SiteGallery) -> None:
    heavy = np.random.default_rng(30).standard_t(5, (300, FEATURES)) * 0.8 * SPREADS
    assert set(unlike_groups(heavy, gallery.within)) == {0}


def test_known_sites_are_told_apart_in_a_small_folder(gallery: SiteGallery) -> None:
    mixed = np.concatenate([images(4, 2, 3.0), images(4, 3)])
    found = look_groups(mixed, gallery)
    assert found.tolist() == [0] * 4 + [1] * 4  # the first image's group is the first
    assert likely_sites(mixed, gallery).tolist() == [1] * 4 + [0] * 4


def test_an_image_between_the_sites_follows_the_folder(gallery: SiteGallery) -> None:
    between = np.full((1, FEATURES), 1.5) * SPREADS
    for shift, place in ((0.0, 0), (3.0, 1)):
        assert likely_sites(np.concatenate([images(30, 4, shift), between]), gallery)[-1] == place


def test_an_unknown_origin_beside_a_known_one(gallery: SiteGallery) -> None:
    truth = np.repeat([0, 1], 15)
    mixed = np.concatenate([images(15, 5), images(15, 6, -3.0)])
    np.testing.assert_array_equal(look_groups(mixed, gallery), truth)
    assert set(likely_sites(mixed, gallery)) == {0}


def test_the_order_of_the_images_does_not_matter(gallery: SiteGallery) -> None:
    mixed = np.concatenate([images(15, 7), images(15, 8, -3.0), images(15, 9, 3.0)])
    order = np.random.default_rng(0).permutation(len(mixed))
    plain, shuffled = look_groups(mixed, gallery), look_groups(mixed[order], gallery)
    np.testing.assert_array_equal(shuffled[:, None] == shuffled, (plain[:, None] == plain)[order][:, order])
    assert shuffled[0] == 0


def test_many_origins_are_not_more_than_the_bound(gallery: SiteGallery) -> None:
    mixed = np.concatenate([images(6, seed, 6.0 * seed) for seed in range(9)])
    assert len(set(unlike_groups(mixed, gallery.within))) <= MOST_GROUPS
