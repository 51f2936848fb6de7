"""Which files an earlier run of the same command has finished, so that an interrupted one goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.safety.certificate_table import CertificateTable
from monai_harmonize.safety.certificate_writer import TABLE_NAME, CertificateWriter
from monai_harmonize.transforms.save_presentation_state import EXTENSION as STATE_EXTENSION

__all__ = ["SETTINGS_NAME", "Resume", "settings_of"]

SETTINGS_NAME = "harmonize.json"


def settings_of(
    bundle: Bundle, overlays: Sequence[str], weights_digest: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    """What decides how a result looks, besides its source: weights, configurations (by their SHA-256) and options."""
    files = [bundle.config(name) for name in ("inference", *overlays)]
    return {
        "bundle": bundle.metadata["name"],
        "version": bundle.metadata["version"],
        "weights_digest": weights_digest,
        "configurations": [f"{path.stem} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}" for path in files],
        "options": dict(options),
    }


class Resume:
    """Finished files of an output folder.

    A file is finished if its result, its certificate and the certificate's row exist, are of the same bundle, version
    and weights, and are newer than the source and than the last change of the settings, which ``harmonize.json`` in
    the folder keeps. A file that was left out because its certificate failed has no result; with ``stop`` it is never
    finished.

    Args:
        output: the folder.
        settings: of ``settings_of``.
        on_fail: see ``SaveCertified``.
        part: name of this part of the folder's files, where several have settings of their own.
    """

    def __init__(
        self, output: Path, settings: Mapping[str, Any], on_fail: str = "write", part: str | None = None
    ) -> None:
        self.output = output
        self.settings = dict(settings)
        self.on_fail = on_fail
        self.file = output / (SETTINGS_NAME if part is None else f"harmonize.{part}.json")
        self.table = CertificateTable(output / TABLE_NAME)
        self.rows = self.table.known()
        self.names = CertificateWriter("pred", output)
        self.since = self.file.stat().st_mtime_ns if self._same_settings() else None

    def is_done(self, source: Path, destination: Path) -> bool:
        """Whether a source needs no second run."""
        row = self.rows.get(self._name(destination))
        if self.since is None or row is None or not source.exists():  # a link to nothing is told every time
            return False
        if any(row[name] != self.settings[name] for name in ("bundle", "version", "weights_digest")):
            return False
        failed = row["verdict"] == "fail"
        if failed and self.on_fail == "stop":
            return False
        state = destination.name.endswith(STATE_EXTENSION)
        left_out = failed and (self.on_fail == "skip" or (self.on_fail == "copy" and state))
        results = [self.names.beside(destination, ".certificate.json"), *([] if left_out else [destination])]
        # The time of the inode's change tells of an older file that was copied or moved into the source's place,
        # that of a folder tells that a slice is missing.
        stats = [path.stat() for path in {source, *files_of(source)}]
        changes = [max(stat.st_mtime_ns, stat.st_ctime_ns) for stat in stats]
        needed = max(self.since, *changes)
        made = [[path.stat().st_mtime_ns for path in files_of(result)] for result in results]
        return all(times and min(times) >= needed for times in made)

    def begin(self, destinations: Iterable[Path]) -> None:
        """Keep the settings and forget the rows of the files that will be made anew."""
        if self.since is None:
            with atomic_path(self.file) as temporary:
                temporary.write_text(json.dumps(self.settings, indent=4) + "\n", encoding="utf-8")
        self.table.drop({self._name(path) for path in destinations})

    def verdicts(self, destinations: Iterable[Path]) -> Iterator[str]:
        """Verdicts in the table as it is now, of those that have a row."""
        rows = self.table.known()
        names = map(self._name, destinations)
        return (rows[name]["verdict"] for name in names if name in rows)

    def _name(self, destination: Path) -> str:
        return destination.relative_to(self.output).as_posix()

    def _same_settings(self) -> bool:
        try:
            return bool(json.loads(self.file.read_text(encoding="utf-8")) == self.settings)
        except (OSError, ValueError):  # there was no earlier run, or the file is none of ours
            return False


def files_of(path: Path) -> list[Path]:
    """A file, or the files of a folder with a DICOM series; nothing where there is neither."""
    if path.is_dir():
        return [file for file in path.iterdir() if file.is_file()]
    return [path] if path.is_file() else []
