"""The whole report on a study whose areas, recovered shares and inverted images are known."""

import base64
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.classification import ClassificationReport, run_classification_report
from monai_harmonize.evaluation.classification.scores import read_scores

AREAS = {"own": 0.95, "raw": 0.73, "cyclegan_cxr": 0.84, "unit_cxr": 0.73, "tone_curve_cxr": 0.90}
FILES = {"table1.csv", "table2.csv", "delong.csv", "per_image.csv", "rocs.csv", "report.html"}


@pytest.fixture(scope="module")
def made(whole_study: Path, tmp_path_factory: pytest.TempPathFactory) -> ClassificationReport:
    return run_classification_report(whole_study, tmp_path_factory.mktemp("report"), resamples=300, progress=False)


def test_areas_are_those_of_the_normal_distributions(made: ClassificationReport) -> None:
    for row in made.table_2.itertuples():
        # A standard error of two correlated trainings with 300 images of each class is below 0.02.
        assert row.auc == pytest.approx(AREAS[row.method], abs=0.035)
        assert row.auc_low < row.auc < row.auc_high
        assert row.auc_high - row.auc_low < 0.1
        assert (row.images, row.positives, row.patients, row.seeds) == (600, 300, 600, 2)


def test_the_recovered_share_is_that_of_the_areas(made: ClassificationReport) -> None:
    known = {name: (area - 0.73) / (0.95 - 0.73) for name, area in AREAS.items()}
    table = made.table_2.set_index(["target", "method"])
    for target in ("site_a", "site_b"):
        for method in ("cyclegan_cxr", "unit_cxr", "tone_curve_cxr"):
            row = table.loc[(target, method)]
            assert row["recovered"] == pytest.approx(known[method], abs=0.1)
            assert row["recovered_low"] < known[method] + 0.05
            assert row["recovered_high"] > known[method] - 0.05
            own, raw = (table.loc[(target, name), "auc"] for name in ("own", "raw"))
            assert row["recovered"] == pytest.approx((row["auc"] - raw) / (own - raw))
        assert table.loc[(target, "raw"), "loss"] == pytest.approx(0.22, abs=0.04)
        assert np.isnan(table.loc[(target, "raw"), "recovered"])


def test_tests_tell_what_helps_from_what_does_not(made: ClassificationReport) -> None:
    table = made.table_2.set_index(["target", "method"])
    for target in ("site_a", "site_b"):
        assert table.loc[(target, "cyclegan_cxr"), "p_raw_holm"] < 1e-6
        assert table.loc[(target, "unit_cxr"), "p_raw"] > 0.05
        assert table.loc[(target, "raw"), "p_own"] < 1e-6
    both = made.delong[made.delong["scores"] == "mean of seeds"]
    assert set(made.delong["scores"]) == {"mean of seeds", "seed 0", "seed 1"}
    assert both["paired"].tolist() == (both["second"] == "raw").tolist()
    assert (made.delong["p_holm"] >= made.delong["p_value"]).all()
    assert made.delong["statistic"].to_numpy() == pytest.approx(
        (made.delong["difference"] / made.delong["standard_error"]).to_numpy()
    )


def test_rates_are_those_at_the_threshold(made: ClassificationReport, whole_study: Path) -> None:
    tables = [pd.read_csv(whole_study / f"scores/site_b/seed_{seed}/cyclegan_cxr.csv") for seed in (0, 1)]
    right = [table["probability"] >= 0.5 for table in tables]
    row = made.table_2.set_index(["target", "method"]).loc[("site_b", "cyclegan_cxr")]
    for name, label in (("sensitivity", 1), ("specificity", 0)):
        expected = np.mean(
            [(called == label)[t["label"] == label].mean() for t, called in zip(tables, right, strict=True)]
        )
        assert row[name] == pytest.approx(expected)
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_inverted_images_are_named(made: ClassificationReport) -> None:
    turned = made.per_image[made.per_image["inverted"]]
    assert turned["method"].tolist() == ["unit_cxr"] * 4
    assert turned["inversion"].tolist() == ["global", "partial"] * 2
    names = [f"test/{site}/{site}-test-000{number}.png" for site in ("site_a", "site_b") for number in (0, 1)]
    assert turned["image"].tolist() == names
    page = made.report.read_text()
    assert f"UNIT inverts 2 of 6 images: {names[0]}, {names[1]} (in places)." in page
    assert 'class="bad">2 of 6' in page
    assert made.table_1.set_index(["source", "method"])["inverted"].to_dict() == {
        (site, method): 2 * (method == "unit_cxr")
        for site in ("site_a", "site_b")
        for method in ("cyclegan_cxr", "unit_cxr", "tone_curve_cxr")
    }


