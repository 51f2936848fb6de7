"""Samples of known classes as a manifest, so that a classifier can learn from them or be asked about them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from ignite.engine import Engine, Events

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.transforms.save_sample import sample_name

__all__ = ["SampleManifest"]

COLUMNS = ("file", "site", "label", "split")


class SampleManifest:
    """Handler that lists the samples of an evaluator's run with their classes.

    All of them are training images: what a generator draws tells nothing about patients, and is no test.

    Args:
        path: the CSV file, in the folder of the samples.
        site: what stands in the column of that name, so that samples are never taken for a hospital's images.
        key: entry of the samples, ``(1, W, H[, D])``, in the decollated output.
        label_key: entry of the decollated batch with the class.
        number_key: entry of the decollated batch with the number of the sample.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        site: str,
        key: str = "pred",
        label_key: str = "class",
        number_key: str = "number",
    ) -> None:
        self.path = Path(path)
        self.site = site
        self.key = key
        self.label_key = label_key
        self.number_key = number_key
        self.rows: list[tuple[str, str, int, str]] = []

    def attach(self, engine: Engine) -> None:
        """Collect after every batch, write at the end."""
        engine.add_event_handler(Events.STARTED, self.rows.clear)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.write)

    def collect(self, engine: Engine) -> None:
        """Note the samples of a batch."""
        for item, drawn in zip(engine.state.batch, engine.state.output, strict=True):
            name = sample_name(int(item[self.number_key]), drawn[self.key].ndim - 1)
            self.rows.append((name, self.site, int(item[self.label_key]), "train"))

    def write(self) -> None:
        """Write what was collected."""
        with atomic_path(self.path) as temporary, temporary.open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(self.rows)
