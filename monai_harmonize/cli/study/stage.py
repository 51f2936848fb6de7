"""A step of a study: it leaves a mark when it is done, and is skipped where that tells of the same settings."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_harmonize.data.atomic import atomic_path

__all__ = ["Stage"]


@dataclass(frozen=True)
class Stage:
    """One step.

    Args:
        title: what it does, for people.
        mark: file that says it was done, and how.
        settings: what decides its result, weights of earlier steps included; asked for when its turn comes.
        work: does it.
        results: what it leaves; without one of them it was not done, whatever the mark says.
        outdated: file or folder from which nothing can go on once it was begun in another way; removed then.
        needs: marks or results of other steps, which must be done before.
        cost: seconds that it takes, roughly; only their proportions count.
    """

    title: str
    mark: Path
    settings: Callable[[], dict[str, Any]]
    work: Callable[[], None]
    results: tuple[Path, ...] = ()
    outdated: Path | None = None
    needs: tuple[Path, ...] = ()
    cost: float = 1.0

    @property
    def begun(self) -> Path:
        """File that says with which settings it was begun; gone once it is done."""
        return self.mark.with_suffix(".begun.json")

    def run(self) -> bool:
        """Do it, or tell with ``False`` that it was done before.

        What an interrupted run left is gone on with where it was begun with the same settings, else removed.
        """
        wanted = json.loads(json.dumps(self.settings()))
        if settings_in(self.mark) == wanted and all(result.exists() for result in self.results):
            return False
        if self.mark.exists() or settings_in(self.begun) != wanted:
            self.forget()
            write_settings(self.begun, wanted)
        self.work()
        write_settings(self.mark, wanted)
        self.begun.unlink(missing_ok=True)
        return True

    def forget(self) -> None:
        """Remove what was done or begun; the marks first, so that an interruption leaves none beside half of it."""
        self.mark.unlink(missing_ok=True)
        self.begun.unlink(missing_ok=True)
        if self.outdated is not None and self.outdated.is_dir():
            shutil.rmtree(self.outdated)
        elif self.outdated is not None:
            self.outdated.unlink(missing_ok=True)


def settings_in(mark: Path) -> Any:
    """Settings of a mark; ``None`` without one, or with a damaged one."""
    try:
        return json.loads(mark.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_settings(mark: Path, settings: Any) -> None:
    """Leave a mark."""
    with atomic_path(mark) as temporary:
        temporary.write_text(json.dumps(settings, indent=4) + "\n", encoding="utf-8")
