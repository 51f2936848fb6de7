"""One loader for every format."""

import nibabel
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.transforms import Compose
from PIL import Image

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.transforms.load_radiograph import (
    LoadRadiograph,
    LoadRadiographD,
    LoadRadiographd,
    LoadRadiographDict,
)

FILM = np.array([[0, 10, 20], [30, 40, 250]], np.uint8)


@pytest.fixture
def film(tmp_path):
    Image.fromarray(FILM).save(tmp_path / "film.png")
    return tmp_path / "film.png"


def test_image_and_metadata(film):
    image = LoadRadiograph()(film)
    assert isinstance(image, MetaTensor)
    assert image.dtype == torch.float32
    np.testing.assert_array_equal(image.numpy()[0], FILM.T)
    assert image.meta["filename_or_obj"] == str(film)
    assert image.meta["grey_range"] == (0, 255)
    assert image.meta["polarity_turned"] is False
    assert torch.equal(image.affine, torch.diag(torch.tensor([-1.0, -1, 1, 1], dtype=image.affine.dtype)))


def test_film_published_inverted_is_turned(film):
    image = LoadRadiograph()(film, "inverted")
    np.testing.assert_array_equal(image.numpy()[0], 255 - FILM.T.astype(float))
    assert image.meta["polarity_turned"] is True


def test_volume(tmp_path):
    values = np.arange(24, dtype=np.int16).reshape(4, 3, 2)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii.gz")
    image = LoadRadiograph()(str(tmp_path / "a.nii.gz"))
    np.testing.assert_array_equal(image.numpy(), values[None])


def test_values_that_are_no_numbers(tmp_path):
    values = np.zeros((4, 3), np.float32)
    values[0, 0], values[1, 1] = np.nan, -np.inf
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / "a.nii")
    with pytest.raises(ImageFileError, match=r"a\.nii: 2 of 12 values are NaN or infinite"):
        LoadRadiograph()(tmp_path / "a.nii")


def test_one_pixel_and_constant_images_are_read(tmp_path):
    Image.new("L", (1, 1), 7).save(tmp_path / "a.png")
    assert LoadRadiograph()(tmp_path / "a.png").tolist() == [[[7]]]


def test_unknown_polarity(film):
    with pytest.raises(ImageFileError, match=r"film\.png: its polarity is 'upside'; expected 'normal' or 'inverted'"):
        LoadRadiograph()(film, "upside")


def test_dictionary_version_reads_the_polarity_of_the_item(film):
    load = LoadRadiographd(keys=["image"])
    item = {"image": film, "polarity": "inverted", "site": "a"}
    assert load(item)["image"].meta["polarity_turned"] is True
    assert item["image"] == film
    for polarity in ({"polarity": "normal"}, {"polarity": ""}, {}):
        assert load({"image": film, **polarity})["image"].meta["polarity_turned"] is False
    other = LoadRadiographd(keys="image", polarity_key="sense")
    assert other({"image": film, "sense": "inverted", "polarity": "normal"})["image"].max() == 255
    assert LoadRadiographD is LoadRadiographDict is LoadRadiographd


def test_missing_keys(film):
    assert LoadRadiographd(keys=["image", "mask"], allow_missing_keys=True)({"image": film})["image"].shape[0] == 1
    with pytest.raises(KeyError):
        LoadRadiographd(keys=["image", "mask"])({"image": film})


def test_batches_of_a_data_loader(film):
    data = Dataset([{"image": film}] * 2, Compose([LoadRadiographd(keys="image")]))
    batch = next(iter(DataLoader(data, batch_size=2)))
    assert batch["image"].shape == (2, 1, 3, 2)
    np.testing.assert_array_equal(batch["image"][1, 0].numpy(), FILM.T)
