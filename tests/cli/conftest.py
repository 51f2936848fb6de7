"""Images for the commands."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

SHAPE = (56, 48)
# Contrast, brightness, blur and noise of each.
LOOKS = {
    "a": (0.35, 0.30, 0.0, 0.004),
    "b": (0.55, 0.40, 0.6, 0.010),
    "c": (0.45, 0.25, 1.2, 0.001),
    "stranger": (0.20, 0.60, 2.0, 0.030),
}


@pytest.fixture
def scans(chest_data: Path, tmp_path: Path) -> Path:
    """Three DICOM images in two folders."""
    folder = tmp_path / "scans"
    (folder / "deep").mkdir(parents=True)
    for number, path in enumerate(sorted((chest_data / "test" / "site_a").glob("*.dcm"))):
        shutil.copy(path, folder / ("deep" if number else ".") / path.name)
    return folder


def radiograph(site: str, seed: int) -> np.ndarray:
    """Grey levels on [0, 1]: two dark lungs between smooth random tissue."""
    contrast, brightness, blur, noise = LOOKS[site]
    rng = np.random.default_rng([seed, sorted(LOOKS).index(site)])
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] / np.array(SHAPE)[:, None, None]
    lungs = [np.exp(-(((rows - 0.5) / 0.3) ** 2) - ((columns - middle) / 0.14) ** 2) for middle in (0.28, 0.72)]
    tissue = gaussian_filter(rng.normal(size=SHAPE), 2) * 2.5
    body = rng.normal(1.3, 0.08) - 1.1 * sum(lungs) + 0.25 * tissue
    detected = gaussian_filter(body, blur) if blur else body
    return (brightness + contrast * (detected - 0.5) + rng.normal(0, noise, SHAPE)).clip(0, 1)


def saved_images(folder: Path, site: str, count: int, first: int = 0) -> Path:
    """Images of different patients, 16 bits."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(first, first + count):
        levels = (radiograph(site, seed) * 65535).round().astype(np.uint16)
        Image.fromarray(levels).save(folder / f"{site}{seed:03}.png")
    return folder


@pytest.fixture(scope="session")
def save_images() -> Callable[..., Path]:
    """Writer of images of three hospitals, ``a`` to ``c``, and of one that nobody knows, in no time."""
    return saved_images
