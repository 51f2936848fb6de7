"""Looks of images as a model sees them: histograms on the scale of its network, and how far they lie apart."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.data.tolerant import first_cause
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.engines.weights import trained_settings
from monai_harmonize.label_app.modality_check import refuse_other_modality
from monai_harmonize.metrics.grey_level_distance import wasserstein_distance
from monai_harmonize.metrics.grey_level_histogram import grey_level_histogram
from monai_harmonize.metrics.site_reference_file import load_site_reference

__all__ = ["LOOK", "ImageLooks", "farthest_first", "load_look", "look_of_reference", "save_look"]

logger = logging.getLogger(__name__)

Look = NDArray[np.float64]
# Beside the weights: the look of the images that they were trained on.
LOOK = "look.json"
SCALE, BINS = (-1.0, 1.0), 256


class ImageLooks:
    """Histograms of images after a bundle's own preprocessing, each read once.

    Args:
        bundle: a model whose preprocessing ends within [-1, 1].
        weights: beside which its settings are noted; by default those that are served.

    Attributes:
        unreadable: why images could not be read, by path.
    """

    def __init__(self, bundle: Bundle, weights: Path | None = None) -> None:
        weights = weights or bundle.weights
        settings = trained_settings(weights) if weights.is_file() else {}
        self.parser = bundle.workflow("inference", [], {**settings, "input": None}).parser
        self.prepare = self.parser.get_parsed_content("preprocessing")
        self.bundle = bundle
        self.known: dict[Path, tuple[Any, Look | None]] = {}
        self.unreadable: dict[Path, str] = {}

    def look(self, image: Path) -> Look | None:
        """Histogram of a file or DICOM folder, ``(BINS,)``; ``None`` where it cannot be read.

        It is computed anew only when the file has changed.
        """
        stamp = stamp_of(image)
        if image not in self.known or self.known[image][0] != stamp:
            self.known[image] = (stamp, self.read(image))
        return self.known[image][1]

    def read(self, image: Path) -> Look | None:
        """Histogram of an image, of several in a folder their mean."""
        self.unreadable.pop(image, None)
        try:
            refuse_other_modality(self.bundle, image)
            self.parser["input"] = image
            items = self.parser.get_parsed_content("inputs", lazy=False).items
            ready = [self.prepare(item)["image"] for item in items]
            counted = [grey_level_histogram(one, bins=BINS, value_range=SCALE) for one in ready]
        except Exception as error:  # whatever a damaged file provokes
            self.unreadable[image] = first_cause(error)
            logger.warning("%s cannot be read and is never offered: %s", image.name, first_cause(error))
            return None
        mean: Look = np.mean(counted, axis=0)
        return mean

    def pooled(self, images: Iterable[Path]) -> Look:
        """Mean histogram of those that can be read.

        Raises:
            InputError: none can.
        """
        looks = [look for look in map(self.look, images) if look is not None]
        if not looks:
            raise InputError("no labelled image can be read, so that there is no look to compare with.")
        mean: Look = np.mean(looks, axis=0)
        return mean


def stamp_of(image: Path) -> Any:
    """What changes when a file, or a file of a folder, is replaced."""
    files = sorted(image.iterdir()) if image.is_dir() else [image] if image.exists() else []
    return [(file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files]


def farthest_first(looks: Mapping[str, Look | None], reference: Look) -> list[tuple[str, float]]:
    """Names and distances, the farthest first, equals by name; what has no look is left out.

    The distance is the 1-Wasserstein distance: the mean change of grey level, as a share of the scale, that brings one
    histogram to the other.
    """
    distances = [
        (name, float(wasserstein_distance(look, reference))) for name, look in looks.items() if look is not None
    ]
    return sorted(distances, key=lambda found: (-found[1], found[0]))


def look_of_reference(path: Path) -> Look:
    """Histogram of the mean cumulative distribution of a site, as ``histogram_cxr`` notes it beside its weights."""
    return grey_level_histogram(
        np.asarray(load_site_reference(path).channels[0].mean_cdf), bins=BINS, value_range=SCALE
    )


def save_look(look: Look, images: int, path: Path) -> None:
    """Write a look; the file appears whole or not at all."""
    content = {"value_range": SCALE, "images": images, "histogram": [float(f"{share:.6g}") for share in look]}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content) + "\n", encoding="utf-8")


def load_look(path: Path) -> Look:
    """Read what ``save_look`` wrote.

    Raises:
        InputError: the file is damaged.
    """
    try:
        histogram = np.asarray(json.loads(path.read_text(encoding="utf-8"))["histogram"], dtype=np.float64)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: is damaged; train again, or remove it.") from error
    if histogram.shape != (BINS,) or not np.isfinite(histogram).all() or histogram.min() < 0 or not histogram.any():
        raise InputError(f"{path}: holds no histogram of {BINS} shares; train again, or remove it.")
    return histogram
