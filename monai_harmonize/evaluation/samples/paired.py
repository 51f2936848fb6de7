"""Samples that have a right image, such as translated ones: measures of pairs of equal names, at full resolution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

import pandas as pd
from torch import Tensor
from tqdm import tqdm

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.formats import IMAGE_SUFFIXES
from monai_harmonize.data.tolerant import Failure, first_cause
from monai_harmonize.evaluation.images import Load, load_item
from monai_harmonize.evaluation.samples.images import Named, read_one
from monai_harmonize.metrics.paired_quality import PairedMeasure, paired_quality

__all__ = ["measure_pairs", "pairs_by_name"]


def pairs_by_name(samples: Named, truth: Named) -> list[tuple[int, int]]:
    """Numbers of samples and of their references: equal paths below their folders, whatever the format.

    Raises:
        InputError: two files of a set share a name, or no pair is found.
    """
    places = []
    for named in (samples, truth):
        stems = [without_suffix(name) for name in named.names]
        twice = sorted(stem for stem, count in Counter(stems).items() if count > 1)
        if twice:
            raise InputError(f"several files are called {twice[0]!r}, so pairs cannot be told apart; rename them.")
        places.append({stem: number for number, stem in enumerate(stems)})
    common = [stem for stem in places[0] if stem in places[1]]
    if not common:
        raise InputError(f"no reference has the name of a sample, such as {next(iter(places[0]))!r}; name pairs alike.")
    return [(places[0][stem], places[1][stem]) for stem in common]


def without_suffix(name: str) -> str:
    """Path of an image without the suffix of its format."""
    lowered = name.lower()
    suffix = next((each for each in IMAGE_SUFFIXES if lowered.endswith(each)), PurePosixPath(name).suffix)
    return name[: len(name) - len(suffix)]


def measure_pairs(
    samples: Named,
    truth: Named,
    measures: Mapping[str, PairedMeasure],
    load: Load = load_item,
    progress: bool = True,
) -> tuple[pd.DataFrame, list[Failure]]:
    """Every measure of every pair.

    Args:
        samples: the images.
        truth: their references.
        measures: by name. One that a pair does not allow, because the images are too small for it, is NaN there.
        load: reader of a record.
        progress: whether to show a progress bar.

    Returns:
        One row per pair that could be read: ``image``, ``patient`` and the measures; and what could not be.

    Raises:
        InputError: see ``pairs_by_name``.
    """
    rows, failures = [], []
    for number, other in tqdm(pairs_by_name(samples, truth), desc="Pairs", unit="pair", disable=not progress):
        item, reference = samples.items[number], truth.items[other]
        try:
            pair = read_one(item, load)[None], read_one(reference, load)[None]
            if pair[0].shape != pair[1].shape:
                sizes = ["x".join(map(str, each.shape[2:])) for each in pair]
                raise InputError(f"has {sizes[0]} pixels, its reference {reference['image']} {sizes[1]}")
        except (OSError, RuntimeError, ValueError) as error:
            failures.append(Failure(str(item["image"]), first_cause(error)))
            continue
        patient = reference.get("patient", item.get("patient", samples.names[number]))
        values = {name: value_of(measure, *pair) for name, measure in measures.items()}
        rows.append({"image": samples.names[number], "patient": str(patient), **values})
    return pd.DataFrame(rows, columns=["image", "patient", *measures]), failures


def value_of(measure: PairedMeasure, image: Tensor, reference: Tensor) -> float:
    """The measure of one pair; NaN where it has none."""
    try:
        return float(paired_quality(measure, image, reference))
    except InputError:
        return float("nan")
