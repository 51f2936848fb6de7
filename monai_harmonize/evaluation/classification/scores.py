"""Probabilities that a classifier gave to images, from CSV files that are checked against each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.classification.study import Study
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW, Direction

__all__ = ["ScoreSet", "Scores", "read_direction", "read_scores", "score_set"]

COLUMNS = ("image", "patient", "label", "probability")
# Probabilities of exactly 0 and 1 have no logit; float32 cannot tell others from them beyond this.
CLOSEST = 1e-7
# Digits of a number; whole ones of 310 and more have no float64, which pandas does not forgive.
LONGEST = 300
# Words for no number. For a name it is the empty cell only: a patient may be called "NA".
NO_NUMBER = ("", "NA", "N/A", "NaN", "nan", "null", "None")
NO_VALUE = {"image": ("",), "patient": ("",), "label": NO_NUMBER, "probability": NO_NUMBER}


@dataclass(frozen=True)
class Scores:
    """Probabilities of the finding.

    Args:
        images: names, in the order of the first file.
        patients: of the images.
        labels: 0 or 1, `(N,)`.
        probabilities: `(seeds, N)`.
    """

    images: tuple[str, ...]
    patients: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def mean_logits(self) -> NDArray[np.float64]:
        """Log odds of the finding, mean over seeds, `(N,)`: the scores of all classifiers as one."""
        inner = self.probabilities.clip(CLOSEST, 1 - CLOSEST)
        logits: NDArray[np.float64] = np.log(inner / (1 - inner)).mean(axis=0)
        return logits


@dataclass(frozen=True)
class ScoreSet:
    """All scores of one direction.

    Args:
        seeds: of the classifiers.
        own: on images of the classifier's own site, of other patients.
        others: by name, on the same images of the other site: raw first, then each method's.
        thresholds: of the classifiers, chosen at their own site, `(seeds,)`; None where none was chosen.
    """

    seeds: tuple[int, ...]
    own: Scores
    others: dict[str, Scores]
    thresholds: NDArray[np.float64] | None = None

    @property
    def all(self) -> dict[str, Scores]:
        """Own, raw, methods."""
        return {OWN: self.own, **self.others}


def read_direction(study: Study, direction: Direction) -> ScoreSet:
    """Scores of a direction, all methods and seeds.

    Raises:
        InputError: a file is missing (all of them are listed), cannot be read, or says other things than its
            neighbours about images, patients or labels.
    """
    names = (OWN, RAW, *(method.name for method in study.methods))
    files = {name: [study.scores(direction.target, seed, name) for seed in study.seeds] for name in names}
    thresholds = [study.threshold(direction.target, seed) for seed in study.seeds]
    if missing := [path for path in (*chain(*files.values()), *thresholds) if not path.is_file()]:
        listed = "\n  ".join(map(str, missing))
        raise InputError(f"{direction}: {len(missing)} files of the study are missing; score them first:\n  {listed}")
    return score_set(files, study.seeds, np.array([_threshold(path) for path in thresholds]))


def score_set(
    files: Mapping[str, Sequence[Path]], seeds: Sequence[int], thresholds: NDArray[np.float64] | None = None
) -> ScoreSet:
    """Scores from files by name, own and raw among them, one file per seed.

    Raises:
        InputError: as `read_scores`, or a method was scored on other images than raw.
    """
    own = read_scores(files[OWN])
    raw = read_scores(files[RAW])
    others = {RAW: raw}
    for name, paths in files.items():
        if name not in (OWN, RAW):
            others[name] = read_scores(paths, like=(files[RAW][0], raw))
    return ScoreSet(tuple(seeds), own, others, thresholds)


def read_scores(paths: Sequence[Path], like: tuple[Path, Scores] | None = None) -> Scores:
    """Scores of the same images by several seeds.

    Args:
        paths: one CSV file per seed, columns image, patient, label, probability.
        like: file and scores whose images, patients and labels these must have.

    Raises:
        InputError: a file cannot be read, lacks a column or has it twice, has an image twice, an unlabelled image,
            another label than 0 and 1, a probability that is NaN or outside [0, 1], fewer than two patients of a
            class, or disagrees with another file.
    """
    tables = {path: _table(path) for path in paths}
    first_path, first = like[0] if like else paths[0], _facts(like[1]) if like else next(iter(tables.values()))
    for path, table in tables.items():
        _agree(first_path, first, path, table)
    order = first.index
    labels = first["label"].to_numpy(np.int64)
    if len(set(labels.tolist())) < 2:
        raise InputError(
            f"{first_path}: all {len(labels)} images have label {labels[0]}; an ROC curve needs both classes"
        )
    for label, patients in first.groupby("label")["patient"]:
        if patients.nunique() < 2:
            raise InputError(f"{first_path}: one patient has label {label}; an interval needs two of each class")
    probabilities = np.stack([table.loc[order, "probability"].to_numpy(np.float64) for table in tables.values()])
    return Scores(tuple(order), tuple(first["patient"]), labels, probabilities)


def _facts(scores: Scores) -> pd.DataFrame:
    return pd.DataFrame({"patient": scores.patients, "label": scores.labels}, index=list(scores.images))


def _table(path: Path) -> pd.DataFrame:
    try:
        names = {"image": str, "patient": str}
        table = pd.read_csv(path, dtype=names, keep_default_na=False, na_values=NO_VALUE)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as CSV ({error}); expected columns {', '.join(COLUMNS)}") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(f"{path}: its lines hold more values than its first line has columns; expected one for each")
    if twice := [name for name in COLUMNS if f"{name}.1" in table.columns]:
        raise InputError(f"{path}: has the column {twice[0]} twice; which one counts?")
    if absent := [name for name in COLUMNS if name not in table.columns]:
        raise InputError(f"{path}: has no column {', '.join(absent)}; expected {', '.join(COLUMNS)}")
    if table.empty:
        raise InputError(f"{path}: holds no image; score at least one of each class")
    numbers = {name: _numbers(table[name]) for name in ("label", "probability")}
    refused = {
        "has no name": table["image"].isna(),
        "occurs twice": table["image"].duplicated(),
        "has no patient": table["patient"].isna(),
        "has no label; label it 0 or 1, or leave it out of all files": table["label"].isna(),
        "has another label than 0 and 1": table["label"].notna() & ~numbers["label"].isin((0, 1)),
        "has a probability that is no number in [0, 1]": ~numbers["probability"].between(0, 1),
    }
    for reason, rows in refused.items():
        if rows.any():
            row = int(np.flatnonzero(rows)[0])
            more = f" (and {int(rows.sum()) - 1} more)" * bool(rows.sum() > 1)
            raise InputError(f"{path}: line {row + 2}, image {table['image'][row]!r}{more}: {reason}")
    table["label"] = numbers["label"].astype(np.int64)
    table["probability"] = numbers["probability"]
    return table.set_index("image")


def _numbers(column: pd.Series) -> pd.Series:
    """Numbers of a column, NaN where there is none, or one that float64 does not hold."""
    return pd.to_numeric(column.where(column.astype(str).str.len() < LONGEST), errors="coerce")


def _agree(first_path: Path, first: pd.DataFrame, path: Path, table: pd.DataFrame) -> None:
    """Refuses files of which one has other images, labels or patients."""
    for names, where, other in (
        (first.index.difference(table.index), path, first_path),
        (table.index.difference(first.index), first_path, path),
    ):
        if len(names):
            raise InputError(f"{where}: lacks {len(names)} images that {other} has, the first {names[0]!r}; score all")
    for column in ("label", "patient"):
        differ = first.index[(table.loc[first.index, column] != first[column]).to_numpy()]
        if len(differ):
            here, there = (str(facts.loc[differ[0], column]) for facts in (table, first))
            raise InputError(
                f"{path}: image {differ[0]!r} has {column} {here!r}, in {first_path} it is {there!r}; both come from "
                "one manifest"
            )


def _threshold(path: Path) -> float:
    try:
        value = float(json.loads(path.read_text(encoding="utf-8"))["threshold"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f'{path}: holds no threshold; expected {{"threshold": 0.5}}') from error
    if not 0 <= value <= 1:
        raise InputError(f"{path}: the threshold is {value}; expected a probability in [0, 1]")
    return value
