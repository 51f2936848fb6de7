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
        outdated: file or folder from which nothing can go on once it was done in another way; removed then.
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

    def run(self) -> bool:
        """Do it, or tell with ``False`` that it was done before."""
        wanted = json.loads(json.dumps(self.settings()))
        if self.done_with() == wanted and all(result.exists() for result in self.results):
            return False
        if self.mark.exists():
            self.forget()
        self.work()
        with atomic_path(self.mark) as temporary:
            temporary.write_text(json.dumps(wanted, indent=4) + "\n", encoding="utf-8")
        return True

    def forget(self) -> None:
        """Remove what was done, and the mark, so that an interruption leaves none beside other results."""
        if self.outdated is not None and self.outdated.is_dir():
            shutil.rmtree(self.outdated)
        elif self.outdated is not None:
            self.outdated.unlink(missing_ok=True)
        self.mark.unlink(missing_ok=True)

    def done_with(self) -> Any:
        """Settings of the mark; ``None`` without one, or with a damaged one."""
        try:
            return json.loads(self.mark.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
