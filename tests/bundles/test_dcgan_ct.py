"""What is special about drawing volumes: where training patches lie, and what the files of samples say."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

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


def test_patches_lie_around_points_deep_in_vertebrae_of_their_own_split(tmp_path: Path) -> None:
    rows = ["file,site,patient,split,mask"]
    for number, split in enumerate(("train", "validation", "test")):
        # Far apart, so that most of what is between them is no vertebra; the level tells the patient.
        marked = np.zeros((60, 60, 60), np.int16)
        marked[10:20, 10:20, 12:22] = 20
        marked[40:50, 35:45, 40:50] = 21
        for name, values in ((split, np.where(marked, 400 + 100 * number, -150)), (f"{split}_mask", marked)):
            nibabel.save(
                nibabel.Nifti1Image(values.astype(np.int16), np.diag([3, 3, 3, 1])), tmp_path / f"{name}.nii.gz"
            )
        rows.append(f"{split}.nii.gz,reference,{split},{split},{split}_mask.nii.gz")
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    for part, level in (("train", 400), ("validate", 500)):
        dataset = patches(tmp_path, part, patches_per_volume=20)
        images = torch.stack([image_at(dataset, position) for position in range(20)])[:, 0]
        assert images[:, 8, 8, 8].tolist() == pytest.approx([2 * (level + 200) / 1000 - 1] * 20, abs=1e-4)
        assert (images > 0).flatten(1).float().mean(1).max() < 0.4


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
