"""Shared fixtures."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import settings
from typer.testing import CliRunner

from monai_harmonize.cli import app
from monai_harmonize.phantoms import write_chest_dataset
from monai_harmonize.safety.thresholds import Bar, Thresholds, load_thresholds, save_thresholds

REAL_DATA = "MONAI_HARMONIZE_DATA"

# A shell without job control starts background jobs that ignore an interrupt, and so would every process of a test.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Two processes of the test runner share two cores; spinning threads would slow both down many times.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")

# `pytest --hypothesis-profile=thorough` looks for counterexamples much longer.
settings.register_profile("brief", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile("brief")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real radiographs; the test is skipped where it is absent."""
    folder = os.environ.get(REAL_DATA)
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"set {REAL_DATA} to the folder of real images to run this test")
    return Path(folder)


@pytest.fixture(scope="session")
def chest_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom data set: sites A and B, a few patients in every split."""
    folder = tmp_path_factory.mktemp("phantoms") / "chest"
    counts = {"train": 6, "validation": 2, "test": 3}
    write_chest_dataset(folder, sites=("site_a", "site_b"), anatomies_per_site=counts, size=64, workers=1)
    return folder


@pytest.fixture(scope="session")
def paired_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom data set whose patients of training and validation were examined at site A and B."""
    folder = tmp_path_factory.mktemp("phantoms") / "paired"
    options = {"sites": ("site_a", "site_b"), "size": 64, "shared": 1.0, "progress": False, "workers": 1}
    write_chest_dataset(folder, anatomies_per_site={"train": 3, "validation": 1, "test": 2}, **options)
    return folder


@pytest.fixture(scope="session")
def three_sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom data set of sites A, B and C."""
    folder = tmp_path_factory.mktemp("phantoms") / "three_sites"
    counts = {"train": 4, "validation": 1, "test": 1}
    sites = ("site_a", "site_b", "site_c")
    write_chest_dataset(folder, sites=sites, anatomies_per_site=counts, size=64, workers=1)
    return folder


@pytest.fixture(scope="session")
def everywhere_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small phantom data set whose patients were all examined at sites A, B and C."""
    folder = tmp_path_factory.mktemp("phantoms") / "everywhere"
    options = {"sites": ("site_a", "site_b", "site_c"), "size": 64, "shared": 1.0, "progress": False, "workers": 1}
    write_chest_dataset(folder, anatomies_per_site={"train": 2, "validation": 1, "test": 1}, **options)
    return folder


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess]:
    """Run a command as a user does."""
    return lambda *arguments, **options: subprocess.run(
        [sys.executable, "-m", "monai_harmonize.cli", *map(str, arguments)],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


@pytest.fixture(scope="session")
def cli() -> Callable[..., Any]:
    """Run a command in this process."""
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="session")
def model(chest_data: Path, cli, tmp_path_factory) -> Path:
    """Folder of a site curve that was fitted to phantoms."""
    folder = tmp_path_factory.mktemp("fit") / "model"
    sites = chest_data / "train" / "site_a", chest_data / "train" / "site_b"
    done = cli("fit", "--source", sites[0], "--target", sites[1], "--pattern", "*.dcm", "--output", folder)
    assert done.exit_code == 0, done.output
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
