"""The recipe for Montgomery and Shenzhen runs on folders of the published layout, here filled with phantoms."""

import json
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels

MANIFEST = Path("data_manifests/montgomery_shenzhen.csv")
DEFINITION = {
    "classifier": {
        "bundle": "tb_classification_cxr",
        "title": "DenseNet",
        "overlays": ["small_densenet"],
        "train": {"epochs": 1, "image_size": 64},
    },
    "methods": {"site_curve": {"bundle": "tone_curve_cxr", "title": "Site curve"}},
}


def phantom_pixels(chest_data: Path, site: str) -> dict[int, list[np.ndarray]]:
    """Images of a phantom site by label, 8 bit, bright = dense."""
    table = pd.read_csv(chest_data / "manifest.csv")
    load, scale = LoadRadiograph(), ScaleGreyLevels()
    pixels: dict[int, list[np.ndarray]] = {0: [], 1: []}
    for row in table[table["site"] == site].itertuples():
        image = np.asarray(scale(load(str(chest_data / row.file))))[0].T
        pixels[row.label].append(np.uint8(np.clip(127.5 * (image + 1), 0, 255)))
    return pixels


@pytest.fixture(scope="module")
def published_tree(chest_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All 800 files under the names that the downloads have; Shenzhen's as RGB, as they are reported to be."""
    root = tmp_path_factory.mktemp("nlm")
    table = pd.read_csv(MANIFEST, keep_default_na=False)
    for site, phantom in (("montgomery", "site_a"), ("shenzhen", "site_b")):
        supply = {label: cycle(images) for label, images in phantom_pixels(chest_data, phantom).items()}
        for row in table[table["site"] == site].itertuples():
            image = Image.fromarray(next(supply[row.label]))
            masks = [name for name in row.mask.split(";") if name]
            for name in (row.file, *masks):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
            (image.convert("RGB") if site == "shenzhen" else image).save(root / row.file)
            for name in masks:
                Image.new("L", image.size).save(root / name)
    return root


@pytest.mark.long
def test_the_whole_protocol_on_the_published_layout(command, published_tree: Path, tmp_path: Path) -> None:
    definition = tmp_path / "own.json"
    definition.write_text(json.dumps(DEFINITION))
    done = command(
        "protocol", "--manifest", MANIFEST, "--dataset-dir", published_tree, "--definition", definition,
        "--source-site", "montgomery", "--target-site", "shenzhen", "--one-direction", "--seed", "0",
        "--split", "train", "--split", "validation", "--split", "test", "--output", tmp_path / "study",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    table = pd.read_csv(tmp_path / "study" / "table2.csv").set_index("method")
    # As in the paper, all of Montgomery is tested; a harmonizer that saw its training part is called transductive.
    assert table.loc["raw", "images"] == 138
    assert table.loc["site_curve", "images"] == 138
    assert bool(table.loc["site_curve", "transductive"])
    assert table.loc["raw", "paper_auc"] == 0.73
    assert "montgomery" in (tmp_path / "study" / "report.html").read_text()
