"""The instances of one series on the disk, under names that no header decides about."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pydicom
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from monai_harmonize.data.dicom_derivation import is_harmonized
from monai_harmonize.pacs.errors import PacsError
from monai_harmonize.pacs.service import RemoteSeries, Service

__all__ = ["OwnResultError", "fetch_series", "safe_name"]

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


class OwnResultError(Exception):
    """A series is itself a result of this software and is not harmonized again."""


def safe_name(uid: str) -> str:
    """Name of a file or folder that stands for a UID, the same in every run."""
    return hashlib.sha256(uid.encode()).hexdigest()[:16]


def fetch_series(service: Service, series: RemoteSeries, expected: Collection[str], folder: Path) -> None:
    """Get a whole series into a folder, a file per instance, its bytes as the server has them.

    Args:
        service: the server.
        series: the series.
        expected: SOP Instance UIDs that it consists of.
        folder: emptied first.

    Raises:
        PacsError: the server gives other instances than these, or those of another series.
        OwnResultError: an instance is a result of this software; the rest is not fetched.
    """

    def begin() -> Callable[[Dataset], None]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return take

    def take(dataset: Dataset) -> None:
        try:
            with disable_value_validation():  # its warnings show values
                own = is_harmonized(dataset)
                names = [str(dataset.get(name) or "") for name in UIDS]
        except Exception as error:  # parsing damaged bytes raises whatever they lead to
            raise PacsError(
                "the fetch: the header of an instance is damaged; look at the series with the archive's own tools."
            ) from error
        if own:
            raise OwnResultError
        path = folder / f"{safe_name(names[2])}.dcm"
        if names[:2] != [series.study, series.uid] or names[2] not in expected or path.exists():
            raise PacsError("the fetch: the server gives an instance twice, or one that is not of the series.")
        pydicom.dcmwrite(path, dataset)

    service.fetch(series, begin)
    missing = len(expected) - len(list(folder.iterdir()))
    if missing:
        raise PacsError(f"the fetch: the server lists {len(expected)} instances but gives {missing} fewer; try again.")
