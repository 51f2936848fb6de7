"""The report from scores that were written down: tables, page, and what is refused."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_harmonize.data import InputError
from monai_harmonize.evaluation.style import run_style_report
from monai_harmonize.evaluation.style.examples import Examples, write_arrays
from monai_harmonize.evaluation.style.study import load_style_study

SETTINGS = {
    "manifest": "/somewhere/private/manifest.csv",
    "sites": {"home": "ours", "shifted": ["<b>", "theirs"], "unseen": ["new"]},
    "seeds": [0, 1],
    "style_seed": 7,
    "slices": 4,
    "lpips_weights": None,
    "inception_weights": None,
    "methods": {"xu": "Xu", "adain": "Huang"},
    "extractors": ["vgg19", "resnet50"],
    "networks": [["xu", "vgg19"], ["adain", "vgg19"], ["adain", "resnet50"]],
    "kinds": {"plain": "U-Net", "styled": "U-Net + styles"},
}
LOOKS = ("ours", "<b>", "theirs", "new")
QUALITY = {("plain", "<b>"): 0.5, ("styled", "<b>"): 0.65}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study.json").write_text(json.dumps(SETTINGS))
    study = load_style_study(tmp_path)
    study.look_accuracy.parent.mkdir()
    study.look_accuracy.write_text(json.dumps({"ours": 1.0, "<b>": 0.75, "theirs": 0.5}))
    image = np.random.default_rng(0).uniform(-1, 1, (12, 10)).astype(np.float32)
    by_look = dict.fromkeys(LOOKS[1:3], image)
    for place, network in enumerate(study.networks):
        rows = [
            {
                "way": way, "look": look, "image": f"{look}/{patient}.nii", "patient": f"MRN-{patient}",
                "lpips": 0.1 * place, "cis": 0.2 if way == "to" else np.nan, "recognized": 1.0,
                "ssim_truth": 0.9 - 0.1 * place, "mae_truth": 0.01, "mean_iou": np.nan if way == "to" else 0.7,
            }
            for way, look, patient in product(("to", "back"), LOOKS[1:3], range(3))
        ]  # fmt: skip
        file = study.table_of(network)
        file.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(file, index=False)
        Examples(image, by_look, by_look if place % 2 else {}, by_look).write(file.with_suffix(".npz"))
    for kind, seed, look in product(SETTINGS["kinds"], SETTINGS["seeds"], LOOKS):
        file = study.segmentation_scores(kind, seed, look)
        file.parent.mkdir(parents=True)
        level = QUALITY.get((kind, look), 0.8)
        rows = [
            {"image": f"{p}.nii", "patient": f"MRN-{p}", "pixel_accuracy": 0.9, "mean_iou": level + 0.01 * p}
            for p in range(3)
        ]
        pd.DataFrame(rows).to_csv(file, index=False)
    for kind in SETTINGS["kinds"]:
        labels = np.zeros((12, 10), dtype=np.int64)
        arrays = {f"{name}/{look}": labels for name in ("label", "seen") for look in LOOKS[1:]}
        write_arrays(study.predictions(kind), {**arrays, **{f"image/{look}": image for look in LOOKS[1:]}})
    return tmp_path


def test_tables_and_page(folder: Path) -> None:
    report = run_style_report(folder, resamples=50)
    row = report.segmentation.set_index(["kind", "look"]).loc["styled", "<b>"]
    assert row["regained"] == pytest.approx(0.5)
    assert (row["seeds"], row["patients"]) == (2, 3)
    assert list(report.table_1["method"]) == ["raw", "xu", "adain"]
    assert list(pd.read_csv(folder / "extractors.csv")["lpips"]) == pytest.approx([0, 0.1, 0.2, 0.3])
    page = report.report.read_text()
    assert "U-Net of ours loses 30 points of mean IoU on &lt;b&gt;; U-Net + styles regains 50% of them." in page
    assert "On &lt;b&gt;, a look whose style the methods learned, it loses 30.0 points" in page
    assert "<b>" not in page.replace("<b>Before", "")
    assert "75% of &lt;b&gt;" in page
    assert "+15.0" in page
    assert "+30.0" in page
    # Bars, three segmentations, methods, extractors of the method that has several.
    assert page.count("data:image/png;base64,") == 6
    assert "/somewhere" not in page
    assert "MRN" not in page


def test_the_same_seed_gives_the_same_bytes(folder: Path) -> None:
    pages = [run_style_report(folder, seed=seed, resamples=50).report.read_bytes() for seed in (0, 0, 1)]
    assert pages[0] == pages[1] != pages[2]


def test_what_is_missing_or_damaged_is_named(folder: Path) -> None:
    study = load_style_study(folder)
    table = study.segmentation_scores("plain", 1, "new")
    text = table.read_text()
    table.write_text(text.replace("mean_iou", "iou"))
    with pytest.raises(InputError, match=r"images.csv: has no column 'mean_iou'"):
        run_style_report(folder)
    table.write_bytes(b"")
    with pytest.raises(InputError, match=r"images.csv: is no table of scores"):
        run_style_report(folder)
    table.unlink()
    with pytest.raises(InputError, match=r"images.csv: does not exist; the same command"):
        run_style_report(folder)


@pytest.mark.parametrize("word", ["NA", "null"])
def test_any_word_can_name_a_patient(folder: Path, word: str) -> None:
    study = load_style_study(folder)
    tables = [study.table_of(network) for network in study.networks]
    tables += [study.segmentation_scores(*chosen) for chosen in product(SETTINGS["kinds"], SETTINGS["seeds"], LOOKS)]
    expected = run_style_report(folder, resamples=50)
    for table in tables:
        table.write_text(table.read_text().replace("MRN-0", word).replace(f"{LOOKS[1]}/0.nii", word))
    assert word in set(study.segmentations()["patient"])
    assert word in set(study.styles()["xu", "vgg19"]["image"])
    report = run_style_report(folder, resamples=50)
    assert set(report.segmentation["patients"]) == set(report.styles["patients"]) == {3}
    columns = ["mean_iou", "regained"]
    pd.testing.assert_frame_equal(report.segmentation[columns], expected.segmentation[columns])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"sites": 3}', json.dumps({**SETTINGS, "extractors": []})])
def test_damaged_settings_are_told(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match=r"study.json: does not exist; make the study"):
        load_style_study(tmp_path)
    (tmp_path / "study.json").write_text(content)
    with pytest.raises(InputError, match=r"study.json: holds no settings of a style study"):
        load_style_study(tmp_path)
