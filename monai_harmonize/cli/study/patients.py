"""Patients of whom a study's networks learn and whom it tests: none may be both."""

from __future__ import annotations

from collections.abc import Iterable

from monai_harmonize.data import InputError
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.data.patient_split import Record

__all__ = ["refuse_shared_patients"]


def refuse_shared_patients(manifest: Manifest, trained: Iterable[Record], tested: Iterable[Record]) -> None:
    """Refuse a patient in both; the manifest itself is checked only within each site, and without paired truth.

    Args:
        manifest: named in messages.
        trained: records of training and validation splits, of all sites that count.
        tested: records that are tested.

    Raises:
        InputError: there is one; the message names files, since names of patients stay out of messages.
    """
    learned = {record["patient"]: record for record in trained if "patient" in record}
    shared = {record["patient"]: record for record in tested if record.get("patient") in learned}
    if shared:
        patient, record = next(iter(shared.items()))
        rows = " and ".join(
            f"{row['file']} (site {row['site']}, split {row['split']})" for row in (learned[patient], record)
        )
        raise InputError(
            f"{manifest.path}: networks would learn of {len(shared)} of the patients on whom they are tested, as in "
            f"{rows}. Put all images of a patient into one split, at every site (column split); if these are different "
            "people, give them different names (column patient)."
        )
