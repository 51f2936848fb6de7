"""The report of a harmonization with the scores of a classifier beside it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.classification.section import classification_section

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


def changed(text: str, *, line: int = 2, **cells: str) -> str:
    """A table with other cells in one line, counted from 1 as editors do."""
    lines = text.splitlines()
    names = lines[0].split(",")
    row = dict(zip(names, lines[line - 1].split(","), strict=True)) | cells
    lines[line - 1] = ",".join(row[name] for name in names)
    return "\n".join(lines) + "\n"


# What becomes of a good table, and what is told of it.
DAMAGES: dict[str, tuple[Callable[[str], str], str]] = {
    "empty": (lambda _: "", "cannot be read as CSV (No columns to parse from file); expected columns image, patient"),
    "only a header": (lambda text: text.splitlines()[0], "holds no image; score at least one of each class"),
    "a column missing": (lambda text: text.replace("probability", "score"), "has no column probability; expected"),
    "a column twice": (lambda text: text.replace("patient", "label", 1), "has the column label twice"),
    "semicolons": (lambda text: text.replace(",", ";"), "has no column image, patient, label, probability"),
    "a value too many": (lambda text: text.replace("\n", ",9\n").replace(",9", "", 1), "hold more values than its"),
    "a line twice": (lambda text: text + text.splitlines()[1] + "\n", "line 42, image 'a/0.png': occurs twice"),
    "no probability": (lambda text: changed(text, probability=""), "line 2, image 'a/0.png': has a probability that"),
    "NaN": (lambda text: changed(text, line=5, probability="nan"), "line 5, image 'a/3.png': has a probability that"),
    "infinity": (lambda text: changed(text, probability="inf"), "is no number in [0, 1]"),
    "text": (lambda text: changed(text, probability="high"), "is no number in [0, 1]"),
    "a percentage": (lambda text: changed(text, probability="42"), "is no number in [0, 1]"),
    "no label": (lambda text: changed(text, label=""), "line 2, image 'a/0.png': has no label; label it 0 or 1"),
    "a third class": (lambda text: changed(text, label="2"), "has another label than 0 and 1"),
    "a number without end": (lambda text: changed(text, label="9" * 400), "has another label than 0 and 1"),
    "one class": (lambda text: text.replace(",1,", ",0,"), "all 40 images have label 0"),
    "no patient": (lambda text: changed(text, patient=""), "line 2, image 'a/0.png': has no patient"),
    "another image": (lambda text: changed(text, image="x.png"), "lacks 1 images that"),
    "a null byte": (lambda text: changed(text, image="\0"), "raw.csv"),
}


@pytest.mark.parametrize(("damage", "told"), DAMAGES.values(), ids=list(DAMAGES))
def test_a_table_that_cannot_be_used_is_named_before_anything_is_measured(
    tables: dict[str, Path], damage: Callable[[str], str], told: str
) -> None:
    tables["raw"].write_text(damage(tables["raw"].read_text()))
    with pytest.raises(InputError) as error:
        classification_section(tables, "a", "b", resamples=20)
    assert str(tables["raw"]) in str(error.value)
    assert told in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"image,patient\n"])
def test_the_command_tells_of_such_a_table_in_one_message(
    cli, chest_data: Path, harmonized: Path, tables: dict[str, Path], tmp_path: Path, content: bytes
) -> None:
    tables["harmonized"].write_bytes(content)
    options = [part for name, path in tables.items() for part in (f"--{name}-scores", path)]
    done = cli(*command(chest_data, harmonized, tmp_path / "report"), *options)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {tables['harmonized']}: ")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_numpy_refuses_is_wrong_usage(cli, chest_data: Path, tmp_path: Path, seed: int) -> None:
    assert cli(*command(chest_data, tmp_path, tmp_path / "report"), "--seed", seed).exit_code == 2
