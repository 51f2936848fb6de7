"""The report of a harmonization with the scores of a classifier beside it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

# Of two ill and two healthy, ten times over: areas of 1, 1/2 and 3/4.
SCORES = {"own": (0.1, 0.2, 0.8, 0.9), "raw": (0.1, 0.8, 0.3, 0.5), "harmonized": (0.1, 0.4, 0.3, 0.5)}


@pytest.fixture(scope="module")
def harmonized(cli, chest_data: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a site curve made of the phantoms."""
    folder = tmp_path_factory.mktemp("harmonized")
    done = cli("harmonize", chest_data, "--checkpoint", model, "--pattern", "*.dcm", "--output", folder)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    files = {name: tmp_path / f"{name}.csv" for name in SCORES}
    for name, probabilities in SCORES.items():
        site = "b" if name == "own" else "a"
        images = [f"{site}/{number}.png" for number in range(40)]
        table = pd.DataFrame({"image": images, "patient": images, "label": [0, 0, 1, 1] * 10})
        table.assign(probability=probabilities * 10).to_csv(files[name], index=False)
    return files


def command(chest_data: Path, harmonized: Path, output: Path) -> tuple[object, ...]:
    manifest = chest_data / "manifest.csv"
    return ("evaluate", "--manifest", manifest, "--harmonized", harmonized, "--output", output)


def test_the_report_says_what_harmonization_is_worth_to_a_classifier(
    cli, chest_data: Path, harmonized: Path, tables: dict[str, Path], tmp_path: Path
) -> None:
    options = [part for name, path in tables.items() for part in (f"--{name}-scores", path)]
    done = cli(*command(chest_data, harmonized, tmp_path / "report"), *options)
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "report" / "classification.csv").set_index("method")
    np.testing.assert_allclose(table.loc[["own", "raw", "harmonized"], "auc"], [1, 0.5, 0.75])
    assert table.loc["harmonized", "recovered"] == pytest.approx(0.5)
    assert "ROC curves of one classifier" in (tmp_path / "report" / "report.html").read_text()


def test_without_scores_the_report_has_no_classifier(cli, chest_data: Path, harmonized: Path, tmp_path: Path) -> None:
    assert cli(*command(chest_data, harmonized, tmp_path / "report")).exit_code == 0
    assert not (tmp_path / "report" / "classification.csv").exists()
    assert "ROC curves" not in (tmp_path / "report" / "report.html").read_text()


def test_a_missing_table_is_named(
    cli, chest_data: Path, harmonized: Path, tables: dict[str, Path], tmp_path: Path
) -> None:
    asked = command(chest_data, harmonized, tmp_path / "report")
    done = cli(*asked, "--own-scores", tables["own"], "--raw-scores", tables["raw"])
    assert done.exit_code == 2
    assert "--harmonized-scores: is missing" in done.stderr
    absent = tmp_path / "nowhere.csv"
    done = cli(*asked, "--own-scores", tables["own"], "--raw-scores", tables["raw"], "--harmonized-scores", absent)
    assert done.exit_code == 2
    assert "nowhere.csv" in done.stderr
    assert not (tmp_path / "report").exists()
