"""The whole protocol as one command: what it writes, what it skips, what it refuses."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from monai_harmonize.cli.study.definition import DEFINITIONS, find_definition
from monai_harmonize.cli.study.settings import Study
from monai_harmonize.cli.study.stage import Stage
from monai_harmonize.cli.study.stages import harmonization, stages_of
from monai_harmonize.data import InputError
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.evaluation.classification.study_folder import Direction
from monai_harmonize.phantoms import write_chest_dataset
from monai_harmonize.safety.certificate_writer import TABLE_NAME

TINY = {
    "classifier": {
        "bundle": "tb_classification_cxr",
        "title": "DenseNet",
        "overlays": ["small_densenet"],
        "train": {"epochs": 1, "image_size": 64},
    },
    "methods": {
        "matching": {
            "bundle": "histogram_cxr",
            "title": "Histogram matching",
            "inference": {"method": "random_image"},
            "learns_from_source": False,
        },
        "curve": {"bundle": "tone_curve_cxr", "title": "Site curve"},
        "cyclegan": {
            "bundle": "cyclegan_cxr",
            "title": "CycleGAN",
            "train": {"epochs": 1, "val_interval": 1, "image_size": 32},
            "reverse": "inference_b2a",
        },
    },
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("definition") / "tiny.json"
    file.write_text(json.dumps(TINY))
    return file


@pytest.fixture(scope="session")
def labelled_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phantoms with two test patients of each class, the fewest that have an interval."""
    folder = tmp_path_factory.mktemp("phantoms") / "labelled"
    counts = {"train": 4, "validation": 2, "test": 4}
    write_chest_dataset(folder, sites=("site_a", "site_b"), anatomies_per_site=counts, size=64, workers=1)
    return folder


@pytest.mark.long
def test_a_study_from_nothing_to_its_report_and_again(cli, labelled_data: Path, tiny: Path, tmp_path: Path) -> None:
    command = ("protocol", "--output", tmp_path, "--dataset-dir", labelled_data, "--seed", "0", "--definition", tiny)
    done = cli(*command)
    assert done.exit_code == 0, done.stderr
    assert "Table 2" in done.stdout
    table = pd.read_csv(tmp_path / "table2.csv")
    assert len(table) > 0
    page = (tmp_path / "report.html").read_text()
    for title in ("Histogram matching", "Site curve", "CycleGAN"):
        assert title in page
    for site in ("site_a", "site_b"):
        scores = {path.stem for path in (tmp_path / "scores" / site / "seed_0").glob("*.csv")}
        assert scores == {"own", "raw", "matching", "curve", "cyclegan"}
    own, raw = (pd.read_csv(tmp_path / "scores" / "site_b" / "seed_0" / f"{name}.csv") for name in ("own", "raw"))
    assert own["image"].str.contains("site_b").all()
    assert raw["image"].str.contains("site_a").all()
    # One training of CycleGAN serves both directions, with the weights of each.
    assert not (tmp_path / "harmonizers" / "cyclegan" / "site_b_to_site_a").exists()
    used = {
        pd.read_csv(tmp_path / "harmonized" / way / "cyclegan" / TABLE_NAME)["weights_digest"].iloc[0]
        for way in ("site_a_to_site_b", "site_b_to_site_a")
    }
    assert len(used) == 2

    # Interrupted in the middle: what is gone is made again, what is there is not touched.
    shutil.rmtree(tmp_path / "harmonized" / "site_a_to_site_b" / "curve")
    (tmp_path / "harmonized" / "site_a_to_site_b" / "curve.done.json").unlink()
    weights = tmp_path / "classifiers" / "site_b" / "seed_0" / "model.pt"
    before = weights.stat().st_mtime_ns
    again = cli(*command)
    assert again.exit_code == 0, again.stderr
    assert "steps were done before" in again.stderr
    assert weights.stat().st_mtime_ns == before
    assert (tmp_path / "harmonized" / "site_a_to_site_b" / "curve" / TABLE_NAME).is_file()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "table2.csv"), table)

    other = cli(*command, "--transductive")
    assert other.exit_code == 2
    assert "choose another folder" in other.stderr


def study(chest_data: Path, tmp_path: Path, tiny: Path, **options: object) -> Study:
    directions = (Direction("site_a", "site_b"), Direction("site_b", "site_a"))
    manifest = load_manifest(chest_data / "manifest.csv")
    return Study(tmp_path, manifest, chest_data, find_definition(str(tiny)), directions, (0, 1), **options)


def test_steps_come_in_the_order_of_need(chest_data: Path, tmp_path: Path, tiny: Path) -> None:
    titles = [stage.title for stage in stages_of(study(chest_data, tmp_path, tiny))]
    assert len(titles) == len(set(titles))
    assert titles[0] == "train DenseNet on site_b, seed 0"
    assert sum("train DenseNet" in title for title in titles) == 4
    assert sum("train CycleGAN" in title for title in titles) == 1
    assert sum("train Site curve" in title for title in titles) == 2
    trained = titles.index("train CycleGAN, site_a to site_b and back")
    harmonized = titles.index("harmonize site_b to site_a by CycleGAN")
    classified = titles.index("classify site_b harmonized by CycleGAN by the network of site_a, seed 1")
    assert trained < harmonized < classified


