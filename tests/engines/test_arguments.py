"""Misspelt options of a bundle run."""

import json

import pytest

from monai_harmonize.data import InputError
from monai_harmonize.engines.arguments import known_arguments, unknown_options


@pytest.fixture
def files(tmp_path) -> list[str]:
    network = {"_target_": "UNet", "channels": 4}
    contents = {"train.json": {"epochs": 2, "network_def": network}, "overlay.json": {"extra": 1}}
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content))
    return [str(tmp_path / name) for name in contents]


def test_known_options_pass(files) -> None:
    known_arguments(["run", "--config_file", files[0], "--epochs", "3", "--network_def#channels", "8"])
    known_arguments(
        ["run", "--config_file", str(files), "--extra=3", "--network_def::norm", "batch", "--run_id", "run"]
    )
    known_arguments(["pytest", "--durations=15"])


@pytest.mark.parametrize("arguments", [["--epohcs", "3"], ["--epohcs=3"], ["--epohcs#a", "1"]])
def test_unknown_option_is_refused_with_the_valid_ones(files, arguments) -> None:
    with pytest.raises(InputError, match=r"epohcs.*Did you mean epochs\?.*network_def"):
        known_arguments(["run", "--config_file", files[0], *arguments])
    with pytest.raises(InputError, match="extra"):
        known_arguments(["run", f"--config_file={files[0]}", "--extra", "1"])


CONTENT = {
    "epochs": 2,
    "options": {},
    "weights": {"cycle": 10.0},
    "copied": "%network_def",
    "network_def": {"_target_": "UNet", "channels": [4, 8]},
    "train": {
        "trainer": {"_target_": "SupervisedTrainer", "max_epochs": "@epochs"},
        "handlers": [{"_target_": "StatsHandler"}],
        "made": {"_target_": "$lambda x: x"},
        "evaluator": {"_target_": "monai_harmonize.engines.HarmonizeEvaluator"},
    },
}


@pytest.mark.parametrize(
    "name",
    [
        "train#trainer#max_epochs",
        "train::trainer::amp",
        "train#handlers#0#name",
        "train#handlers#0#_disabled_",
        "train#made#anything",
        "train#evaluator#amp",
        "network_def#channels#1",
        "network_def#norm",
        "weights#cycle",
        "options#method",
    ],
)
def test_nested_options_that_stand_there_or_are_arguments(name: str) -> None:
    assert unknown_options(CONTENT, [name]) == {}


@pytest.mark.parametrize(
    ("name", "unknown", "valid"),
    [
        ("train#trainer#max_epoch", "train#trainer#max_epoch", "train#trainer#max_epochs"),
        ("train::trainr::max_epochs", "train#trainr", "train#trainer"),
        ("network_def#chanels", "network_def#chanels", "network_def#out_channels"),
        ("network_def#channels#2", "network_def#channels#2", "network_def#channels#1"),
        ("network_def#channels#first", "network_def#channels#first", "network_def#channels#0"),
        ("weights#cycles", "weights#cycles", "weights#cycle"),
        ("epohcs#a", "epohcs", "epochs"),
    ],
)
def test_nested_options_that_set_nothing(name: str, unknown: str, valid: str) -> None:
    (found, others), *more = unknown_options(CONTENT, [name, "epochs"]).items()
    assert found == unknown
    assert valid in others
    assert not more


def test_values_have_no_entries() -> None:
    assert unknown_options(CONTENT, ["epochs#a", "copied#channels"]) == {"epochs#a": [], "copied#channels": []}


def test_a_group_that_is_replaced_has_what_it_is_given() -> None:
    assert unknown_options(CONTENT, ["weights", "weights#identity"]) == {}


def test_the_message_names_what_was_meant(tmp_path) -> None:
    (tmp_path / "train.json").write_text(json.dumps(CONTENT))
    given = ["run", "--config_file", str(tmp_path / "train.json"), "--train#trainer#max_epoch", "3"]
    with pytest.raises(InputError, match=r"train#trainer#max_epoch\. Did you mean train#trainer#max_epochs\?"):
        known_arguments(given)
