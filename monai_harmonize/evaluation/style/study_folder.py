"""Where the files of a style study lie, for the one who writes them and the one who reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["PLAIN", "RAW", "StyleStudyFolder"]

# The segmentation network without augmentation, and the images without style transfer.
PLAIN, RAW = "plain", "raw"


@dataclass(frozen=True)
class StyleStudyFolder:
    """Layout of a style study.

    Args:
        folder: of the study.
    """

    folder: Path

    @property
    def settings_file(self) -> Path:
        """What the study compares, on which images."""
        return self.folder / "study.json"

    @property
    def look_classifier(self) -> Path:
        """Weights of the classifier of looks."""
        return self.folder / "looks" / "classifier.pt"

    @property
    def look_accuracy(self) -> Path:
        """How often it is right on validation images, by look."""
        return self.folder / "looks" / "accuracy.json"

    def style_weights(self, method: str, extractor: str, look: str | None = None) -> Path:
        """Weights of one style transfer network: of all looks, or of one."""
        folder = self.folder / "styles" / method / extractor
        return (folder if look is None else folder / look) / "model.pt"

    def style_scores(self, method: str, extractor: str) -> Path:
        """Scores of what one network draws, image by image; ``.npz`` beside them: examples."""
        return self.folder / "style_scores" / method / f"{extractor}.csv"

    @property
    def raw_scores(self) -> Path:
        """The same of images that no network has changed."""
        return self.folder / "style_scores" / f"{RAW}.csv"

    def segmentation_weights(self, kind: str, seed: int) -> Path:
        """Weights of one segmentation network: ``plain``, or an augmentation's."""
        return self.folder / "segmentation" / kind / f"seed_{seed}" / "model.pt"

    def segmentation_scores(self, kind: str, seed: int, look: str) -> Path:
        """Scores of one segmentation network on the images of a look."""
        return self.folder / "segmentation_scores" / kind / f"seed_{seed}" / look / "images.csv"

    def predictions(self, kind: str) -> Path:
        """Label maps of an example by the network of the first seed."""
        return self.folder / "segmentation_scores" / kind / "example.npz"
