"""One image through a bundle's own inference, as the command line runs it, into a folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.formats import find_images
from monai_harmonize.data.tolerant import Failure
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.engines.plain_errors import input_error_in
from monai_harmonize.engines.weights import trained_settings
from monai_harmonize.label_app.modality_check import refuse_other_modality
from monai_harmonize.label_app.publication import settled

__all__ = ["Written", "run_inference"]

CERTIFICATES, PREDICTIONS = "*.certificate.json", "predictions.csv"
VERDICTS = ("pass", "warn", "fail")
# Nobody trains so fast that weights are replaced during one inference after the other.
TRIES = 3


@dataclass(frozen=True)
class Written:
    """What an inference left in a folder.

    Args:
        folder: the folder.
        settings: what stood beside the weights that made it.
    """

    folder: Path
    settings: Mapping[str, Any]

    @property
    def images(self) -> list[Path]:
        """Written images, sorted: one, or the slices of a DICOM series."""
        return find_images(self.folder)

    @property
    def certificates(self) -> list[dict[str, Any]]:
        """Content of the certificates, in the order of their files."""
        paths = sorted(self.folder.rglob(CERTIFICATES))
        return [json.loads(path.read_text(encoding="utf-8")) for path in paths]

    @property
    def verdict(self) -> str:
        """The worst of the certificates' verdicts."""
        verdicts = [str(certificate["verdict"]) for certificate in self.certificates]
        return max(verdicts, key=VERDICTS.index)

    @property
    def probabilities(self) -> list[tuple[float, bool]]:
        """Of every image its probability and whether that is above the threshold."""
        table = pd.read_csv(self.folder / PREDICTIONS)
        return [
            (float(probability), bool(above))
            for probability, above in zip(table["probability"], table["above_threshold"], strict=True)
        ]


def run_inference(bundle: Bundle, image: Path, output: Path, options: Mapping[str, Any]) -> Written:
    """Run ``inference.json`` with the overlays and settings noted beside the weights.

    Args:
        bundle: of ours.
        image: a file, or a folder with a DICOM series.
        output: folder of the results, new or empty.
        options: values of top-level entries.

    Returns:
        What was written.

    Raises:
        InputError: the bundle has no weights, they do not fit, an option is refused, the image is of another modality,
            or cannot be read, translated or written; the message tells the image by its name without its folder.
    """
    refuse_other_modality(bundle, image)
    for _ in range(TRIES):
        before, failure = settled(bundle.weights), None
        try:
            written = run_once(bundle, image, output, options)
        except Exception as error:  # whatever weights provoke that are replaced just now
            failure = error
        if settled(bundle.weights) == before:
            break
        shutil.rmtree(output, ignore_errors=True)  # a training replaced the weights meanwhile
    if failure is not None:
        raise failure
    return written


def run_once(bundle: Bundle, image: Path, output: Path, options: Mapping[str, Any]) -> Written:
    """As ``run_inference``, with weights and settings that nobody replaces meanwhile."""
    weights = bundle.weights
    if not weights.is_file():
        raise InputError(f"{bundle.root.name}: there are no trained weights yet; train it first, or put them there.")
    given: dict[str, Any] = {"checkpoint": str(weights), "output_dir": str(output), "input": image}
    if "panels" in bundle.entries("inference"):
        given["panels"] = "none"
    settings, overlays = trained_settings(weights), bundle.fitted_overlays(weights)
    workflow = bundle.workflow("inference", overlays, {**settings, **options, **given})
    evaluator = None
    try:
        workflow.initialize()
        evaluator = workflow.parser.get_parsed_content("evaluator")
        workflow.run()
    except Exception as error:
        failures = [] if evaluator is None else evaluator.failures
        cause = InputError("; ".join(map(told, failures))) if failures else input_error_in(error)
        if cause is None:
            raise
        raise cause from error
    if evaluator.failures:
        raise InputError("; ".join(map(told, evaluator.failures)))
    return Written(output, settings)


def told(failure: Failure) -> str:
    """A failure without the server's folders."""
    return str(failure).replace(f"{Path(failure.path).parent}{os.sep}", "")
