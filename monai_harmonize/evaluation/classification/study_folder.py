"""Where the files of a study lie, for the one who writes them and the one who reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["OWN", "RAW", "Direction", "StudyFolder"]

# Scores of images that no method has changed: of the classifier's own site and of the other one.
OWN, RAW = "own", "raw"


@dataclass(frozen=True)
class Direction:
    """Images of ``source`` are brought to the look of ``target``, where the classifier learned."""

    source: str
    target: str

    def __str__(self) -> str:
        """For people."""
        return f"{self.source} to {self.target}"

    @property
    def folder(self) -> str:
        """As folders are called."""
        return f"{self.source}_to_{self.target}"


@dataclass(frozen=True)
class StudyFolder:
    """Layout of a study.

    Args:
        folder: of the study.
    """

    folder: Path

    @property
    def settings_file(self) -> Path:
        """What the study compares, on which images."""
        return self.folder / "study.json"

    def classifier_weights(self, site: str, seed: int) -> Path:
        """Weights of one classifier."""
        return self.folder / "classifiers" / site / f"seed_{seed}" / "model.pt"

    def harmonized(self, direction: Direction, method: str) -> Path:
        """Folder of harmonized images."""
        return self.folder / "harmonized" / direction.folder / method

    def scores(self, site: str, seed: int, name: str) -> Path:
        """Table of one classifier's scores: of its ``own`` images, of ``raw`` ones, or of a method's."""
        return self.folder / "scores" / site / f"seed_{seed}" / f"{name}.csv"

    def threshold(self, site: str, seed: int) -> Path:
        """Operating threshold of one classifier."""
        return self.scores(site, seed, OWN).with_name("threshold.json")
