"""What a study refuses before it trains or writes anything, and what it makes again."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from monai_harmonize.cli.messages import only_warnings
from monai_harmonize.cli.study.checks import check_bundles, check_kinds, check_labels, check_patients
from monai_harmonize.cli.study.definition import Model, find_definition
from monai_harmonize.cli.study.names import problem_of_name
from monai_harmonize.cli.study.settings import Study
from monai_harmonize.cli.study.stage import Stage
from monai_harmonize.data import InputError
from monai_harmonize.data.manifest import Manifest
from monai_harmonize.evaluation.classification.study_folder import Direction

MATCHING = {"bundle": "histogram_cxr"}


def definition_of(folder: Path, method: dict, name: str = "matching") -> Path:
    file = folder / "own.json"
    file.write_text(json.dumps({"classifier": {"bundle": "tb_classification_cxr"}, "methods": {name: method}}))
    return file


def records(source: str = "a", target: str = "b", **changed: object) -> tuple[dict, ...]:
    """Two images of both classes in every split of two sites."""
    return tuple(
        {"image": f"/{site}/{split}/{label}.png", "site": site, "split": split, "label": label, **changed}
        for site in (source, target)
        for split in ("train", "validation", "test")
        for label in (0, 1)
    )


def study(folder: Path, source: str = "a", target: str = "b", **changed: object) -> Study:
    return Study(
        folder=folder / "study",
        manifest=Manifest(folder / "manifest.csv", records(source, target, **changed)),
        root=folder,
        definition=find_definition(str(definition_of(folder, MATCHING))),
        directions=(Direction(source, target), Direction(target, source)),
        seeds=(0,),
    )


@pytest.mark.parametrize("name", ["..", ".", "../up", "/x", "a/b", "a\\b", "", " ", "a\nb", "$1/0", "@seed", "%x"])
def test_no_name_leads_out_of_the_study_or_becomes_code(tmp_path: Path, name: str) -> None:
    assert problem_of_name(name)
    with pytest.raises(InputError, match="call it otherwise") as error:
        study(tmp_path, name, "b")
    assert repr(name) in str(error.value)
    with pytest.raises(InputError, match="call it otherwise"):
        find_definition(str(definition_of(tmp_path, MATCHING, name)))


@pytest.mark.parametrize("name", ["site_a", "Site A", "Zürich 病院", "[a]", "a.b", "v1.0-$x"])
def test_ordinary_names_are_taken(tmp_path: Path, name: str) -> None:
    assert problem_of_name(name) is None
    assert name in study(tmp_path, name, "b").sites


def test_two_sites_need_two_names_and_two_folders(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="are both a; name two of the sites a"):
        study(tmp_path, "a", "a")
    with pytest.raises(InputError, match="--one-direction"):
        study(tmp_path, "a", "a_to_a")


@pytest.mark.parametrize("name", ["own", "raw"])
def test_no_method_takes_the_name_of_other_scores(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="name of other scores"):
        find_definition(str(definition_of(tmp_path, MATCHING, name)))


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (None, "no object of entries"),
        ("histogram_cxr", "no object of entries"),
        ({"bundle": 7}, "bundle of matching is 7; expected a text"),
        ({**MATCHING, "overlays": "filter"}, "overlays of matching is 'filter'; expected a list"),
        ({**MATCHING, "train": [1]}, "expected an object"),
        ({**MATCHING, "title": ["x"]}, "expected a text"),
        ({**MATCHING, "reverse": 1}, "text or null"),
        ({**MATCHING, "learns_from_source": "no"}, "true or false"),
    ],
)
def test_an_entry_of_another_kind_is_named(tmp_path: Path, method: dict, message: str) -> None:
    file = definition_of(tmp_path, method)
    with pytest.raises(InputError, match=message) as error:
        find_definition(str(file))
    assert str(file) in str(error.value)


@pytest.mark.parametrize("place", ["train", "inference"])
@pytest.mark.parametrize(
    "values",
    [
        {"epochs": "$__import__('os').system('touch run')"},
        {"seed": "@epochs"},
        {"seed": "  %other.json::seed"},
        {"loss_weights": {"cycle": ["$1"]}},
        {"device": {"_target_": "os.system", "command": "touch run"}},
        {"network_def#_target_": "os.system"},
        {"$x": 1},
    ],
)
def test_a_definition_holds_no_code(tmp_path: Path, place: str, values: dict) -> None:
    file = definition_of(tmp_path, {"bundle": "cyclegan_cxr", place: values})
    with pytest.raises(InputError, match=f"{place} of matching holds .* takes for code") as error:
        find_definition(str(file))
    assert str(file) in str(error.value)
    assert "overlays" in str(error.value)
    find_definition(str(definition_of(tmp_path, {"bundle": "cyclegan_cxr", place: {"seed": 1, "method": "a $ @ %"}})))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"learning_rate": "high"}, "learning_rate of Xu (bundle adain_ct) is 'high'; expected a number, as 0.0003."),
        ({"seed": [0]}, "seed of Xu (bundle adain_ct) is [0]; expected a number, as 0."),
        ({"alpha": float("nan")}, "alpha of Xu (bundle adain_ct) is nan; expected a number, as 1.0."),
        ({"channels_last": 1}, "channels_last of Xu (bundle adain_ct) is 1; expected true or false."),
        ({"layers": "relu2_1"}, "layers of Xu (bundle adain_ct) is 'relu2_1'; expected a list."),
        ({"loss_weights": 1}, "loss_weights of Xu (bundle adain_ct) is 1; expected an object of entries."),
        ({"spacing": "abc"}, "Xu (bundle adain_ct): spacing is 'abc'; expected null or three numbers"),
        ({"spacing": [-5, 5, 8]}, "Xu (bundle adain_ct): spacing is [-5, 5, 8]; expected null or three numbers"),
    ],
)
def test_values_of_another_kind_are_told_before_any_training(values: dict, message: str) -> None:
    with pytest.raises(InputError) as error:
        check_kinds(Model("adain_ct", "Xu", train=values))
    assert str(error.value).startswith(message)


def test_values_of_the_same_kind_are_taken() -> None:
    fine = {"learning_rate": 1, "seed": 3, "alpha": 0.5, "layers": ["relu1_1"], "window": [0, 100], "num_styles": 2}
    check_kinds(Model("adain_ct", "Xu", train={**fine, "spacing": [1, 1, 2], "network_def#num_blocks": 2}))
    with pytest.raises(InputError, match="spacing is None; expected three numbers"):
        check_kinds(Model("spine_segmentation_ct", "U-Net", train={"spacing": None}))


def test_a_study_compares_something(tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"classifier": {"bundle": "tb_classification_cxr"}, "methods": {}}))
    with pytest.raises(InputError, match="'methods' is empty"):
        find_definition(str(file))


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ({"bundle": "nobody"}, "nobody"),
        ({"bundle": "lung_segmentation_cxr"}, "no harmonizer"),
        ({**MATCHING, "train": {"epoks": 3}}, "epoks"),
        ({**MATCHING, "inference": {"methud": "nyul"}}, "methud"),
        ({**MATCHING, "train": {"network_def#methud": "nyul"}}, "no entry 'network_def#methud'"),
        ({**MATCHING, "train": {"train#trainr#max_epochs": 3}}, "Did you mean train#trainer?"),
        (
            {**MATCHING, "inference": {"postprocessing#transforms#9#keys": "pred"}},
            "no entry 'postprocessing#transforms#9'",
        ),
        ({**MATCHING, "overlays": ["zz"]}, "zz"),
        ({**MATCHING, "reverse": "zz"}, "zz"),
    ],
)
def test_what_a_bundle_lacks_is_told_before_any_training(tmp_path: Path, method: dict, message: str) -> None:
    check_bundles(find_definition(str(definition_of(tmp_path, MATCHING))))
    with pytest.raises(InputError, match=message):
        check_bundles(find_definition(str(definition_of(tmp_path, method))))


@pytest.mark.parametrize("value", [0, -1, 2.5, 3.0, "3", "many", None, True, float("nan"), [3]])
@pytest.mark.parametrize("name", ["epochs", "val_interval", "batch_size"])
def test_what_counts_nothing_is_told_before_any_training(tmp_path: Path, name: str, value: object) -> None:
    method = {"bundle": "cyclegan_cxr", "title": "CycleGAN", "train": {name: value}}
    with pytest.raises(InputError) as error:
        check_bundles(find_definition(str(definition_of(tmp_path, method))))
    told = f"{name} of CycleGAN (bundle cyclegan_cxr) is {value!r}; expected a whole number of 1 or more."
    assert str(error.value) == told
    for fine in (1, 60):
        check_bundles(find_definition(str(definition_of(tmp_path, {**method, "train": {name: fine}}))))


def test_epochs_of_a_classifier_or_an_overlay_are_checked_too(cli, chest_data: Path, tmp_path: Path) -> None:
    overlay, file = tmp_path / "short.json", definition_of(tmp_path, MATCHING)
    overlay.write_text(json.dumps({"epochs": 0}))
    content = json.loads(file.read_text())
    for classifier in ({"train": {"epochs": 0}}, {"overlays": [str(overlay)]}):
        file.write_text(json.dumps({**content, "classifier": {**content["classifier"], **classifier}}))
        done = cli("protocol", "--output", tmp_path / "x", "--dataset-dir", chest_data, "--definition", file)
        assert done.exit_code == 2
        assert done.stderr.startswith("error: epochs of classifier (bundle tb_classification_cxr) is 0; expected")
        assert not (tmp_path / "x" / "study.json").exists()


def test_labels_are_checked_before_any_training(tmp_path: Path) -> None:
    check_labels(study(tmp_path))
    with pytest.raises(InputError, match=r"manifest.csv: site b, split train: 2 of 2 .* have label 1"):
        check_labels(study(tmp_path, label=1))
    with pytest.raises(InputError, match=r"site b, split train: .* holds 'yes'"):
        check_labels(study(tmp_path, label="yes"))
    # The source site is tested, no classifier learns there.
    every = study(tmp_path)
    one_class = tuple(item for item in every.manifest.records if (item["site"], item["label"]) != ("a", 1))
    one_way = replace(every, manifest=replace(every.manifest, records=one_class), directions=every.directions[:1])
    with pytest.raises(InputError, match="site a, split test"):
        check_labels(one_way)


def test_a_classifier_is_tested_on_nobody_of_whom_it_learned(tmp_path: Path) -> None:
    """Each site is without overlap, in which the manifest sees nothing wrong."""
    every = study(tmp_path)
    named = [{**item, "file": item["image"], "patient": item["image"]} for item in every.manifest.records]

    def renamed(site: str, split: str, patient: str) -> Study:
        place = next(n for n, item in enumerate(named) if (item["site"], item["split"]) == (site, split))
        changed = [*named[:place], {**named[place], "patient": patient}, *named[place + 1 :]]
        return replace(every, manifest=replace(every.manifest, records=tuple(changed)))

    check_patients(replace(every, manifest=replace(every.manifest, records=tuple(named))))
    check_patients(renamed("a", "test", "/b/test/1.png"))
    for split in ("train", "validation"):
        with pytest.raises(InputError, match=rf"1 of the patients .* as in /b/{split}/1.png \(site b, split {split}"):
            check_patients(renamed("a", "test", f"/b/{split}/1.png"))
    # Nobody learns at the source site where one direction is studied.
    one_way = replace(renamed("b", "test", "/a/train/1.png"), directions=every.directions[:1])
    check_patients(one_way)
    with pytest.raises(InputError, match="of 1 of the patients"):
        check_patients(replace(one_way, directions=every.directions))


@pytest.mark.parametrize("content", [b'{\n    "sites"', b"[]", b"null", b"", b"\xff\xfe"])
def test_damaged_settings_are_told(tmp_path: Path, content: bytes) -> None:
    every = study(tmp_path)
    every.begin()
    every.begin()
    every.settings_file.write_bytes(content)
    with pytest.raises(InputError, match="remove it, or choose another --output") as error:
        every.begin()
    assert str(every.settings_file) in str(error.value)
    assert every.settings_file.read_bytes() == content


def test_a_manifest_that_changed_is_another_study(tmp_path: Path) -> None:
    study(tmp_path).begin()
    study(tmp_path, "c", "b").begin()  # a further site leaves what is known of the others
    with pytest.raises(InputError, match="other records of site"):
        study(tmp_path, polarity="inverted").begin()
    study(tmp_path).begin()


@pytest.mark.parametrize("content", [b'{"rate', b"", b"\xff"])
def test_a_step_with_a_damaged_mark_is_done_again(tmp_path: Path, content: bytes) -> None:
    done: list[int] = []
    stage = Stage("", tmp_path / "mark.json", lambda: {"rate": 1}, lambda: done.append(1))
    assert stage.run()
    stage.mark.write_bytes(content)
    assert stage.run()
    assert not stage.run()
    assert len(done) == 2


def test_a_step_whose_result_is_gone_is_done_again(tmp_path: Path) -> None:
    result = tmp_path / "scores.csv"
    stage = Stage("", tmp_path / "mark.json", dict, lambda: result.write_text("x"), (result,))
    assert stage.run()
    assert not stage.run()
    result.unlink()
    assert stage.run()
    assert result.is_file()


@pytest.mark.parametrize(
    ("before", "left"),
    [({"rate": 1}, "half"), ({"rate": 2}, None), ("damaged", None), (None, None)],
    ids=["same settings", "other settings", "damaged", "unknown"],
)
def test_a_step_goes_on_only_from_what_the_same_settings_left(tmp_path: Path, before: object, left: str | None) -> None:
    """A first run that was killed has left no mark of its end."""
    folder = tmp_path / "training"
    resume, found = folder / "resume.pt", []

    def work(killed: bool = False) -> None:
        found.append(resume.read_text() if resume.exists() else None)
        folder.mkdir(exist_ok=True)
        resume.write_text("half")
        if killed:
            raise KeyboardInterrupt

    def stage(settings: object, **options: bool) -> Stage:
        return Stage("", folder / "model.done.json", lambda: settings, lambda: work(**options), (resume,), folder)

    first = stage({"rate": 1} if before in ("damaged", None) else before, killed=True)
    with pytest.raises(KeyboardInterrupt):
        first.run()
    assert not first.mark.exists()
    if before == "damaged":
        first.begun.write_bytes(b'{"rate')
    if before is None:
        first.begun.unlink()
    again = stage({"rate": 1})
    assert again.run()
    assert found == [None, left]
    assert not again.begun.exists()
    assert not again.run()


def test_an_interruption_while_leftovers_are_removed_leaves_no_mark(tmp_path: Path, monkeypatch) -> None:
    """Half of what other settings left must not be gone on with, even by these other settings."""
    folder = tmp_path / "training"
    folder.mkdir()
    stage = Stage("", folder / "model.done.json", lambda: {"rate": 1}, lambda: 1 / 0, (), folder)
    with pytest.raises(ZeroDivisionError):
        stage.run()
    monkeypatch.setattr("monai_harmonize.cli.study.stage.shutil.rmtree", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        replace(stage, settings=lambda: {"rate": 2}).run()
    assert not stage.begun.exists()


@pytest.mark.parametrize("option", ["--seed", "--harmonizer-seed"])
@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_that_numpy_refuses_is_wrong_usage(
    cli, chest_data: Path, tmp_path: Path, option: str, seed: int
) -> None:
    done = cli("protocol", "--output", tmp_path / "x", "--dataset-dir", chest_data, option, seed)
    assert done.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_an_exception_is_told_once_and_without_its_traceback(capfd: pytest.CaptureFixture) -> None:
    logger = logging.getLogger("ignite.engine.engine.SupervisedTrainer")
    with only_warnings():
        logger.warning("a warning stays")
        logger.error("Engine run is terminating due to exception: an image is damaged")
        try:
            raise InputError("an image is damaged")
        except InputError:
            logger.exception("Exception")
    shown = capfd.readouterr().err
    assert "a warning stays" in shown
    assert "damaged" not in shown
    assert "Traceback" not in shown
