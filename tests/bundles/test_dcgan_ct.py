"""What is special about drawing volumes: where training patches lie, and what the files of samples say."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from scipy.spatial import cKDTree

from monai_harmonize.transforms.save_sample import NOTE

CONFIGS = Path("bundles/dcgan_ct/configs")


def patches(data: Path, part: str = "train", **options: object):
    """Data set of a part of the training."""
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "train.json"))
    parser.update({"dataset_dir": str(data), "image_size": 16, **options})
    return parser.get_parsed_content(f"{part}#dataset")


def image_at(dataset, position: int) -> torch.Tensor:
    (item,) = dataset[position]
    return item["image"]


@pytest.fixture(scope="module")
def dataset(spine_data: Path):
    return patches(spine_data)


def test_a_patch_is_a_pure_function_of_seed_and_position(spine_data: Path, dataset) -> None:
    positions = (0, 9, 100)
    first = [image_at(dataset, position) for position in positions]
    for position, image in reversed(list(zip(positions, first, strict=True))):
        torch.testing.assert_close(image_at(dataset, position), image, rtol=0, atol=0)
    assert not torch.equal(first[0], first[1])
    assert all(image.shape == (1, 16, 16, 16) and image.min() >= -1 and image.max() <= 1 for image in first)
    other = image_at(patches(spine_data, seed=1), 0)
    assert not torch.equal(other, first[0])
    codes = [dataset[position][0]["code"] for position in positions]
    assert all(code.shape == (64, 1, 1, 1) for code in codes)
    assert not torch.equal(codes[0], codes[1])


def test_patches_lie_in_the_vertebrae_of_their_own_split(spine_data: Path) -> None:
    validation = patches(spine_data, "validate")
    mask = nibabel.load(next((spine_data / "validation" / "reference").glob("*_mask.nii.gz")))
    marked = nibabel.affines.apply_affine(mask.affine, np.argwhere(np.asarray(mask.dataobj) > 0))
    centres = []
    for position in range(len(validation)):
        image = image_at(validation, position)
        assert image.pixdim.tolist() == pytest.approx([3.0] * 3)
        centres.append(nibabel.affines.apply_affine(image.affine.numpy(), [7.5] * 3))
    # The volume is 240 mm wide, and its voxels are of 10 mm.
    distances, _ = cKDTree(marked[:, :2]).query(np.array(centres)[:, :2])
    assert distances.max() < 10
    assert len(np.unique(np.round(centres, 3), axis=0)) > 3


def test_samples_are_files_in_hounsfield_units(tmp_path: Path) -> None:
    parser = ConfigParser()
    parser.read_config(str(CONFIGS / "inference.json"))
    parser["image_size"] = 8
    torch.save(parser.get_parsed_content("network_def").state_dict(), tmp_path / "model.pt")
    options = {"image_size": 8, "samples": 2, "window": "soft_tissue", "spacing": [2.0, 2.5, 4.0]}
    places = {"checkpoint": str(tmp_path / "model.pt"), "output_dir": str(tmp_path / "drawn")}
    workflow = ConfigWorkflow(
        str(CONFIGS / "inference.json"), workflow_type="infer", logging_file=False, **options, **places
    )
    workflow.initialize()
    workflow.run()
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["sample_0000.nii.gz", "sample_0001.nii.gz"]
    drawn = nibabel.load(tmp_path / "drawn" / "sample_0001.nii.gz")
    assert drawn.header.get_zooms() == (2.0, 2.5, 4.0)
    assert nibabel.aff2axcodes(drawn.affine) == ("R", "A", "S")
    values = np.asarray(drawn.dataobj)
    assert -150 <= values.min() < 50 < values.max() <= 250
    words = bytes(drawn.header["descrip"]).decode()
    assert words.startswith(NOTE)
    assert "monai-harmonize" in words