def test_a_step_is_done_once_and_again_for_other_settings(tmp_path: Path) -> None:
    done = []
    for settings, runs in (({"rate": 1}, True), ({"rate": 1}, False), ({"rate": 2}, True)):
        stage = Stage("", tmp_path / "mark.json", lambda settings=settings: settings, lambda: done.append(1))
        assert stage.run() is runs
    assert len(done) == 2


def test_a_step_that_is_interrupted_while_it_is_done_in_another_way_was_not_done(tmp_path: Path) -> None:
    mark, table = tmp_path / "mark.json", tmp_path / "table.csv"
    Stage("", mark, lambda: {"rate": 1}, lambda: table.write_text("1") and None, (table,), table).run()

    def interrupted() -> None:
        assert not table.exists()
        table.write_text("2")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Stage("", mark, lambda: {"rate": 2}, interrupted, (table,), table).run()
    # What lies there now is not what the first settings gave.
    assert Stage("", mark, lambda: {"rate": 1}, lambda: table.write_text("1") and None, (table,), table).run()
    assert table.read_text() == "1"


def test_a_failed_step_leaves_no_mark(tmp_path: Path) -> None:
    stage = Stage("", tmp_path / "mark.json", dict, lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        stage.run()
    assert not stage.mark.exists()


def test_a_harmonized_image_that_is_gone_is_made_again(
    chest_data: Path, tmp_path: Path, tiny: Path, model: Path
) -> None:
    """Whatever the mark says; the others are not touched."""
    every = study(chest_data, tmp_path, tiny)
    way = every.directions[0]
    shutil.copytree(model, every.harmonizer_weights("curve", way).parent)
    stage = harmonization(every, "curve", way)
    assert stage.run()
    assert not stage.run()
    gone, *others = sorted(every.harmonized(way, "curve").rglob("*.dcm"))
    before, times = gone.read_bytes(), [path.stat().st_mtime_ns for path in others]
    assert len(others) == 2
    gone.unlink()
    assert stage.run()
    assert len(gone.read_bytes()) == len(before)
    assert [path.stat().st_mtime_ns for path in others] == times
    assert not stage.run()


def test_what_harmonizers_see(chest_data: Path, tmp_path: Path, tiny: Path) -> None:
    inductive, transductive = (study(chest_data, tmp_path, tiny, transductive=flag) for flag in (False, True))
    tested = {item["image"] for item in inductive.inputs(inductive.directions[0]).items}
    assert tested
    seen = {flag: records_seen(each) for flag, each in ((False, inductive), (True, transductive))}
    assert not tested & seen[False]
    assert tested <= seen[True]
    assert [inductive.method_settings(name)["transductive"] for name in TINY["methods"]] == [False, False, False]
    # What looks at the target site only is never transductive.
    assert [transductive.method_settings(name)["transductive"] for name in TINY["methods"]] == [False, True, True]
    for used in ("train", "validation"):
        every = study(chest_data, tmp_path, tiny, splits=(used, "test"))
        assert every.method_settings("curve")["transductive"]
        assert not every.method_settings("matching")["transductive"]


def records_seen(each: Study) -> set[str]:
    return {record["image"] for record in each.records_of_harmonizers().select(split="train")}


def test_definitions_of_the_package_name_bundles_and_options_that_exist() -> None:
    names = sorted(path.stem for path in DEFINITIONS.glob("*.json"))
    assert names == ["demo", "lee2020", "lee2020_paper"]
    for name in names:
        definition = find_definition(name)
        for model in (definition.classifier, *definition.methods.values()):
            bundle = model.find()
            assert set(model.train) <= bundle.entries("train", model.overlays)
            assert set(model.inference) <= bundle.entries("inference", model.configurations_of_inference)
            if model.reverse:
                bundle.config(model.reverse)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "no JSON object"),
        ("{", "no JSON file"),
        ('{"classifier": {"bundle": "x"}}', "'methods'"),
        ('{"classifier": {}, "methods": {}}', "classifier has no 'bundle'"),
        ('{"classifier": {"bundle": "x"}, "methods": {"a": {"bundle": "x", "epochs": 3}}}', "unknown 'epochs'"),
        ('{"classifier": {"bundle": "x"}, "methods": {"../a": {"bundle": "x"}}}', "may hold no path"),
    ],
)
def test_a_wrong_definition_is_named(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "own.json"
    file.write_text(content)
    with pytest.raises(InputError, match=message) as error:
        find_definition(str(file))
    assert str(file) in str(error.value)


def test_unknown_names_are_told_with_the_known_ones(cli, chest_data: Path, tmp_path: Path) -> None:
    done = cli("protocol", "--output", tmp_path / "x", "--dataset-dir", chest_data, "--method", "magic")
    assert done.exit_code == 2
    assert "magic" in done.stderr
    assert "cyclegan" in done.stderr
    done = cli("protocol", "--output", tmp_path / "x", "--dataset-dir", chest_data, "--definition", "nobody1999")
    assert done.exit_code == 2
    assert "lee2020" in done.stderr
