"""Which known site a batch is of, and the file that keeps the sites."""

import json
from pathlib import Path

import numpy as np
import pytest

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics.look_summary import FEATURES, turned_summary
from monai_harmonize.metrics.site_gallery import SiteGallery
from monai_harmonize.metrics.site_gallery_file import load_site_gallery, save_site_gallery
from monai_harmonize.metrics.site_look import SiteLook

COUNT = len(FEATURES)


def images(count: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, COUNT))


@pytest.fixture(scope="module")
def gallery() -> SiteGallery:
    return SiteGallery({"one": SiteLook.fit(images(60, 0)), "two": SiteLook.fit(images(60, 1, 2.0))})


def test_sites_are_told_from_images_and_batches(gallery: SiteGallery) -> None:
    for seed in range(20):
        for count in (1, 5, 30):
            found = gallery.origin(images(count, 100 + seed, 2.0))
            assert found.nearest == "two"
            assert found.probability > 0.95
            assert found.site in (None, "two")
            assert found.turned is None
    assert np.mean([gallery.origin(images(30, seed, 2.0)).site == "two" for seed in range(40)]) == 1


def test_a_third_site_is_unknown(gallery: SiteGallery) -> None:
    found = gallery.origin(images(5, 2, 5.0))
    assert (found.site, found.nearest) == (None, "two")
    assert found.p_value == pytest.approx(1 / 61)
    # It says which one it were, if it were one of them.
    assert found.probability > 0.99


def test_half_way_both_are_as_probable() -> None:
    distances = np.linspace(0, 30, 60)
    looks = {name: SiteLook(np.full(2, middle), np.eye(2), distances) for name, middle in (("a", -1.0), ("b", 1.0))}
    found = SiteGallery(looks).origin(np.zeros((3, 2)))
    assert found.probability == pytest.approx(0.5)


def test_of_the_sites_in_which_it_is_not_rare_the_most_probable_one() -> None:
    """A site of many looks is never far away; a narrow one within it is more probable where both may be."""
    distances = np.linspace(0, 10, 60)
    looks = {
        "wide": SiteLook(np.zeros(2), 25 * np.eye(2), distances),
        "narrow": SiteLook(np.ones(2), np.eye(2), distances),
    }
    gallery = SiteGallery(looks)
    assert gallery.origin([1.5, 1.5]).site == "narrow"
    assert gallery.origin([-6.0, 3.0]).site == "wide"


def test_an_inverted_site_is_unknown_and_named(gallery: SiteGallery) -> None:
    found = gallery.origin(turned_summary(images(10, 3, 2.0)))
    assert found.site is None
    assert found.turned == "two"


def test_what_cannot_be_asked(gallery: SiteGallery) -> None:
    for level in (0.0, 0.01, 1.0, float("nan")):
        with pytest.raises(InputError, match=r"level is .*60 images"):
            gallery.origin(images(3, 0), level)
    with pytest.raises(InputError, match="no image"):
        gallery.origin(np.empty((0, COUNT)))
    with pytest.raises(InputError, match="no sites"):
        SiteGallery({})


def test_the_file_tells_the_same(gallery: SiteGallery, tmp_path: Path) -> None:
    read = load_site_gallery(save_site_gallery(gallery, tmp_path / "deep" / "sites.json"))
    assert list(read.sites) == ["one", "two"]
    for name, look in gallery.sites.items():
        np.testing.assert_allclose(read.sites[name].covariance, look.covariance, rtol=1e-6)
    one, other = (each.origin(images(4, 7, 0.3)) for each in (gallery, read))
    assert (one.site, one.p_value) == (other.site, other.p_value)
    assert one.probability == pytest.approx(other.probability, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(version=9), "version is 9"),
        (lambda content: content.update(features=[]), "features"),
        (lambda content: content.pop("sites"), "sites are missing"),
        (lambda content: content["sites"]["two"].pop("mean"), "numbers of two"),
        (lambda content: content["sites"]["two"].update(mean=[1.0]), "numbers of two"),
        (lambda content: content["sites"]["two"]["mean"].__setitem__(0, "x"), "numbers of two"),
        (lambda content: content["sites"]["two"]["mean"].__setitem__(0, float("nan")), "numbers of two"),
        (lambda content: content["sites"]["two"]["covariance"][0].__setitem__(0, -1.0), "numbers of two"),
        (lambda content: content["sites"]["two"]["covariance"][0].__setitem__(1, 0.7), "numbers of two"),
        (lambda content: content["sites"]["two"]["distances"].reverse(), "numbers of two"),
        (lambda content: content["sites"]["two"].update(distances=[1.0, 2.0]), "numbers of two"),
    ],
)
def test_damaged_files_are_named(gallery: SiteGallery, tmp_path: Path, change, message: str) -> None:
    path = save_site_gallery(gallery, tmp_path / "sites.json")
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"sites\.json: .*{message}"):
        load_site_gallery(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        load_site_gallery(tmp_path / "none.json")
    for text in ("{", "[]", "3"):
        (tmp_path / "sites.json").write_text(text)
        with pytest.raises(InputError, match=r"sites\.json: .*again"):
            load_site_gallery(tmp_path / "sites.json")
