import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.special import expit
from scipy.stats import norm

from monai_harmonize.phantoms import write_chest_dataset

SITES, SEEDS = ("site_a", "site_b"), (0, 1)
Grey = NDArray[np.float64]


def inverted(image: Grey) -> Grey:
    return 1 - image


def brighter(image: Grey) -> Grey:
    return 0.1 + 0.85 * image**0.8


def half_inverted(image: Grey) -> Grey:
    """Left side inverted, with a soft seam."""
    share = expit((np.arange(image.shape[1]) - 0.45 * image.shape[1]) / 2)
    return share * image + (1 - share) * (1 - image)


# What a method does to the images; `unit_cxr` fails on two of them.
METHODS: Mapping[str, Mapping[str, Any]] = {
    "cyclegan_cxr": {"title": "CycleGAN", "transductive": False, "guarantee_class": "G4", "harmonizer_seeds": [0]},
    "unit_cxr": {"title": "UNIT", "transductive": True, "guarantee_class": "G4", "harmonizer_seeds": [0]},
    "tone_curve_cxr": {"title": "Tone curve", "transductive": False, "guarantee_class": "G0", "harmonizer_seeds": [0]},
}
# Distance of the two classes' normal distributions: the area is Phi(d / sqrt 2).
AREAS = {"own": 0.95, "raw": 0.73, "cyclegan_cxr": 0.84, "unit_cxr": 0.73, "tone_curve_cxr": 0.90}


def binormal(labels: NDArray[np.int64], area: float, noise: Grey) -> Grey:
    """Probabilities with the wanted area; the shared noise correlates them between methods."""
    distance = np.sqrt(2) * norm.ppf(area)
    return expit(distance * (labels - 0.5) + noise)


Names = Mapping[str, list[str]]


def write_scores(folder: Path, names: Names, patients: Names, count: int) -> None:
    """Scores of both directions; `count` more patients without images fill the classes up."""
    for place, target in enumerate(SITES):
        source = SITES[1 - place]
        for seed in SEEDS:
            random = np.random.default_rng(100 * place)
            beside = folder / "scores" / target / f"seed_{seed}"
            beside.mkdir(parents=True)
            (beside / "threshold.json").write_text('{"threshold": 0.5}')
            for name, area in AREAS.items():
                site = target if name == "own" else source
                images = names[site] + [f"more/{site}_{number}.png" for number in range(count)]
                of = patients[site] + [f"more_{site}_{number}" for number in range(count)]
                labels = np.arange(len(images)) % 2
                if name in ("own", "raw"):
                    shared = random.normal(size=len(images))
                own_noise = np.random.default_rng(1000 * seed + 10 * place + len(name)).normal(size=len(images))
                noise = 0.9 * shared + np.sqrt(1 - 0.81) * own_noise
                table = {"image": images, "patient": of, "label": labels, "probability": binormal(labels, area, noise)}
                pd.DataFrame(table).to_csv(beside / f"{name}.csv", index=False)


@pytest.fixture(scope="session")
def whole_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two directions, two seeds, three methods; 6 phantom images per site and 600 scores in all."""
    folder = tmp_path_factory.mktemp("study")
    data = folder / "data"
    counts = {"train": 2, "validation": 0, "test": 6}
    write_chest_dataset(data, sites=SITES, anatomies_per_site=counts, size=96, workers=1, file_format="png")
    manifest = pd.read_csv(data / "manifest.csv", dtype=str)
    test = manifest[manifest["split"] == "test"]
    names = {site: test.loc[test["site"] == site, "file"].tolist() for site in SITES}
    patients = {site: test.loc[test["site"] == site, "patient"].tolist() for site in SITES}
    for source, target in (SITES, SITES[::-1]):
        for method in METHODS:
            for number, name in enumerate(names[source]):
                change: Callable[[Grey], Grey] = brighter
                if method == "unit_cxr" and number < 2:
                    change = (inverted, half_inverted)[number]
                path = folder / "harmonized" / f"{source}_to_{target}" / method / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with Image.open(data / name) as image:
                    grey = np.asarray(image).astype(float)
                    top = 65535 if grey.max() > 255 else 255
                    kind = np.uint16 if top > 255 else np.uint8
                Image.fromarray((change(grey / top).clip(0, 1) * top).round().astype(kind)).save(path)
    write_scores(folder, names, patients, 594)
    study = {
        "sites": list(SITES),
        "seeds": list(SEEDS),
        "methods": METHODS,
        "directions": [list(SITES), list(SITES[::-1])],
        "manifest": "data/manifest.csv",
        "root": "data",
        "splits": ["test"],
        "target_split": "train",
    }
    (folder / "study.json").write_text(json.dumps(study, indent=4))
    return folder
