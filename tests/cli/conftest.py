"""Images and verdicts for the commands."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monai_harmonize.safety.thresholds import Bar, Thresholds, load_thresholds, save_thresholds


@pytest.fixture
def scans(chest_data: Path, tmp_path: Path) -> Path:
    """Three DICOM images in two folders."""
    folder = tmp_path / "scans"
    (folder / "deep").mkdir(parents=True)
    for number, path in enumerate(sorted((chest_data / "test" / "site_a").glob("*.dcm"))):
        shutil.copy(path, folder / ("deep" if number else ".") / path.name)
    return folder


@pytest.fixture
def judged(tmp_path: Path) -> Callable[[str], Path]:
    """Overlay by which every G0 certificate gets one verdict."""

    def overlay(verdict: str) -> Path:
        reach = {"pass": (1e9, 1e9), "warn": (-1.0, 1e9), "fail": (-2.0, -1.0)}[verdict]
        own = load_thresholds()
        bars = {"clipped_pixels": Bar("at_most", *reach)}
        save_thresholds(Thresholds("a test", {**own.classes, "G0": bars}), tmp_path / f"{verdict}_thresholds.json")
        path = tmp_path / f"{verdict}.json"
        entry = {"postprocessing#transforms#0#thresholds": str(tmp_path / f"{verdict}_thresholds.json")}
        path.write_text(json.dumps(entry))
        return path

    return overlay
