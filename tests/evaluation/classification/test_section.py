"""The classifier as a section of the evaluation report."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation import run_evaluation
from monai_harmonize.evaluation.classification import classification_section
from monai_harmonize.metrics.delong import paired_auc_test


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    labels = np.arange(300) % 2
    made = {}
    shared = np.random.default_rng(0).normal(size=300)
    for place, (name, area) in enumerate({"own": 0.95, "raw": 0.72, "harmonized": 0.88}.items()):
        noise = np.random.default_rng(place + 1).normal(size=300)
        values = np.sqrt(2) * norm.ppf(area) * labels + (0.8 * shared + 0.6 * noise if name != "own" else noise)
        images = [f"{'b' if name == 'own' else 'a'}{number}.png" for number in range(300)]
        made[name] = tmp_path / f"{name}.csv"
        table = {"image": images, "patient": images, "label": labels, "probability": norm.cdf(values - 1)}
        pd.DataFrame(table).to_csv(made[name], index=False)
    return made


def test_the_section_tells_areas_test_and_share(files: dict[str, Path]) -> None:
    section = classification_section(files, "Clinic A", "Clinic B", resamples=300)
    rows = section.table.set_index("method")
    assert rows.loc["own", "auc"] == pytest.approx(0.95, abs=0.03)
    assert rows.loc["raw", "auc"] == pytest.approx(0.72, abs=0.06)
    tables = {name: pd.read_csv(path) for name, path in files.items()}
    test = paired_auc_test(tables["raw"]["label"], tables["harmonized"]["probability"], tables["raw"]["probability"])
    assert rows.loc["harmonized", "p_raw"] == pytest.approx(test.p_value)
    assert test.p_value < 0.001
    assert f"{rows.loc['harmonized', 'auc'] - rows.loc['raw', 'auc']:+.3f} against raw (p &lt; 0.001" in section.page
    assert f"{rows.loc['harmonized', 'recovered']:.0%} of the loss recovered" in section.page
    assert "number of methods" not in section.page
    assert len(re.findall(r'src="data:image/png;base64,', section.page)) == 1
    assert "Sensitivity</th>" not in section.page


def test_names_of_sites_are_escaped(files: dict[str, Path]) -> None:
    page = classification_section(files, "<b>A</b>", "B", resamples=20).page
    assert "<b>A</b>" not in page
    assert "&lt;b&gt;A" in page


def test_refuses_other_names_and_missing_files(files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=r"scores are given for \['own', 'raw'\]"):
        classification_section({name: files[name] for name in ("own", "raw")}, "A", "B")
    with pytest.raises(InputError, match=r"no such file: .*none.csv"):
        classification_section({**files, "raw": files["raw"].with_name("none.csv")}, "A", "B")


def test_one_patient_of_a_class_is_refused(files: dict[str, Path]) -> None:
    table = pd.read_csv(files["own"])
    table.loc[table["label"] == 1, "patient"] = "the same"
    table.to_csv(files["own"], index=False)
    with pytest.raises(InputError, match=r"own.csv: one patient has label 1; an interval needs two"):
        classification_section(files, "A", "B")


def test_the_evaluation_report_shows_it(whole_study: Path, files: dict[str, Path], tmp_path: Path) -> None:
    harmonized = whole_study / "harmonized/site_a_to_site_b/cyclegan_cxr"
    arguments = (whole_study / "data/manifest.csv", harmonized, tmp_path / "out", "site_a", "site_b")
    plain = run_evaluation(*arguments, resamples=20, progress=False)
    assert plain.classification is None
    page = plain.report.read_text()
    assert "Does a classifier of site_b" not in page
    assert "Measure the model, too." in page
    made = run_evaluation(*arguments, resamples=20, progress=False, classification=files)
    page = made.report.read_text()
    assert "Does a classifier of site_b work better on them?" in page
    assert "Measure the model, too." not in page
    assert made.classification is not None
    written = pd.read_csv(tmp_path / "out/classification.csv")
    assert written["auc"].tolist() == pytest.approx(made.classification["auc"].tolist())
    assert written["method"].tolist() == ["own", "raw", "harmonized"]
