"""Manifests of the two public tuberculosis sets of the U.S. National Library of Medicine.

Montgomery County (138 chest radiographs, 80 normal and 58 tuberculosis, a mask for each lung) and Shenzhen
No. 3 Hospital (662; 326 and 336): Jaeger et al., "Automatic tuberculosis screening using chest radiographs",
IEEE Trans Med Imaging 33(2):233-245, 2014; Candemir et al., "Lung segmentation in chest radiographs using
anatomical atlases with nonrigid registration", ibid. 577-590.

``python -m monai_harmonize.data.nlm_tuberculosis`` writes the manifests anew from the list of image ids;
with ``--root`` it also names every image and mask that a download lacks.
"""

from enum import Enum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.manifest import ManifestError, load_manifest
from monai_harmonize.data.manifest_rows import MASK_SEPARATOR
from monai_harmonize.data.patient_split import split_by_patient

__all__ = ["build_rows", "write_manifests"]

IDS_FILE = "nlm_tb_cxr_ids.csv"
SPLIT_SEED = 0
COLUMNS = ["file", "site", "label", "patient", "split", "mask", "polarity", "finding"]
_FINDINGS = {"normal": (0, "normal"), "tb": (1, "tuberculosis")}
_COUNTS = {
    ("montgomery", "normal"): 80,
    ("montgomery", "tb"): 58,
    ("shenzhen", "normal"): 326,
    ("shenzhen", "tb"): 336,
}


class DataSet(str, Enum):
    """Sites of a manifest."""

    MONTGOMERY = "montgomery"
    SHENZHEN = "shenzhen"
    BOTH = "montgomery_shenzhen"


def build_rows(ids_file: Path) -> pd.DataFrame:
    """Make the manifest rows of both sites.

    Args:
        ids_file: CSV with the columns ``dataset``, ``image_id`` and ``label`` (``normal`` or ``tb``).

    Returns:
        A table with the columns `COLUMNS`, Montgomery first, all cells text but the label.

    Raises:
        ManifestError: When the list does not hold the published images and labels.
    """
    ids = pd.read_csv(ids_file, dtype=str)
    problems = []
    counts = ids.drop_duplicates("image_id").value_counts(["dataset", "label"]).to_dict()
    if counts != _COUNTS:
        problems.append(f"expected the image counts {_COUNTS}, found {counts}")
    # The last digit of an image's name is its label: 0 normal, 1 tuberculosis.
    named = ids["image_id"].str[-1].map({"0": "normal", "1": "tb"})
    problems += [f"row {index + 2}: the image id names another label" for index in ids.index[named != ids["label"]]]
    if problems:
        raise ManifestError(ids_file, problems)
    records = [_record(*row) for row in ids[["dataset", "image_id", "label"]].itertuples(index=False)]
    return pd.DataFrame(split_by_patient(records, seed=SPLIT_SEED), columns=COLUMNS)


def _record(site: str, image_id: str, label: str) -> dict[str, object]:
    masks = ""
    if site == "montgomery":
        folder, sides = "MontgomerySet", ("leftMask", "rightMask")
        masks = MASK_SEPARATOR.join(f"{folder}/ManualMask/{side}/{image_id}.png" for side in sides)
    else:
        folder = "ChinaSet_AllFiles"
    number, finding = _FINDINGS[label]
    return {
        "file": f"{folder}/CXR_png/{image_id}.png",
        "site": site,
        "label": number,
        # Neither set names patients; both publish one image per case.
        "patient": image_id.rpartition("_")[0],
        "mask": masks,
        "polarity": "normal",
        "finding": finding,
    }


def write_manifests(folder: Path) -> None:
    """Write one manifest per site and one of both into the folder that holds the list of image ids.

    Raises:
        ManifestError: As `build_rows`.
    """
    rows = build_rows(folder / IDS_FILE)
    for dataset in DataSet:
        chosen = rows if dataset is DataSet.BOTH else rows[rows["site"] == dataset.value]
        with atomic_path(folder / f"{dataset.value}.csv") as temporary:
            chosen.to_csv(temporary, index=False, lineterminator="\n")


def main(
    folder: Annotated[Path, typer.Option(help="Folder of the manifests and the image ids.")] = Path("data_manifests"),
    root: Annotated[Path | None, typer.Option(help="Check that all files exist under this folder.")] = None,
    dataset: Annotated[DataSet, typer.Option(help="Sites to check.")] = DataSet.BOTH,
) -> None:
    """Write the manifests of the Montgomery and Shenzhen sets; with --root, check a download against them."""
    write_manifests(folder)
    if root is None:
        return
    path = folder / f"{dataset.value}.csv"
    try:
        manifest = load_manifest(path, root)
    except ManifestError as error:
        typer.echo("\n".join([f"{path}: {len(error.problems)} problems", *error.problems]), err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{path}: all {len(manifest.records)} images are there")


if __name__ == "__main__":
    typer.run(main)
