from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image as PILImage
from scipy.ndimage import gaussian_filter

Scene = NDArray[np.float64]
SHAPE = (44, 36)


def scene(seed: int) -> Scene:
    """Smooth random anatomy on [0, 1], rows first."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=SHAPE), 3)
    return (field - field.min()) / np.ptp(field)


def at_site(anatomy: Scene, site: str) -> Scene:
    """The same anatomy as two devices would show it: a dark and soft one, a bright one."""
    return 0.05 + 0.5 * anatomy**1.6 if site == "a" else 0.1 + 0.85 * anatomy**0.8


def save(path: Path, image: Scene) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PILImage.fromarray((image.clip(0, 1) * 65535).round().astype(np.uint16)).save(path)
    return path


@pytest.fixture
def save_image() -> Callable[[Path, Scene], Path]:
    return save


@pytest.fixture
def anatomy_of() -> Callable[[int], Scene]:
    return scene


@pytest.fixture
def render_at() -> Callable[[Scene, str], Scene]:
    return at_site


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Folder with a manifest of sites a and b: 6 test and 3 training images each, paired truth for a."""
    rows = []

    def add(site: str, split: str, seed: int, anatomy: str) -> None:
        file = f"{split}/{site}/{anatomy}.png"
        save(tmp_path / file, at_site(scene(seed), site))
        row = {"file": file, "site": site, "split": split, "patient": f"p{anatomy}", "anatomy": anatomy}
        rows.append(row)

    for index in range(6):
        add("a", "test", index, f"a{index}")
        add("b", "truth", index, f"a{index}")
        add("b", "test", 100 + index, f"b{index}")
    for index in range(3):
        add("a", "train", 200 + index, f"ta{index}")
        add("b", "train", 300 + index, f"tb{index}")
    pd.DataFrame(rows).to_csv(tmp_path / "manifest.csv", index=False)
    return tmp_path


Harmonizer = Callable[[Scene, Scene], Scene]


@pytest.fixture
def harmonize(study: Path, tmp_path: Path) -> Callable[[Harmonizer], Path]:
    """Writes harmonized files made by a function of the raw image and its paired truth."""

    def write(harmonizer: Harmonizer) -> Path:
        folder = tmp_path / "harmonized"
        for index in range(6):
            anatomy = scene(index)
            output = harmonizer(at_site(anatomy, "a"), at_site(anatomy, "b"))
            save(folder / "test" / "a" / f"a{index}.png", output)
        return folder

    return write
