"""Which labelled images a training takes, and which part of a mask."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.label_kinds import OTHER_IMAGE, OTHER_LABEL, OTHER_SEGMENTS, of_this_kind
from monai_harmonize.label_app.train_records import Labelled

CHEST, SPINE, CLASSES = "lung_segmentation_cxr", "spine_segmentation_ct", "tb_classification_cxr"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A radiograph, a volume, a class, and a mask with the values 0, 1 and 2."""
    values = np.zeros((8, 8, 4), dtype=np.int16)
    values[1], values[2, :3] = 1, 2
    nibabel.Nifti1Image(np.zeros_like(values), np.diag([2, 2, 5, 1])).to_filename(tmp_path / "volume.nii.gz")
    nibabel.Nifti1Image(values, np.diag([2, 2, 5, 1])).to_filename(tmp_path / "mask.nii.gz")
    nibabel.Nifti1Image(0 * values, np.diag([2, 2, 5, 1])).to_filename(tmp_path / "nothing.nii.gz")
    Image.fromarray(np.zeros((8, 8), dtype=np.uint8)).save(tmp_path / "chest.png")
    (tmp_path / "class.json").write_text('{"label": 1}')
    return {path.name.split(".")[0]: path for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("model", "image", "label", "expected"),
    [
        (SPINE, "volume", "mask", None),
        (SPINE, "chest", "mask", OTHER_IMAGE),
        (SPINE, "volume", "class", OTHER_LABEL),
        (CHEST, "chest", "chest", None),
        (CHEST, "volume", "mask", OTHER_IMAGE),
        (CHEST, "chest", "class", OTHER_LABEL),
        (CLASSES, "chest", "class", None),
        (CLASSES, "chest", "chest", None),
        (CLASSES, "volume", "class", OTHER_IMAGE),
    ],
)
def test_images_of_its_own_kind(
    bundles: Path, files: dict[str, Path], tmp_path: Path, model: str, image: str, label: str, expected: str | None
) -> None:
    one = Labelled(files[image], files[label])
    kept, left_out = of_this_kind(Bundle(bundles / model), [one], tmp_path / "masks")
    assert kept == ([] if expected else [one])
    assert left_out == ({expected: 1} if expected else {})


@pytest.mark.parametrize(
    ("segments", "label", "expected"),
    [
        ({}, "mask", "as it is"),
        ({"vertebrae": 1}, "mask", "as it is"),
        ({"lungs": 1, "vertebrae": 2}, "mask", 12),
        ({"vertebrae": 1, "lungs": 2}, "mask", 32),
        ({"lungs": 1}, "mask", OTHER_SEGMENTS),
        ({"lungs": 1, "liver": 2, "vertebrae": 3}, "mask", OTHER_SEGMENTS),  # the viewer's empty segment
        ({"lungs": 1, "vertebrae": 2}, "nothing", 0),
    ],
)
def test_the_own_part_of_a_mask(
    bundles: Path, files: dict[str, Path], tmp_path: Path, segments: dict, label: str, expected: object
) -> None:
    one = Labelled(files["volume"], files[label], "patient", segments)
    kept, left_out = of_this_kind(Bundle(bundles / SPINE), [one, one], tmp_path / "masks")
    if expected == OTHER_SEGMENTS:
        assert (kept, left_out) == ([], {OTHER_SEGMENTS: 2})
    elif expected == "as it is":
        assert kept == [one, one]
    else:
        assert len({found.label for found in kept}) == 2
        mask = nibabel.load(kept[0].label)
        assert np.asarray(mask.dataobj).sum() == expected
        np.testing.assert_array_equal(mask.affine, np.diag([2, 2, 5, 1]))
        assert (kept[0].image, kept[0].patient) == (one.image, one.patient)
