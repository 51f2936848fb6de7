"""Certificates beside the images: JSON, a table of all, pictures."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import MetaKeys, TransformBackends

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.folder_walk import RESULTS_TABLE
from monai_harmonize.data.formats import IMAGE_SUFFIXES
from monai_harmonize.safety.certificate import Certificate
from monai_harmonize.safety.certificate_table import CertificateTable
from monai_harmonize.safety.certify_transform import CERTIFICATE, MEASUREMENT
from monai_harmonize.safety.panel import certificate_figure, write_panel
from monai_harmonize.safety.thresholds import load_thresholds

__all__ = ["PANELS", "TABLE_NAME", "CertificateWriter"]

TABLE_NAME = RESULTS_TABLE
# Which certificates get a picture.
PANELS = ("none", "not_passed", "all")


class CertificateWriter(MapTransform):
    """Write the certificate of ``CertifyHarmonizedd``. It goes after ``SaveLikeSourced``.

    Writes ``<name>.certificate.json`` beside the image that ``meta["saved_to"]`` names, a row of
    ``certificates.csv`` in ``output_dir`` and, if asked, ``<name>.certificate.png``; each whole or not at all. A
    later run continues the table and replaces the rows of files that it writes again. No name comes from a header.

    Args:
        keys: the one key of the saved image.
        output_dir: folder of ``certificates.csv``, that of ``SaveLikeSourced``.
        panels: ``"none"``, ``"not_passed"`` or ``"all"``.
        thresholds: the file given to ``CertifyHarmonizedd``, for the bars in the picture.

    Attributes:
        verdicts: how many passed, warned and failed in this run.

    Raises:
        InputError: ``panels`` is none of the three. At the call: the item was not certified or not saved.
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | PathLike[str],
        *,
        panels: str = "none",
        thresholds: str | PathLike[str] | None = None,
    ) -> None:
        super().__init__(keys)
        if panels not in PANELS:
            raise InputError(f"panels is {panels!r}; expected one of {', '.join(PANELS)}")
        self.output_dir = Path(output_dir)
        self.panels = panels
        self.thresholds = load_thresholds(thresholds)
        self.table = CertificateTable(self.output_dir / TABLE_NAME)
        self.verdicts: Counter[str] = Counter()
        self._owners: dict[Path, Path] = {}

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the item's certificate; the arrays behind it leave the item."""
        item = dict(data)
        saved = item[self.keys[0]].meta.get(MetaKeys.SAVED_TO.value)
        if CERTIFICATE not in item or saved is None:
            raise InputError(
                "no certificate to write: put CertifyHarmonizedd before RestoreGreyLevelsd and CertificateWriter "
                "after SaveLikeSourced"
            )
        certificate: Certificate = item[CERTIFICATE]
        measurement = item.pop(MEASUREMENT)
        image = Path(saved)
        with atomic_path(self.beside(image, ".certificate.json")) as temporary:
            temporary.write_text(certificate.to_json(), encoding="utf-8")
        if self.panels == "all" or (self.panels == "not_passed" and certificate.verdict != "pass"):
            bars = self.thresholds.of(certificate.guarantee_class)
            write_panel(certificate_figure(certificate, measurement, bars), self.beside(image, ".certificate.png"))
        inside = image.is_relative_to(self.output_dir)
        self.table.put((image.relative_to(self.output_dir) if inside else image).as_posix(), certificate)
        self.verdicts[certificate.verdict] += 1
        return item

    def beside(self, image: Path, ending: str) -> Path:
        """Path beside an image, its extension replaced; added to it where ``a.png`` and ``a.dcm`` share a folder."""
        name = image.name
        extension = next((name[-len(end) :] for end in IMAGE_SUFFIXES if name.lower().endswith(end)), "")
        stem = image.with_name(name.removesuffix(extension))
        if stem not in self._owners and not _is_of_another(stem.with_name(stem.name + ".certificate.json"), image):
            self._owners[stem] = image
        beside = stem if self._owners.get(stem) == image else image
        return beside.with_name(beside.name + ending)


def _is_of_another(path: Path, image: Path) -> bool:
    """Whether an earlier run wrote a certificate there for a file that differs in its extension."""
    try:
        file = json.loads(path.read_text(encoding="utf-8"))["provenance"]["file"]
    except (OSError, ValueError, KeyError, TypeError):  # there is none, or it is not ours
        return False
    return file is not None and Path(file).suffix.lower() != image.suffix.lower()
