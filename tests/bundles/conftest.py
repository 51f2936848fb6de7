"""Data that tests of several bundles share."""

from pathlib import Path

import pytest

from monai_harmonize.phantoms import ensure_spine_dataset
from monai_harmonize.phantoms.default_data import SPINE_SITES


@pytest.fixture(scope="session")
def spine_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small volumes of the spine with label maps, one patient in every split of every site."""
    folder = tmp_path_factory.mktemp("spine") / "data"
    counts = {"train": 1, "validation": 1, "test": 1}
    options = {"sites": SPINE_SITES, "shape": (24, 24, 8), "spacing": (10.0, 10.0, 10.0), "workers": 1}
    ensure_spine_dataset(folder, anatomies_per_site=counts, progress=False, **options)
    return folder