def test_similarity_is_of_the_files(made: ClassificationReport) -> None:
    table = made.per_image.groupby(["source", "method"])["ssim_to_input"]
    ours = made.table_1.set_index(["source", "method"])
    pd.testing.assert_series_equal(ours["ssim"].sort_index(), table.mean(), check_names=False)
    pd.testing.assert_series_equal(ours["ssim_sd"].sort_index(), table.std(), check_names=False)
    assert made.per_image.query("method == 'cyclegan_cxr'")["residual_rms"].max() < 1e-4
    assert ours.loc[("site_a", "cyclegan_cxr"), "paper_ssim"] == 0.737
    assert np.isnan(ours.loc[("site_a", "tone_curve_cxr"), "paper_ssim"])
    assert made.table_2.set_index(["target", "method"])["paper_auc"].loc["site_b"].tolist()[:4] == [
        0.95,
        0.73,
        0.84,
        0.81,
    ]
    # The paper has one direction, ours the other one, too.
    assert made.table_2.set_index("target")["paper_auc"].loc["site_a"].isna().all()
    assert ours["paper_ssim"].loc["site_b"].isna().all()


def test_curves_have_the_areas_of_the_table(made: ClassificationReport) -> None:
    table = made.table_2.set_index(["target", "method"])["auc"]
    for (target, method), points in made.rocs.groupby(["target", "method"]):
        area = np.trapezoid(points["sensitivity"], points["false_positive_rate"])
        assert area == pytest.approx(table[target, method], abs=1e-9)
        assert (points["sensitivity"].diff().dropna() >= -1e-12).all()
        assert points[["false_positive_rate", "sensitivity"]].iloc[[0, -1]].to_numpy().tolist() == [[0, 0], [1, 1]]


def test_the_page_holds_its_figures_and_the_files_hold_the_tables(made: ClassificationReport) -> None:
    folder = made.report.parent
    assert {path.name for path in folder.iterdir()} == FILES
    tables = {
        "table1": made.table_1,
        "table2": made.table_2,
        "delong": made.delong,
        "per_image": made.per_image,
        "rocs": made.rocs,
    }
    for name, table in tables.items():
        written = pd.read_csv(folder / f"{name}.csv")
        assert written.columns.tolist() == table.columns.tolist()
        numbers = table.select_dtypes("number").columns
        np.testing.assert_allclose(written[numbers], table[numbers].astype(float))
    page = made.report.read_text()
    assert "http" not in re.sub(r'base64,[^"]+', "", page)
    figures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(figures) == 1 + 2 * 3
    for data in figures:
        with Image.open(io.BytesIO(base64.b64decode(data))) as figure:
            assert figure.width > 500
            assert np.asarray(figure.convert("L")).std() > 10
    assert "Transductive, trained on the unlabelled test images as well: UNIT." in page
    assert Path(made) == made.report


def test_the_same_seed_gives_the_same_bytes(made: ClassificationReport, whole_study: Path, tmp_path: Path) -> None:
    again = run_classification_report(whole_study, tmp_path, resamples=300, progress=False)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == made.report.with_name(name).read_bytes(), name
    assert again.report == tmp_path / "report.html"


