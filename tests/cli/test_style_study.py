"""The style study as one command: what it writes, what it skips, what it refuses before the first step."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from monai_harmonize.cli.study.parallel import needed_stages
from monai_harmonize.cli.style_study.checks import check_style_study
from monai_harmonize.cli.style_study.command import chosen_sites
from monai_harmonize.cli.style_study.definition import DEFINITIONS, Sites, find_style_definition
from monai_harmonize.cli.style_study.settings import StyleStudy
from monai_harmonize.cli.style_study.stages import stages_of
from monai_harmonize.data import InputError
from monai_harmonize.data.manifest import Manifest, ManifestError, load_manifest
from monai_harmonize.phantoms import ensure_spine_dataset

STYLE = {"epochs": 1, "image_size": 16, "slices_per_volume": 1}
TINY = {
    "sites": {"home": "reference", "shifted": ["exported", "sharp"], "unseen": ["hardened"]},
    "slices": 2,
    "methods": {
        "xu": {"bundle": "adain_ct", "title": "Xu", "overlays": ["xu"], "train": STYLE},
        "adain": {"bundle": "adain_ct", "title": "Huang", "train": STYLE},
        "mechrez": {
            "bundle": "adain_ct",
            "title": "Mechrez",
            "overlays": ["contextual_transformation"],
            "train": STYLE,
        },
    },
    "extractors": {"vgg19": [], "densenet121": ["densenet121"]},
    "compare_extractors": ["adain"],
    "one_look_each": ["mechrez"],
    "segmentation": {
        "bundle": "spine_segmentation_ct",
        "title": "U-Net",
        "train": {"epochs": 1, "patch_size": [32, 32], "spacing": [10.0, 10.0, 10.0], "patches_per_volume": 1},
    },
    "augmentations": {
        "style_adain": {"title": "U-Net + styles", "overlays": ["style_augmented"], "style": "adain"},
        "tone_curve": {"title": "U-Net + curves", "overlays": ["tone_curve_augmented"]},
    },
}
LOOKS = ("reference", "exported", "sharp", "hardened")
SITES = Sites("reference", ("exported", "sharp"), ("hardened",))


@pytest.fixture(scope="session")
def spine_data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "spine"
    ensure_spine_dataset(
        folder, sites=LOOKS, anatomies_per_site={"train": 2, "validation": 1, "test": 2}, shape=(32, 32, 8),
        spacing=(10.0, 10.0, 10.0), workers=1, progress=False,
    )  # fmt: skip
    return folder


def written(folder: Path, content: object = TINY) -> Path:
    file = folder / "own.json"
    file.write_text(json.dumps(content))
    return file


def study(data: Path, folder: Path, **changed: object) -> StyleStudy:
    manifest = load_manifest(data / "manifest.csv").with_splits()
    definition = find_style_definition(str(written(folder)))
    return replace(StyleStudy(folder / "study", manifest, data, definition, SITES), **changed)


@pytest.fixture
def literal(spine_data: Path, tmp_path: Path) -> list[str]:
    """The command line."""
    options = {"--output": tmp_path / "study", "--dataset-dir": spine_data, "--definition": written(tmp_path)}
    given = [str(part) for pair in options.items() for part in pair]
    return [sys.executable, "-m", "monai_harmonize.cli", "style-study", *given, "--unseen", "hardened"]


@pytest.mark.long
def test_a_study_that_is_killed_goes_on_to_its_report(literal: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "study"
    first = subprocess.Popen(literal, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until(lambda: list(folder.glob("**/*.done.json")), first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    time.sleep(1)  # its workers end with it
    before = {path: path.stat().st_mtime_ns for path in folder.glob("**/*.done.json")}
    assert before

    done = subprocess.run(literal, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "steps were done before" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "min" in done.stderr
    assert "Table 1" in done.stdout
    assert "PHANTOM" not in done.stdout + done.stderr

    one = pd.read_csv(folder / "table1.csv").set_index("method")
    assert list(one.index) == ["raw", "xu", "adain", "mechrez"]
    assert one.loc["raw", "lpips"] == 0
    assert (one.loc[["xu", "adain", "mechrez"], "lpips"] > 0).all()
    assert one.loc["xu", "paper_cis"] == 0.124
    extractors = pd.read_csv(folder / "extractors.csv")
    assert list(extractors["extractor"].fillna("")) == ["", "vgg19", "vgg19", "vgg19", "densenet121"]
    assert extractors["lpips"].nunique() == 5
    two = pd.read_csv(folder / "table2.csv")
    assert list(two["look"]) == list(LOOKS) * 3
    assert list(dict.fromkeys(two["title"])) == ["U-Net", "U-Net + styles", "U-Net + curves"]
    # Test patients of all four sites, shown in every look.
    assert (two["patients"] == 8).all()
    page = (folder / "report.html").read_text()
    for word in ("Xu", "Huang", "U-Net + styles", "hardened (unseen)", "0.427", "69.81%", "no LPIPS"):
        assert word in page
    assert page.count("data:image/png;base64,") == 6
    assert 'src="http' not in page

    # What is gone is made again, with what follows from it; what is there stays.
    scores = folder / "segmentation_scores" / "plain" / "seed_0" / "sharp" / "images.csv"
    text = scores.read_text()
    scores.unlink()
    again = subprocess.run(literal, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "29 of 30 steps were done before." in again.stderr
    assert scores.read_text() == text
    pd.testing.assert_frame_equal(pd.read_csv(folder / "table2.csv"), two)


def until(true: Callable[[], object], process: subprocess.Popen) -> None:
    while not true():
        assert process.poll() is None
        time.sleep(0.1)


def test_steps_come_in_the_order_of_need(spine_data: Path, tmp_path: Path) -> None:
    every = study(spine_data, tmp_path, seeds=(0, 1))
    stages = stages_of(every)
    titles = [stage.title for stage in stages]
    assert len(set(titles)) == len({stage.mark for stage in stages}) == len(stages)
    needed = {titles[number]: {titles[other] for other in others} for number, others in needed_stages(stages).items()}
    assert needed["train U-Net + styles, seed 1"] == {"train Huang, vgg19"}
    assert needed["train U-Net + curves, seed 1"] == set()
    assert needed["judge Xu, vgg19"] == {
        "train Xu, vgg19", "train U-Net, seed 0", "train the classifier of looks"
    }  # fmt: skip
    assert sum(title.startswith("segment ") for title in titles) == 3 * (2 * 4 + 1)
    assert sum(title.startswith("judge ") for title in titles) == 5
    parts = {f"train Mechrez, vgg19, to {look}" for look in LOOKS[:3]}
    assert needed["judge Mechrez, vgg19"] > parts


def test_truth_is_of_the_same_patient_and_never_an_other_examination(spine_data: Path, tmp_path: Path) -> None:
    every = study(spine_data, tmp_path)
    home = {record["patient"] for record in every.home_cases()}
    assert {record["patient"] for record in every.cases("sharp")} == home
    assert {record["split"] for record in every.cases("sharp")} == {"truth"}
    assert len(every.tested("sharp")) == 8
    own = tuple(record for record in every.manifest.records if record["split"] != "truth")
    without = replace(every, manifest=Manifest(every.manifest.path, own))
    assert {record["split"] for record in without.cases("sharp")} == {"test"}
    assert not {record["patient"] for record in without.cases("sharp")} & home


def test_style_transfer_never_sees_a_test_image_nor_the_unseen_look(spine_data: Path, tmp_path: Path) -> None:
    seen = study(spine_data, tmp_path).records_of_styles()
    assert seen.sites == ["exported", "reference", "sharp"]
    assert sorted(record["split"] for record in seen.records) == ["train"] * 6 + ["validation"] * 3


def test_definitions_of_the_package_can_be_run(spine_data: Path, tmp_path: Path) -> None:
    names = sorted(path.stem for path in DEFINITIONS.glob("*.json"))
    assert names == ["xu2020"]
    for name in names:
        check_style_study(study(spine_data, tmp_path, definition=find_style_definition(name)))


def test_the_sites_that_are_named_count() -> None:
    assert chosen_sites(SITES, None, None, None, own=False) == SITES
    assert chosen_sites(SITES, None, None, None, own=True).unseen == ()
    assert chosen_sites(SITES, "a", ["b"], ["c"], own=True) == Sites("a", ("b",), ("c",))
    assert Sites("a", ("b", "c"), ("d",)).known == ("a", "b", "c")


def test_a_site_or_patient_that_is_missing_is_told(spine_data: Path, tmp_path: Path) -> None:
    every = study(spine_data, tmp_path)
    check_style_study(every)
    with pytest.raises(ManifestError, match="no site 'nowhere'"):
        check_style_study(replace(every, sites=Sites("reference", ("nowhere",))))
    first = min(record["patient"] for record in every.home_cases())
    few = tuple(
        record
        for record in every.manifest.records
        if (record["site"], record["split"]) != ("reference", "test") or record["patient"] == first
    )
    with pytest.raises(InputError, match="site reference, split test has 1 patient; expected two"):
        check_style_study(replace(every, manifest=Manifest(every.manifest.path, few)))
    unmarked = tuple(
        {key: value for key, value in record.items() if key != "mask" or record["site"] != "hardened"}
        for record in every.manifest.records
    )
    with pytest.raises(InputError, match="site hardened: none of 8 selected images has a mask"):
        check_style_study(replace(every, manifest=Manifest(every.manifest.path, unmarked)))
    one = next(record for record in unmarked if record["site"] == "hardened" and record["split"] == "test")
    partly = (one, *(record for record in every.manifest.records if record["image"] != one["image"]))
    with pytest.raises(InputError, match="1 of 8 images of site hardened have no mask"):
        check_style_study(replace(every, manifest=Manifest(every.manifest.path, partly)))
    untrained = tuple(r for r in every.manifest.records if (r["site"], r["split"]) != ("sharp", "train"))
    with pytest.raises(ManifestError, match="no row has site 'sharp', split 'train'"):
        check_style_study(replace(every, manifest=Manifest(every.manifest.path, untrained)))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seeds": (1, 1)}, "none twice"),
        ({"sites": Sites("reference", ())}, "--shifted"),
        ({"sites": Sites("reference", ("sharp",), ("sharp",))}, "name a site twice"),
        ({"sites": Sites("../up", ("sharp",))}, "may hold no path"),
    ],
)
def test_settings_that_cannot_be(spine_data: Path, tmp_path: Path, changed: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        study(spine_data, tmp_path, **changed)


def test_a_folder_holds_one_study(spine_data: Path, tmp_path: Path) -> None:
    every = study(spine_data, tmp_path)
    every.begin()
    every.begin()
    with pytest.raises(InputError, match="holds a study with style_seed 0, not 1"):
        replace(every, style_seed=1).begin()
    with pytest.raises(InputError, match="holds a study with sites"):
        replace(every, sites=Sites("reference", ("sharp",))).begin()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("slices", 0, "slices is 0; expected a number from 1"),
        ("slices", True, "expected a number from 1"),
        ("methods", {}, "one at least"),
        ("methods", {"../a": TINY["methods"]["xu"]}, "may hold no path"),
        ("methods", {"xu": {"bundle": "adain_ct", "epochs": 3}}, "unknown 'epochs'"),
        ("extractors", {"vgg19": "vgg19"}, "lists of overlays"),
        ("compare_extractors", ["nobody"], "names 'nobody'"),
        ("one_look_each", ["nobody"], "names 'nobody'"),
        ("compare_extractors", ["adain", "xu", "adain"], "compare_extractors names 'adain' twice"),
        ("one_look_each", ["mechrez", "mechrez"], "one_look_each names 'mechrez' twice"),
        ("augmentations", {"x": {"style": "mechrez"}}, "expected one of the methods xu, adain, whose"),
        ("sites", {"home": "a"}, "has no 'shifted'"),
        ("sites", {"home": "a", "shifted": [], "unseen": []}, "one at least"),
        ("augmentations", {"x": {"style": "nobody"}}, "style of x is 'nobody'; expected one of the methods xu, adain"),
        ("augmentations", {"plain": {}}, "another network"),
        ("further", 1, "unknown 'further'"),
        ("methods", {"xu": {"bundle": "adain_ct", "train": {"epochs": "$1"}}}, "train of xu holds '.1', which .* code"),
        ("segmentation", {"bundle": "x", "train": {"site": "@home"}}, "train of segmentation holds '@home'"),
        ("augmentations", {"x": {"train": {"seed": ["%a"]}}}, "train of x holds '%a'"),
    ],
)
def test_a_wrong_definition_is_named(tmp_path: Path, key: str, value: object, message: str) -> None:
    file = written(tmp_path, {**TINY, key: value})
    with pytest.raises(InputError, match=message) as error:
        find_style_definition(str(file))
    assert str(file) in str(error.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("segmentation", {"bundle": "adain_ct"}, "no entry 'mask_columns'"),
        ("segmentation", {**TINY["segmentation"], "train": {"epoks": 1}}, "epoks"),
        ("methods", {"xu": {**TINY["methods"]["xu"], "train": {"slices_per_volume": 0}}}, "slices_per_volume of Xu"),
        (
            "methods",
            {"xu": {**TINY["methods"]["xu"], "train": {"alpha": "strong"}}},
            "alpha of Xu .* expected a number",
        ),
        (
            "segmentation",
            {**TINY["segmentation"], "train": {"spacing": "abc"}},
            "spacing of U-Net .* is 'abc'; expected a list",
        ),
        ("segmentation", {**TINY["segmentation"], "train": {"spacing": [0, 5, 8]}}, r"U-Net .* spacing is \[0, 5, 8\]"),
        ("segmentation", {**TINY["segmentation"], "overlays": ["unet_3d"]}, "give a network of slices"),
        ("segmentation", {**TINY["segmentation"], "train": {"window": "lung"}}, "sees the window bone"),
        (
            "methods",
            {"xu": {**TINY["methods"]["xu"], "train": {"spacing": [1.0, 1.0, 10.0]}}},
            r"Xu sees the spacing \[1.0, 1.0, 10.0\] and the segmentation \[10.0, 10.0, 10.0\]; give both the same",
        ),
        ("methods", {"xu": {"bundle": "spine_segmentation_ct"}}, "no entry 'source_site'"),
        ("extractors", {"vgg19": [], "zz": ["zz"]}, "no configuration 'zz'"),
        ("augmentations", {"x": {"overlays": ["tone_curve_augmented"], "style": "xu"}}, "no entry 'style_checkpoint'"),
    ],
)
def test_what_a_bundle_lacks_is_told_before_any_training(
    spine_data: Path, tmp_path: Path, key: str, value: object, message: str
) -> None:
    content = {**TINY, "compare_extractors": ["xu"], "one_look_each": [], "augmentations": {}, key: value}
    definition = find_style_definition(str(written(tmp_path, content)))
    with pytest.raises(InputError, match=message):
        check_style_study(study(spine_data, tmp_path, definition=definition))


def test_one_window_may_be_named_or_given_and_slices_may_lie_apart(spine_data: Path, tmp_path: Path) -> None:
    train = {"window": [-500, 1300], "spacing": [10.0, 10.0, 3.0]}
    content = {**TINY, "methods": {"xu": {**TINY["methods"]["xu"], "train": train}}, "compare_extractors": ["xu"]}
    content |= {"one_look_each": [], "augmentations": {}}
    check_style_study(study(spine_data, tmp_path, definition=find_style_definition(str(written(tmp_path, content)))))


def test_the_command_tells_it_in_one_line(cli, spine_data: Path, tmp_path: Path) -> None:
    command = ("style-study", "--output", tmp_path / "study", "--dataset-dir", spine_data)
    done = cli(*command, "--definition", written(tmp_path), "--home", "nowhere")
    assert done.exit_code == 2
    assert "no site 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr
    weights = tmp_path / "nothing.pt"
    for option in ("--lpips-weights", "--inception-weights"):
        done = cli(*command, "--definition", written(tmp_path), option, weights)
        assert done.exit_code == 2
        assert "nothing.pt" in done.stderr
    assert not (tmp_path / "study" / "study.json").exists()
    assert not (tmp_path / "study" / "styles").exists()
