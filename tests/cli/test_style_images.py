"""A style study of one's own images: other sizes, masks only where they are needed, several volumes of a patient."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from monai_harmonize.cli.style_study.cases import cases_of, paired_truths
from monai_harmonize.cli.style_study.checks import check_style_study
from monai_harmonize.cli.style_study.definition import Sites, find_style_definition
from monai_harmonize.cli.style_study.judging import train_look_classifier
from monai_harmonize.cli.style_study.segmentation import Segmentation
from monai_harmonize.cli.style_study.settings import StyleStudy
from monai_harmonize.data import InputError
from monai_harmonize.data.manifest import Manifest, load_manifest

DEFINITION = {
    "sites": {"home": "ours", "shifted": ["theirs"], "unseen": []},
    "slices": 4,
    "methods": {"adain": {"bundle": "adain_ct", "title": "Huang"}},
    "extractors": {"vgg19": []},
    "compare_extractors": [],
    "one_look_each": [],
    "segmentation": {
        "bundle": "spine_segmentation_ct",
        "title": "U-Net",
        "train": {"patch_size": [64, 64], "spacing": [2.0, 2.0, 2.0], "patches_per_volume": 1},
    },
    "augmentations": {},
}
# Noise of the two looks in HU.
NOISE = {"ours": 100, "theirs": 400}


def written(path: Path, size: tuple[int, int, int], noise: int, corner: float = 0.0) -> Path:
    """A volume of noise around 100 HU, with a vertebra in the middle in ``_mask``."""
    rng = np.random.default_rng(int.from_bytes(path.name.partition(".")[0].encode()))
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[0, 3] = corner
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(rng.normal(100, noise, size).astype(np.int16), affine), path)
    mask = np.zeros(size, dtype=np.uint8)
    mask[size[0] // 3 : size[0] // 2, 10:20] = 20
    nibabel.save(nibabel.Nifti1Image(mask, affine), path.with_name(path.name.replace(".nii", "_mask.nii")))
    return path


# Site, split, name, size; masks at home and of what is tested.
ROWS = [
    ("ours", "train", "o1", (40, 36, 8)),
    ("ours", "train", "o2", (50, 44, 6)),
    ("ours", "validation", "o3", (40, 36, 8)),
    ("ours", "test", "o4", (40, 36, 8)),
    ("ours", "test", "o5", (40, 36, 8)),
    ("theirs", "train", "t1", (30, 70, 7)),
    ("theirs", "train", "t2", (52, 30, 9)),
    ("theirs", "validation", "t3", (33, 33, 3)),
    ("theirs", "test", "t4", (40, 36, 8)),
]


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., StyleStudy]:
    """Study of the rows above and further ones."""

    def make(*further: dict[str, str]) -> StyleStudy:
        rows = [
            {
                "file": written(tmp_path / site / f"{name}.nii.gz", size, NOISE[site]).relative_to(tmp_path).as_posix(),
                "site": site,
                "split": split,
                "patient": name,
                "label": "1",
                **({"mask": f"{site}/{name}_mask.nii.gz"} if site == "ours" or split == "test" else {}),
            }
            for site, split, name, size in ROWS
        ]
        items = {
            key: [{k: v for k, v in row.items() if k != "split"} for row in [*rows, *further] if row["split"] == split]
            for key, split in (
                ("training", "train"),
                ("validation", "validation"),
                ("test", "test"),
                ("truth", "truth"),
            )
        }
        (tmp_path / "manifest.json").write_text(json.dumps(items))
        (tmp_path / "own.json").write_text(json.dumps(DEFINITION))
        manifest = load_manifest(tmp_path / "manifest.json").with_splits()
        definition = find_style_definition(str(tmp_path / "own.json"))
        return StyleStudy(tmp_path / "study", manifest, tmp_path, definition, Sites("ours", ("theirs",)))

    return make


def further(folder: Path, name: str, patient: str, size: tuple[int, int, int], corner: float = 0.0, **columns: str):
    """A row, by default of the paired truth."""
    row = {"site": "theirs", "split": "truth", "patient": patient, **columns}
    file = written(folder / row["site"] / f"{name}.nii.gz", size, NOISE[row["site"]], corner).relative_to(folder)
    return {"file": file.as_posix(), "mask": file.as_posix().replace(".nii", "_mask.nii"), **row}


def test_an_image_needs_no_mask_and_gets_no_frame(own) -> None:
    study = own()
    images = Segmentation(study, study.definition.segmentation)
    record = study.manifest.select(site="ours", split="test")[0]
    whole, alone = images.load(record).volume, images.image({k: v for k, v in record.items() if k != "mask"})
    assert whole.shape == (1, 64, 64, 8)
    assert alone.shape == (1, 40, 36, 8)
    torch.testing.assert_close(whole[:, 12:52, 14:50], alone, rtol=0, atol=0)
    assert (whole.sum() - alone.sum()).item() == pytest.approx(-(64 * 64 - 40 * 36) * 8)
    unmasked = study.manifest.select(site="theirs", split="train")[0]
    assert images.image(unmasked).shape == (1, 30, 70, 7)
    with pytest.raises(InputError, match="has a mask"):
        images.load(unmasked)


def test_looks_are_learned_from_volumes_of_any_size_without_masks(own) -> None:
    study = own()
    check_style_study(study)
    train_look_classifier(study)
    assert json.loads(study.look_classifier.with_suffix(".json").read_text()) == {"field": [30, 30]}
    assert json.loads(study.look_accuracy.read_text()) == {"ours": 1.0, "theirs": 1.0}


def test_a_truth_is_of_the_same_volume_of_its_patient(own, tmp_path: Path) -> None:
    size = (40, 36, 8)
    follow_up = further(tmp_path, "o6", "o4", size, site="ours", split="test", anatomy="o4-later")
    shown = further(tmp_path, "t6", "o4", size, anatomy="o4-later")
    study = own(follow_up, shown, further(tmp_path, "t7", "o5", size))
    names = {record["image"]: record["file"] for record in study.manifest.records}
    first = [{**record, "anatomy": "o4-first"} if record["file"] == "ours/o4.nii.gz" else record
             for record in study.manifest.records]  # fmt: skip
    study = replace(study, manifest=Manifest(study.manifest.path, tuple(first)))
    found = {names[truth]: names[home] for truth, home in paired_truths(study, "theirs").items()}
    assert found == {"theirs/t6.nii.gz": "ours/o6.nii.gz", "theirs/t7.nii.gz": "ours/o5.nii.gz"}
    check_style_study(study)
    cases = {case.image: case for case in cases_of(study, Segmentation(study, study.definition.segmentation))}
    assert cases["ours/o4.nii.gz"].truths == {}
    torch.testing.assert_close(cases["ours/o6.nii.gz"].truths["theirs"], cases["theirs/t6.nii.gz"].volume)
    torch.testing.assert_close(cases["theirs/t6.nii.gz"].truths["ours"], cases["ours/o6.nii.gz"].volume)
    torch.testing.assert_close(cases["ours/o5.nii.gz"].truths["theirs"], cases["theirs/t7.nii.gz"].volume)


@pytest.mark.parametrize("several", ["home", "truth"])
def test_a_truth_that_fits_twice_is_refused_before_any_step(own, tmp_path: Path, several: str) -> None:
    size = (40, 36, 8)
    row = {"site": "ours", "split": "test"} if several == "home" else {}
    study = own(further(tmp_path, "t6", "o4", size), further(tmp_path, "x7", "o4", size, **row))
    with pytest.raises(InputError, match=r"manifest.json: .* fits .* fill the column 'anatomy' alike") as error:
        check_style_study(study)
    folder = "ours" if several == "home" else "theirs"
    for file in ("ours/o4.nii.gz", "theirs/t6.nii.gz", f"{folder}/x7.nii.gz"):
        assert file in str(error.value)


@pytest.mark.parametrize(("size", "corner"), [((40, 36, 16), 0.0), ((40, 36, 8), 1.0)], ids=["slices", "place"])
def test_other_voxels_are_no_truth(own, tmp_path: Path, caplog, size: tuple[int, int, int], corner: float) -> None:
    """Four slices are judged of either, which are not the same ones."""
    study = own(further(tmp_path, "t6", "o4", size, corner), further(tmp_path, "t7", "o5", (40, 36, 8)))
    check_style_study(study)
    images = Segmentation(study, study.definition.segmentation)
    with caplog.at_level(logging.WARNING):
        cases = {case.image: case for case in cases_of(study, images, warn=True)}
    assert cases["ours/o4.nii.gz"].volume.shape == cases["theirs/t6.nii.gz"].volume.shape
    assert cases["ours/o4.nii.gz"].truths == cases["theirs/t6.nii.gz"].truths == {}
    assert set(cases["ours/o5.nii.gz"].truths) == {"theirs"}
    told = [record.getMessage() for record in caplog.records if record.name == cases_of.__module__]
    assert len(told) == 1
    assert told[0].startswith("theirs/t6.nii.gz and ours/o4.nii.gz have other voxels")


@pytest.mark.parametrize(
    ("patient", "site", "split"),
    [("o1", "theirs", "test"), ("o3", "theirs", "truth"), ("t1", "ours", "test"), ("o1", "ours", "truth")],
)
def test_nobody_is_learned_of_and_tested(own, tmp_path: Path, patient: str, site: str, split: str) -> None:
    """Each site is without overlap, in which the manifest sees nothing wrong."""
    study = own(further(tmp_path, "again", patient, (40, 36, 8), site=site, split=split))
    with pytest.raises(InputError, match="networks would learn of 1 of the patients on whom they are tested") as error:
        check_style_study(study)
    assert f"{site}/again.nii.gz (site {site}, split {split})" in str(error.value)
    assert f"/{patient}.nii.gz (site" in str(error.value)
