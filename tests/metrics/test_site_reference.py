"""What is remembered of a site, and its file."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from monai_harmonize.data.errors import InputError
from monai_harmonize.metrics import SiteReference, load_site_reference, save_site_reference
from monai_harmonize.metrics.site_reference import LANDMARKS


def images(count: int = 5, size: int = 40) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.gamma(2 + place, 300, (1, size, size)).astype(np.uint16) for place in range(count)]


def test_moments_and_landmarks_are_means_over_images() -> None:
    site = images()
    (channel,) = SiteReference.fit(site).channels
    assert channel.mean == pytest.approx(np.mean([image.mean() for image in site]))
    assert channel.deviation == pytest.approx(np.mean([image.std() for image in site]))
    for place in (0, -1):
        expected = np.mean([np.percentile(image, LANDMARKS[place]) for image in site])
        assert channel.landmarks[place] == pytest.approx(expected)
    assert channel.landmark(50) == channel.landmarks[5]
    with pytest.raises(InputError, match="percentile is 25"):
        channel.landmark(25)


def test_the_landmarks_of_stretched_images_are_those_of_one() -> None:
    """Each image is brought to the mean range first, so that contrast says nothing about the shape."""
    (image,) = images(1)
    one = np.asarray(SiteReference.fit([image]).channels[0].landmarks)
    stretched = SiteReference.fit([image, 3.0 * image + 100]).channels[0].landmarks
    np.testing.assert_allclose(stretched, 2 * one + 50, rtol=1e-6)


def test_landmarks_weigh_shapes_alike_whatever_their_contrast() -> None:
    first, second = images(1)[0].astype(np.float64), 50 * np.linspace(0, 1, 2000).reshape(1, 40, 50) ** 4
    found = np.asarray(SiteReference.fit([first, second]).channels[0].landmarks)
    shapes = []
    for image in (first, second):
        levels = np.percentile(image, LANDMARKS)
        shapes.append((levels - levels[0]) / (levels[-1] - levels[0]))
    np.testing.assert_allclose((found - found[0]) / (found[-1] - found[0]), np.mean(shapes, axis=0), rtol=1e-6)


def test_an_image_of_nearly_one_level_does_not_shorten_the_scale() -> None:
    (image,) = images(1)
    flat = np.full((1, 40, 40), 300, np.uint16)
    flat[0, 0, 0] = 301
    found = np.asarray(SiteReference.fit([image, flat]).channels[0].landmarks)
    expected = np.percentile(image, LANDMARKS)
    np.testing.assert_allclose(found, (expected + 300) / 2, rtol=1e-6)


def test_the_mean_distribution_weighs_images_alike() -> None:
    small, large = np.arange(2048.0).reshape(1, 32, 64), 5000 + np.arange(8192.0).reshape(1, 64, 128)
    levels = np.asarray(SiteReference.fit([small, large]).channels[0].mean_cdf)
    assert len(levels) == 2049
    assert levels[0] == 0
    # At the share k / 2048 lies every other level of the small image, then every eighth of the large one.
    np.testing.assert_array_equal(levels[1:1025], np.arange(1, 2048, 2))
    np.testing.assert_array_equal(levels[1025:], 5000 + np.arange(7, 8192, 8))


def test_templates_are_drawn_by_the_seed() -> None:
    site = images(6)
    drawn = [SiteReference.fit(site, templates=3, seed=seed).channels[0].templates for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 3
    assert {template[-1] for template in drawn[0]} <= {float(image.max()) for image in site}


def test_masks_choose_the_pixels() -> None:
    site = images(2)
    masks = [np.zeros((40, 40), bool), np.zeros((1, 40, 40), np.float32)]
    masks[0][:20] = True
    masks[1][:, 20:] = 1
    (channel,) = SiteReference.fit(site, masks).channels
    assert channel.mean == pytest.approx((site[0][0, :20].mean() + site[1][0, 20:].mean()) / 2)
    assert channel.mean_cdf[-1] == max(site[0][0, :20].max(), site[1][0, 20:].max())


def test_images_without_tone_are_left_out_and_nan_does_not_count() -> None:
    site = [image.astype(np.float32) for image in images(2)]
    marred = site[0].copy()
    marred[0, 0, 0] = np.nan
    reference = SiteReference.fit([marred, site[1], np.full((1, 9, 9), 7.0), np.full((1, 9, 9), np.nan)])
    assert reference.images == 2
    assert np.isfinite(reference.channels[0].energies).all()
    for empty in ([], [np.full((1, 9, 9), 7.0)]):
        with pytest.raises(InputError, match="no images of at least two grey levels"):
            SiteReference.fit(empty)


def test_every_channel_has_its_own_entry() -> None:
    site = [np.concatenate([image, 2 * image]) for image in images(2)]
    first, second = SiteReference.fit(site).channels
    assert second.mean == pytest.approx(2 * first.mean)
    with pytest.raises(InputError, match="1 channels, those before have 2"):
        SiteReference.fit([*site, site[0][:1]])


def test_the_file_gives_the_reference_back_and_is_small(tmp_path: Path) -> None:
    reference = SiteReference.fit([image / 32767.5 - 1 for image in images(40, 64)])
    path = save_site_reference(reference, tmp_path / "new" / "reference.json")
    found = load_site_reference(path)
    assert found.images == reference.images == 40
    for name in ("mean_cdf", "landmarks", "energies", "templates", "mean", "deviation", "low_pass_mean"):
        expected = getattr(reference.channels[0], name)
        np.testing.assert_allclose(getattr(found.channels[0], name), expected, rtol=1e-6, atol=1e-7)
    assert os.path.getsize(path) < 200_000
    assert len(found.channels[0].templates) == 32
    # Writing what was read changes nothing.
    assert save_site_reference(found, tmp_path / "again.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content.update(version=2), "its version is 2; expected 1"),
        (lambda content: content.update(format="image"), "its format is 'image'"),
        (lambda content: content.update(percentiles=[1, 99]), "its percentiles is"),
        (lambda content: content.update(channels=[]), "its channels or images are missing"),
        (lambda content: content.update(images=0), "its channels or images are missing"),
        (lambda content: content["channels"][0].pop("mean"), "channel 0 does not hold"),
        (lambda content: content["channels"][0].update(more=1), "channel 0 does not hold"),
        (lambda content: content["channels"][0].update(mean="1"), "mean of channel 0 is damaged"),
        (lambda content: content["channels"][0].update(mean=True), "mean of channel 0 is damaged"),
        (lambda content: content["channels"][0].update(mean=10**400), "mean of channel 0 is damaged"),
        (lambda content: content["channels"][0].update(deviation=0), "deviation of channel 0 is damaged"),
        (lambda content: content["channels"][0].update(low_pass_mean=float("nan")), "low_pass_mean of channel 0"),
        (lambda content: content["channels"][0]["mean_cdf"].reverse(), "mean_cdf of channel 0 is damaged"),
        (lambda content: content["channels"][0]["landmarks"].pop(), "landmarks of channel 0 is damaged"),
        (lambda content: content["channels"][0].update(energies=[-1] * 7), "energies of channel 0 is damaged"),
        (lambda content: content["channels"][0].update(templates=[[1, None]]), "templates of channel 0 is damaged"),
        (lambda content: content["channels"][0].update(templates=[]), "templates of channel 0 is damaged"),
    ],
)
def test_a_damaged_file_is_refused_by_name(change, message: str, tmp_path: Path) -> None:
    path = save_site_reference(SiteReference.fit(images(2)), tmp_path / "reference.json")
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message) as error:
        load_site_reference(path)
    assert str(path) in str(error.value)


def test_no_file_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such site reference"):
        load_site_reference(tmp_path / "none.json")
    for text in ("{", "[1]"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(InputError, match=r"bad\.json"):
            load_site_reference(tmp_path / "bad.json")
