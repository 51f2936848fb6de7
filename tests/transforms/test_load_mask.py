"""Masks of any public data set become zeros and ones."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.transforms import LoadMask, LoadMaskd, LoadRadiographd

INSIDE = np.zeros((4, 6), bool)
INSIDE[1:3, 2:5] = True


def write(path: Path, mode: str) -> Path:
    if mode == "1":
        image = Image.fromarray(INSIDE)
    elif mode == "P":
        image = Image.fromarray(INSIDE.astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 0, 0, 255])
    elif mode == "I;16":
        image = Image.fromarray(INSIDE.astype(np.uint16) * 700)
    elif mode in ("RGB", "RGBA"):
        image = Image.fromarray(np.where(INSIDE, 255, 0).astype(np.uint8)).convert(mode)
    else:
        image = Image.fromarray(INSIDE.astype(np.uint8) * int(mode))
    image.save(path)
    return path


@pytest.mark.parametrize("mode", ["1", "255", "P", "I;16", "RGB", "RGBA"])
def test_every_kind_of_png_marks_the_same_pixels(mode: str, tmp_path: Path) -> None:
    mask = LoadMask()(write(tmp_path / "mask.png", mode))
    assert mask.dtype == torch.float32
    # Columns come first.
    np.testing.assert_array_equal(mask[0].numpy(), INSIDE.T)


def test_ones_are_inside_too(tmp_path: Path) -> None:
    Image.fromarray(INSIDE.astype(np.uint8)).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(LoadMask()(tmp_path / "mask.png")[0].numpy(), INSIDE.T)


def test_jpeg_noise_is_outside(tmp_path: Path) -> None:
    square = np.zeros((32, 32), np.uint8)
    square[10:21, 11:23] = 255
    Image.fromarray(square).save(tmp_path / "mask.jpg", quality=80)
    assert len(np.unique(np.asarray(Image.open(tmp_path / "mask.jpg")))) > 2
    np.testing.assert_array_equal(LoadMask()(tmp_path / "mask.jpg")[0].numpy(), (square > 0).T)


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 1)])
def test_nifti_keeps_its_axes(shape: tuple[int, ...], tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(INSIDE.T.astype(np.uint8).reshape(shape), np.eye(4)), tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(LoadMask()(tmp_path / "mask.nii.gz")[0].numpy(), INSIDE.T)


def test_parts_are_united(tmp_path: Path) -> None:
    for name, columns in (("left", slice(0, 2)), ("right", slice(4, 6))):
        part = np.zeros((4, 6), np.uint8)
        part[:, columns] = 255
        Image.fromarray(part).save(tmp_path / f"{name}.png")
    mask = LoadMask()([tmp_path / "left.png", tmp_path / "right.png"])
    assert mask.shape == (1, 6, 4)
    assert mask[0, :, 0].tolist() == [1, 1, 0, 0, 1, 1]


def test_mask_takes_over_the_metadata_of_its_image(tmp_path: Path) -> None:
    path = write(tmp_path / "mask.png", "255")
    item = LoadMaskd("label")(LoadRadiographd("image")({"image": path, "label": str(path)}))
    assert item["label"].meta["filename_or_obj"] == str(path)
    assert item["label"].shape == item["image"].shape


def test_wrong_size_and_damage_are_told(tmp_path: Path) -> None:
    path, small = write(tmp_path / "mask.png", "255"), tmp_path / "small.png"
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(small)
    image = LoadRadiographd("image")({"image": path, "label": small})
    with pytest.raises(ImageFileError, match=r"small\.png: has \(2, 2\) pixels .* its image \(6, 4\)"):
        LoadMaskd("label")(image)
    with pytest.raises(ImageFileError, match=r"small\.png: has \(2, 2\) pixels .* first part \(6, 4\)"):
        LoadMask()([path, small])
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ImageFileError, match=r"mask\.png"):
        LoadMask()(path)
    with pytest.raises(ImageFileError, match="there is no such file"):
        LoadMask()(tmp_path / "absent.png")
