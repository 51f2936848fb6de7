"""Harmonized images of a direction against their inputs: similarity, histograms, edges that turned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.evaluation.cases import Item, pair_manifest
from monai_harmonize.evaluation.classification.study import Study
from monai_harmonize.evaluation.classification.study_folder import RAW, Direction
from monai_harmonize.evaluation.images import Image, Load, load_item, load_unit_image
from monai_harmonize.evaluation.measure import read_all
from monai_harmonize.metrics import gradient_agreement, grey_level_histogram, monotone_residual, structural_similarity
from monai_harmonize.metrics.inversion import NONE, measure_inversion
from monai_harmonize.safety.certificate_table import CertificateTable
from monai_harmonize.safety.certificate_writer import TABLE_NAME

__all__ = ["TARGET", "Pictures", "read_pictures"]

Array = NDArray[np.float64]
TARGET = "target"


@dataclass(frozen=True)
class Pictures:
    """The images of a direction.

    Args:
        direction: whose.
        sources: records of the source site by the image's name.
        harmonized: by method and image's name, the record of the output.
        targets: records of the target site.
        per_image: one row per method and image: `ssim_to_input`, `residual_rms`, `gradient_agreement`,
            `rank_correlation`, `flipped_edges`, `inversion` (none, partial, global), `inverted` and the certificate's
            `verdict` and `guarantee_class`, empty without one.
        histograms: mean histogram of raw, each method and the target, `(bins,)`.
    """

    direction: Direction
    sources: dict[str, Item]
    harmonized: dict[str, dict[str, Item]]
    targets: tuple[Item, ...]
    per_image: pd.DataFrame
    histograms: dict[str, Array]

    def load(self, name: str, image: str, load: Load = load_item) -> Image:
        """An image on [0, 1]; `name` is raw or a method's."""
        return load_unit_image(self.sources[image] if name == RAW else self.harmonized[name][image], load)


def read_pictures(
    study: Study, direction: Direction, manifest: Manifest, *, load: Load = load_item, progress: bool = True
) -> Pictures:
    """Measures all harmonized images of a direction.

    Raises:
        InputError: images of a method are missing or cannot be compared; all of them are named.
    """
    harmonized: dict[str, dict[str, Item]] = {}
    certificates: dict[str, Mapping[str, Mapping[str, str]]] = {}
    sources: dict[str, Item] = {}
    targets: tuple[Item, ...] = ()
    for method in study.methods:
        folder = study.harmonized(direction, method.name)
        pairing = pair_manifest(
            manifest,
            folder,
            root=study.root.absolute(),
            source_site=direction.source,
            target_site=direction.target,
            split=study.splits,
        )
        if pairing.missing:
            listed = ", ".join(pairing.missing[:5]) + ", ..." * (len(pairing.missing) > 5)
            raise InputError(
                f"{folder}: {len(pairing.missing)} images of {direction.source} are missing: {listed}. The study's "
                "monai-harmonize protocol command, given again, makes them again."
            )
        sources = {case.name: case.source for case in pairing.cases}
        harmonized[method.name] = {case.name: case.harmonized for case in pairing.cases}
        certificates[method.name] = CertificateTable(folder / TABLE_NAME).known()
        targets = pairing.targets
    rows_of, sums = _measured(sources, harmonized, load, progress)
    table = pd.DataFrame(rows_of)
    for column in ("verdict", "guarantee_class"):
        stated = [certificates[row.method].get(row.image, {}).get(column, "") for row in table.itertuples()]
        table[column] = stated
    histograms = {name: total / len(sources) for name, total in sums.items()}
    histograms[TARGET] = np.mean([grey_level_histogram(load_unit_image(item, load)) for item in targets], axis=0)
    return Pictures(direction, sources, harmonized, targets, table, histograms)


def _measured(
    sources: Mapping[str, Item], harmonized: Mapping[str, Mapping[str, Item]], load: Load, progress: bool
) -> tuple[list[dict[str, object]], dict[str, Array]]:
    def read(name: str) -> tuple[str, dict[str, Image]]:
        images = {RAW: load_unit_image(sources[name], load)}
        for method, items in harmonized.items():
            images[method] = load_unit_image(items[name], load)
            if (shape := images[method].shape) != images[RAW].shape:
                raise InputError(f"{items[name]['image']}: {shape} pixels, but its source has {images[RAW].shape}")
        return name, images

    rows: list[dict[str, object]] = []
    sums: dict[str, Array] = {}
    for name, images in read_all(sources, read, "Images", progress):
        for method, image in images.items():
            sums[method] = sums.get(method, 0) + grey_level_histogram(image)
            if method != RAW:
                rows.append({"method": method, "image": name, **_numbers(image, images[RAW])})
    return rows, sums


def _numbers(image: Image, raw: Image) -> dict[str, object]:
    turned = measure_inversion(image, raw)
    return {
        "ssim_to_input": structural_similarity(image, raw),
        "residual_rms": float(np.sqrt(np.mean(np.square(monotone_residual(image, raw))))),
        "gradient_agreement": gradient_agreement(image, raw),
        "rank_correlation": turned.rank_correlation,
        "flipped_edges": turned.flipped_edges,
        "inversion": turned.kind,
        "inverted": turned.kind != NONE,
    }
