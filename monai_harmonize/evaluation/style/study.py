"""What a style study holds, from its ``study.json`` and the tables that its steps left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.style.study_folder import RAW, StyleStudyFolder

__all__ = ["StyleStudy", "load_style_study"]

# The images as they are, among the networks.
UNCHANGED = (RAW, "")


@dataclass(frozen=True)
class StyleStudy(StyleStudyFolder):
    """A finished study.

    Args:
        folder: of the study.
        content: of ``study.json``.
    """

    content: Mapping[str, Any]

    @property
    def home(self) -> str:
        """Look of the segmentation's training."""
        return str(self.content["sites"]["home"])

    @property
    def looks(self) -> dict[str, str]:
        """All looks, home first, and how a page calls them."""
        sites = self.content["sites"]
        unseen = {site: f"{site} (unseen)" for site in sites["unseen"]}
        return {self.home: f"{self.home} (home)", **{site: site for site in sites["shifted"]}, **unseen}

    @property
    def networks(self) -> dict[tuple[str, str], str]:
        """Titles by method and extractor, the images as they are first."""
        titles = self.content["methods"]
        names = [(method, extractor) for method, extractor in self.content["networks"]]
        return {UNCHANGED: "No style transfer", **{name: f"{titles[name[0]]}, {name[1]}" for name in names}}

    @property
    def main(self) -> str:
        """Extractor of the comparison of methods."""
        return str(self.content["extractors"][0])

    def table_of(self, network: tuple[str, str]) -> Path:
        """Scores of one network."""
        return self.raw_scores if network == UNCHANGED else self.style_scores(*network)

    def styles(self) -> dict[tuple[str, str], pd.DataFrame]:
        """Scores by network."""
        columns = {"way", "look", "image", "patient", "lpips", "cis", "recognized", "ssim_truth", "mae_truth"}
        return {network: read_table(self.table_of(network), columns) for network in self.networks}

    def segmentations(self) -> pd.DataFrame:
        """Scores of all segmentation networks: ``kind``, ``seed`` and ``look`` beside the columns of an image."""
        columns = {"image", "patient", "pixel_accuracy", "mean_iou"}
        return pd.concat(
            [
                read_table(self.segmentation_scores(kind, seed, look), columns).assign(kind=kind, seed=seed, look=look)
                for kind in self.content["kinds"]
                for seed in self.content["seeds"]
                for look in self.looks
            ],
            ignore_index=True,
        )


def load_style_study(folder: Path) -> StyleStudy:
    """Read the settings of a study.

    Raises:
        InputError: there are none, or they are damaged.
    """
    file = StyleStudyFolder(folder).settings_file
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        study = StyleStudy(folder, content)
        _ = study.looks, study.networks, study.main, content["kinds"], content["seeds"]
    except FileNotFoundError as error:
        raise InputError(f"{file}: does not exist; make the study with monai-harmonize style-study.") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(f"{file}: holds no settings of a style study; remove it and run the study again.") from error
    return study


def read_table(file: Path, columns: set[str]) -> pd.DataFrame:
    """Scores of a step; names stay texts, also of a patient who is called "NA".

    Raises:
        InputError: the file is missing, or lacks a column.
    """
    try:
        names = dict.fromkeys(("look", "image", "patient"), str)
        table = pd.read_csv(file, dtype=names, keep_default_na=False, na_values=[""])
    except FileNotFoundError as error:
        raise InputError(f"{file}: does not exist; the same command of the study makes it.") from error
    except ValueError as error:  # pandas' errors of parsing are such
        raise InputError(f"{file}: is no table of scores; remove it, and the same command makes it again.") from error
    if missing := sorted(columns - set(table.columns)):
        raise InputError(f"{file}: has no column {missing[0]!r}; remove it, and the same command makes it again.")
    return table
