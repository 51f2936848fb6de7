"""Masks lie beside their sources' relative paths, in a format that every program reads."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.phantoms import ensure_ct_dataset
from monai_harmonize.transforms import LoadMask, LoadRadiographd, SaveMaskd

MASK = torch.zeros(1, 5, 3)
MASK[0, 1:4, 1] = 1


def save(source: Path, output: Path, mask: torch.Tensor = MASK) -> None:
    item = LoadRadiographd("image")({"image": str(source)})
    SaveMaskd("pred", output, data_root=source.parents[1], bundle="lungs 1.0")({**item, "pred": mask})


@pytest.mark.parametrize("name", ["a.png", "b.jpg", "c.d.PNG"])
def test_raster_images_give_png(name: str, tmp_path: Path) -> None:
    (tmp_path / "in" / "s").mkdir(parents=True)
    source = tmp_path / "in" / "s" / name
    Image.fromarray(np.arange(15, dtype=np.uint8).reshape(3, 5)).save(source)
    save(source, tmp_path / "out")
    (written,) = (path for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert written == tmp_path / "out" / "s" / f"{source.stem}.png"
    pixels = Image.open(written)
    assert pixels.info["Software"].endswith("lungs 1.0")
    np.testing.assert_array_equal(np.asarray(pixels), 255 * MASK[0].numpy().T)
    torch.testing.assert_close(LoadMask()(written), MASK)


def test_dicom_gives_png_and_keeps_folders(chest_data: Path, tmp_path: Path) -> None:
    source = sorted((chest_data / "test" / "site_a").glob("*.dcm"))[0]
    mask = torch.zeros(1, 64, 64)
    mask[0, :10] = 1
    save(source, tmp_path, mask)
    written = tmp_path / "site_a" / f"{source.stem}.png"
    torch.testing.assert_close(LoadMask()(written), mask)


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 1)])
def test_nifti_gives_nifti_with_the_same_place(shape: tuple[int, ...], tmp_path: Path) -> None:
    (tmp_path / "in" / "s").mkdir(parents=True)
    source, affine = tmp_path / "in" / "s" / "a.nii.gz", np.diag([0.5, 0.7, 1.0, 1.0])
    nibabel.save(nibabel.Nifti1Image(np.arange(15.0).reshape(shape), affine), source)
    save(source, tmp_path / "out")
    written = nibabel.load(tmp_path / "out" / "s" / "a.nii.gz")
    assert written.shape == shape
    assert written.get_data_dtype() == np.uint8
    np.testing.assert_allclose(written.affine, affine)
    np.testing.assert_array_equal(np.asarray(written.dataobj).reshape(5, 3), MASK[0].numpy())


def test_other_sizes_double_names_and_the_source_itself_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in" / "s").mkdir(parents=True)
    source = tmp_path / "in" / "s" / "a.png"
    Image.fromarray(np.arange(15, dtype=np.uint8).reshape(3, 5)).save(source)
    with pytest.raises(ImageFileError, match="restore its size"):
        save(source, tmp_path / "out", MASK[:, :2])
    with pytest.raises(ImageFileError, match="source itself"):
        save(source, tmp_path / "in")
    twin = source.with_suffix(".jpg")
    Image.open(source).save(twin)
    saver = SaveMaskd("pred", tmp_path / "out", data_root=tmp_path / "in")
    first, second = (LoadRadiographd("image")({"image": str(path)}) for path in (source, twin))
    saver({**first, "pred": MASK})
    with pytest.raises(ImageFileError, match="would replace"):
        saver({**second, "pred": MASK})


def test_a_series_gives_one_nifti_at_its_place(tmp_path: Path) -> None:
    manifest = ensure_ct_dataset(
        tmp_path / "ct",
        sites=("site_a",),
        anatomies_per_site={"test": 1},
        shape=(9, 8, 10),
        file_format="dicom",
        progress=False,
        workers=1,
    )
    (folder,) = {path.parent for path in manifest.parent.rglob("*.dcm")}
    item = LoadRadiographd(keys="image")({"image": folder})
    item["pred"] = (item["image"] > 0).float()
    SaveMaskd(keys="pred", output_dir=tmp_path / "out")(item)
    written = LoadRadiographd(keys="image")({"image": tmp_path / "out" / f"{folder.name}.nii.gz"})["image"]
    assert 0 < item["pred"].mean() < 1
    assert torch.equal(written.as_tensor(), item["pred"].as_tensor())
    torch.testing.assert_close(written.affine, item["image"].affine)
