"""Labelled images as a manifest: classes, splits by patient, no patient's number."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from monai_harmonize.data import InputError
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.label_app.train_records import SITE, Labelled, class_of, write_manifest


@pytest.fixture
def labelled(tmp_path: Path) -> list[Labelled]:
    """Ten radiographs of five patients, two classes."""
    found = []
    for number in range(10):
        image, label = tmp_path / f"{number}.png", tmp_path / f"{number}.json"
        Image.fromarray(np.full((8, 8), number, dtype=np.uint8)).save(image)
        label.write_text(json.dumps({"label": number // 2 % 2}))
        found.append(Labelled(image, label, f"Doe^John {number // 2}"))
    return found


def test_patients_stay_together_and_unnamed(labelled: list[Labelled], tmp_path: Path) -> None:
    path = write_manifest(labelled, tmp_path / "manifest.csv", 0.4, classes=True)
    assert "Doe" not in path.read_text()
    table = pd.read_csv(path)
    assert set(table["split"]) == {"train", "validation"}
    assert (table.groupby("patient")["split"].nunique() == 1).all()
    assert table["patient"].nunique() == 5
    assert len(load_manifest(path).select(site=SITE, split="train")) == 6
    write_manifest(labelled[::-1], tmp_path / "again.csv", 0.4, classes=True)
    assert (tmp_path / "again.csv").read_text() == path.read_text()


def test_masks_are_paths(labelled: list[Labelled], tmp_path: Path) -> None:
    masks = [Labelled(one.image, one.image) for one in labelled]
    manifest = load_manifest(write_manifest(masks, tmp_path / "manifest.csv", 0.2, classes=False))
    assert all(record["mask"] == record["image"] for record in manifest.records)


def test_a_class_is_a_number_or_whether_a_mask_marks_anything(tmp_path: Path) -> None:
    for level in (0, 255):
        pixels = np.zeros((8, 8), dtype=np.uint8)
        pixels[3, 4] = level
        Image.fromarray(pixels).save(tmp_path / "mask.png")
        assert class_of(tmp_path / "mask.png") == int(level > 0)
    for text in ("", "[1]", "{}", '{"label": 2}', '{"label": true}', '{"label": "1"}'):
        (tmp_path / "label.json").write_text(text)
        with pytest.raises(InputError, match=r"label\.json"):
            class_of(tmp_path / "label.json")


def test_one_class_or_one_patient_is_told(labelled: list[Labelled], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="all labels are 0; training needs images of both classes"):
        write_manifest(labelled[:2], tmp_path / "manifest.csv", 0.4, classes=True)
    alike = [replace(one, patient="Doe^John") for one in labelled]
    with pytest.raises(InputError, match="of one patient") as raised:
        write_manifest(alike, tmp_path / "manifest.csv", 0.4, classes=True)
    assert "Doe" not in str(raised.value)
    with pytest.raises(InputError, match=r"gone\.json"):
        class_of(tmp_path / "gone.json")


@pytest.mark.parametrize(("count", "share"), [(0, 0.2), (1, 0.2), (10, 0.0), (10, 1.0), (10, -1.0)])
def test_what_cannot_be_split(labelled: list[Labelled], tmp_path: Path, count: int, share: float) -> None:
    with pytest.raises(InputError, match=r"final label|val_split"):
        write_manifest(labelled[:count], tmp_path / "manifest.csv", share, classes=True)
