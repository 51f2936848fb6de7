"""Manifests: which images belong to which site, patient and split.

A manifest is a CSV file, or a Decathlon JSON file as `monai.data.load_decathlon_datalist` reads it (lists
``training``, ``validation``, ``test`` and, for paired truth, ``truth``; further keys are kept).

==============  ========================================================================================
column          meaning
==============  ========================================================================================
``file``        image, required (alias ``image``); a folder for a DICOM series
``site``        hospital or device, required; a JSON file may give it once for all items, at its top level
``label``       class; whole numbers become int
``patient``     always text, so that ``00001280`` stays what it is
``split``       ``train``, ``validation``, ``test`` or ``truth`` (paired truth, never trained on)
``mask``        label image; several paths, separated by semicolons, are channels
``polarity``    ``normal`` (the default) or ``inverted`` (dense structures dark in the file)
others          carried along; names that end in ``_mask`` are paths, too
==============  ========================================================================================

Relative paths start from the manifest's folder, or from `root`, and must not leave it; absolute paths are
taken as they are. An empty cell is absent from the record.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monai.utils import ensure_tuple

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest_checks import SPLITS, absolute_path, check_rows, is_path_column
from monai_harmonize.data.manifest_rows import Row, parse_label, quoted, read_rows
from monai_harmonize.data.patient_split import Record, complete_splits, hold_out_validation
from monai_harmonize.data.polarity import NORMAL

__all__ = ["Manifest", "ManifestError", "load_manifest"]

_SHOWN_PROBLEMS = 20


class ManifestError(InputError):
    """Everything that is wrong with a manifest; the message shows the first twenty problems.

    Args:
        path: the manifest.
        problems: one sentence per problem, with the row where it has one; all of them.
    """

    def __init__(self, path: Path, problems: Sequence[str]) -> None:
        super().__init__(path, problems)
        self.path = path
        self.problems = list(problems)

    def __str__(self) -> str:
        count = len(self.problems)
        lines = [f"{self.path}: {count} problem{'s' * (count != 1)}", *self.problems[:_SHOWN_PROBLEMS]]
        if count > _SHOWN_PROBLEMS:
            lines.append(f"... and {count - _SHOWN_PROBLEMS} more (all of them in ManifestError.problems)")
        return "\n  ".join(lines)


@dataclass(frozen=True)
class Manifest:
    """The records of a manifest.

    Args:
        path: the file they come from.
        records: MONAI items in the order of the rows: ``image`` (absolute path), ``file`` (path as written),
            ``site``, ``polarity`` and whichever further columns the row fills.
    """

    path: Path
    records: tuple[Record, ...]

    @property
    def sites(self) -> list[str]:
        """Names of the sites, sorted."""
        return sorted({record["site"] for record in self.records})

    def select(
        self,
        site: str | Sequence[str] | None = None,
        split: str | Sequence[str] | None = None,
        label: Any = None,
        allow_empty: bool = False,
    ) -> list[Record]:
        """Copies of the records that agree with all arguments; each is one value, several or None for any.

        Args:
            site: names of sites; a command line reads the name ``1`` as a number, which is taken for it.
            split: names of splits.
            label: labels; ``"1"`` and ``1`` are the same.
            allow_empty: whether no record at all is a right answer.

        Raises:
            ManifestError: When a site does not occur, a split is unknown or nothing is left to select.
        """
        site = None if site is None else [str(name) for name in ensure_tuple(site)]
        problems = []
        if absent := [name for name in site or () if name not in self.sites]:
            problems.append(f"no site {quoted(absent)}; the sites are {quoted(self.sites)}")
        if unknown := [name for name in ensure_tuple(split or ()) if name not in SPLITS]:
            problems.append(f"unknown split {quoted(unknown)}; allowed are {quoted(SPLITS)}")
        if problems:
            raise ManifestError(self.path, problems)
        labels = None if label is None else [parse_label(choice) for choice in ensure_tuple(label)]
        wanted = {"site": site, "split": split, "label": labels}
        chosen = {name: ensure_tuple(value) for name, value in wanted.items() if value is not None}
        selected = [
            dict(record)
            for record in self.records
            if all(name in record and record[name] in values for name, values in chosen.items())
        ]
        if not selected and not allow_empty:
            asked = ", ".join(f"{name} {quoted(values)}" for name, values in chosen.items())
            raise ManifestError(self.path, [f"no row has {asked}; the manifest holds {self._summary()}"])
        return selected

    def with_splits(
        self, fractions: Mapping[str, float] | None = None, validation_fraction: float = 0.1, seed: int = 0
    ) -> "Manifest":
        """Split sites without splits by patient and hold out validation at sites that only have training.

        A patient of several sites goes into one split at all of them.

        Args:
            fractions: share of each split at sites without splits, as in `split_by_patient`.
            validation_fraction: share of the training patients, as in `hold_out_validation`.
            seed: seed of both.

        Returns:
            A new manifest with the records in the same order; splits that the file gives are kept.
        """
        records = complete_splits(self.records, fractions, seed)
        return replace(self, records=tuple(hold_out_validation(records, validation_fraction, seed)))

    def _summary(self) -> str:
        counts = Counter((record["site"], record.get("split", "without split")) for record in self.records)
        text = "; ".join(f"site '{site}' {split} {count}" for (site, split), count in sorted(counts.items()))
        completable = any("split" not in record for record in self.records)
        return text + " (with_splits() completes the splits)" * completable


def load_manifest(
    path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None, check_files: bool = True
) -> Manifest:
    """Read a manifest and check all of it.

    Args:
        path: CSV or Decathlon JSON file, columns as this module's text says.
        root: folder that relative paths start from; the manifest's own by default.
        check_files: whether the images and masks must exist.

    Returns:
        The manifest, its records with absolute paths.

    Raises:
        ManifestError: With every problem at once: unreadable file, missing columns, empty cells, missing or
            repeated files, unknown splits and polarities, a patient in several splits of one site (``truth``
            aside), sites with a split in some rows only.
    """
    path = Path(path)
    root = path.parent if root is None else Path(root)
    rows, problems = read_rows(path)
    problems += check_rows(rows, root, check_files)
    if problems:
        raise ManifestError(path, problems)
    return Manifest(path, tuple(_record(row, root) for row in rows))


def _record(row: Row, root: Path) -> Record:
    record = {"image": row.cells["file"], "polarity": NORMAL, **row.cells}
    for name in filter(is_path_column, record.keys() - {"file"}):
        cell = record[name]
        several = isinstance(cell, list)
        record[name] = [absolute_path(text, root) for text in cell] if several else absolute_path(cell, root)
    # A label may be a label image, which load_decathlon_datalist knows by its existence as well.
    label = record.get("label")
    if isinstance(label, str) and os.path.isfile(absolute_path(label, root)):
        record["label"] = absolute_path(label, root)
    return record
