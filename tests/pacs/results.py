"""What a run of the command left behind."""

import csv
from collections import Counter
from pathlib import Path

import pydicom

# Elements that tell when a result was made, not what it is.
TIMES = ("ContentDate", "ContentTime", "InstanceCreationDate", "InstanceCreationTime")


def report(folder: Path) -> list[dict[str, str]]:
    with (folder / "pacs.csv").open(newline="") as table:
        return list(csv.DictReader(table))


def outcomes(folder: Path) -> Counter:
    return Counter(row["outcome"] for row in report(folder))


def images(folder: Path) -> dict[str, pydicom.Dataset]:
    """Results by SOP Instance UID."""
    found = [pydicom.dcmread(path) for path in folder.rglob("*.dcm")]
    assert len({dataset.SOPInstanceUID for dataset in found}) == len(found)
    return {dataset.SOPInstanceUID: dataset for dataset in found}


def timeless(dataset: pydicom.Dataset) -> dict:
    for name in TIMES:
        if name in dataset:
            delattr(dataset, name)
    for item in dataset.get("ContributingEquipmentSequence", []):
        del item.ContributionDateTime
    return dataset.to_json_dict()


def same(one: dict[str, pydicom.Dataset], other: dict[str, pydicom.Dataset]) -> bool:
    return {uid: timeless(one[uid]) for uid in one} == {uid: timeless(other[uid]) for uid in other}