@pytest.fixture
def small_study(whole_study: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    for name in ("scores", "harmonized"):
        shutil.copytree(whole_study / name, tmp_path / name)
    study = json.loads((whole_study / "study.json").read_text())
    study |= {"manifest": str(whole_study / "data/manifest.csv"), "root": str(whole_study / "data")}
    (tmp_path / "study.json").write_text(json.dumps(study))
    return tmp_path


def change(path: Path, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    edit(pd.read_csv(path, dtype={"label": object})).to_csv(path, index=False)


def without_label(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(label=table["label"].where(table.index != 3))


BREAKS: list[tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = [
    (lambda table: table.iloc[1:], "unit_cxr.csv: lacks 1 images that .*raw.csv has, the first 'test/site_a"),
    (lambda table: pd.concat([table, table.iloc[:1]]), "unit_cxr.csv: line 602, image 'test/.*: occurs twice"),
    (without_label, "line 5, image .*: has no label; label it"),
    (lambda table: table.assign(label=2), r"line 2, image .* \(and 599 more\): has another label than 0 and 1"),
    (lambda table: table.assign(label=table["label"].astype(int).rsub(1)), "has label '1', in .*raw.csv it is '0'"),
    (lambda table: table.assign(patient="x"), "has patient 'x', in .*raw.csv it is 'PHANTOM"),
    (lambda table: table.assign(probability=np.nan), "has a probability that is no number"),
    (lambda table: table.assign(probability=1.5), "has a probability that is no number"),
    (lambda table: table.drop(columns="patient"), "has no column patient"),
    (lambda table: table.assign(patient=table["patient"].where(table.index != 3)), "line 5, image .*: has no patient"),
    (lambda table: table.assign(image=table["image"].where(table.index != 3)), "line 5, image nan: has no name"),
    (lambda table: table.assign(label=table["label"].where(table.index != 3, "NA")), "line 5, .*: has no label"),
    (lambda table: table.iloc[:0], "holds no image"),
]


@pytest.mark.parametrize(("edit", "words"), BREAKS)
def test_refuses_scores(small_study: Path, edit: Callable[[pd.DataFrame], pd.DataFrame], words: str) -> None:
    change(small_study / "scores/site_b/seed_1/unit_cxr.csv", edit)
    with pytest.raises(InputError, match=words):
        run_classification_report(small_study, progress=False, resamples=20)
    assert not (small_study / "report.html").exists()


@pytest.mark.parametrize("word", ["NA", "null", "nan", "None"])
def test_any_word_can_name_a_patient_and_an_image(tmp_path: Path, word: str) -> None:
    rows = [(word, "other", 1, 0.5), ("b.png", word, 0, 0.25), ("c.png", "third", 1, 0.75), ("d.png", "fourth", 0, 0.1)]
    file = tmp_path / "scores.csv"
    pd.DataFrame(rows, columns=["image", "patient", "label", "probability"]).to_csv(file, index=False)
    scores = read_scores([file])
    assert scores.images == (word, "b.png", "c.png", "d.png")
    assert scores.patients == ("other", word, "third", "fourth")
    assert scores.labels.tolist() == [1, 0, 1, 0]
    assert scores.probabilities.tolist() == [[0.5, 0.25, 0.75, 0.1]]


def test_refuses_one_class_a_missing_seed_and_a_bad_threshold(small_study: Path) -> None:
    beside = small_study / "scores/site_b"
    (beside / "seed_1/unit_cxr.csv").rename(beside / "kept.csv")
    with pytest.raises(InputError, match=r"(?s)1 files of the study are missing.*seed_1/unit_cxr.csv"):
        run_classification_report(small_study, progress=False)
    (beside / "kept.csv").rename(beside / "seed_1/unit_cxr.csv")
    (beside / "seed_0/threshold.json").write_text('{"threshold": 2}')
    with pytest.raises(InputError, match="the threshold is 2"):
        run_classification_report(small_study, progress=False)
    (beside / "seed_0/threshold.json").write_text('{"threshold": 0.5}')
    for seed in (0, 1):
        change(beside / f"seed_{seed}/own.csv", lambda table: table[table["label"] == "1"])
    with pytest.raises(InputError, match=r"own.csv: all 300 images have label 1"):
        run_classification_report(small_study, progress=False)


def test_refuses_a_missing_image(small_study: Path) -> None:
    path = small_study / "harmonized/site_a_to_site_b/unit_cxr/test/site_a/site_a-test-0002.png"
    path.unlink()
    with pytest.raises(InputError, match=r"unit_cxr: 1 images of site_a are missing: test/site_a/site_a-test-0002.png"):
        run_classification_report(small_study, progress=False, resamples=20)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"directions": [["site_a", "site_c"]]}, r"\['site_a', 'site_c'\] is not a pair"),
        ({"directions": ["site_a"]}, "'site_a' is not a pair"),
        ({"seeds": []}, "has no entry or an empty one for 'seeds'"),
        ({"methods": {"raw": {}}}, "a method is called 'raw'"),
        ({"methods": {"unit_cxr": {"guarantee_class": "G9"}}}, "has guarantee class 'G9'"),
        ({"methods": ["unit_cxr"]}, "methods is no object"),
    ],
)
def test_refuses_a_study(small_study: Path, entries: dict[str, object], words: str) -> None:
    study = json.loads((small_study / "study.json").read_text())
    (small_study / "study.json").write_text(json.dumps(study | entries))
    with pytest.raises(InputError, match=words):
        run_classification_report(small_study, progress=False)


def test_refuses_a_folder_without_a_study(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"study.json: no such file; a study is the folder"):
        run_classification_report(tmp_path)
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(InputError, match="is no JSON"):
        run_classification_report(tmp_path)
