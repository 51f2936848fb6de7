"""Images for the commands."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def scans(chest_data: Path, tmp_path: Path) -> Path:
    """Three DICOM images in two folders."""
    folder = tmp_path / "scans"
    (folder / "deep").mkdir(parents=True)
    for number, path in enumerate(sorted((chest_data / "test" / "site_a").glob("*.dcm"))):
        shutil.copy(path, folder / ("deep" if number else ".") / path.name)
    return folder
