"""Options of another kind than their entry in the configuration."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.data import InputError
from monai_harmonize.engines.arguments import known_arguments
from monai_harmonize.engines.bundle import known_bundles
from monai_harmonize.engines.option_kinds import KINDS, wrong_kinds

CONTENT = {
    "epochs": 2,
    "seed": 0,
    "check_unit": True,
    "certificate_range": [0, 1],
    "learning_rate": 2e-4,
    "padding": -1500,
    "categories": [],
    "air": 0.1,
    "cache_rate": 1.0,
    "ema_decay": 0.9,
    "decay_from": "$@epochs // 2",
    "manifest": None,
    "label": None,
    "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    "loss_weights": {"cycle": 10.0},
    "site": "site_b",
    "network_def": {"_target_": "UNet", "channels": 4, "norm": "batch"},
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 1),
        ("epochs", "$2 + 3"),
        ("epochs", "@seed"),
        ("seed", 2**32 - 1),
        ("check_unit", False),
        ("certificate_range", (0, 5)),
        ("learning_rate", 1),
        ("learning_rate", 1e-9),
        ("padding", -2000),
        ("air", 0),
        ("cache_rate", 0),
        ("decay_from", 0),
        ("manifest", "list.csv"),
        ("manifest", None),
        ("label", 1),
        ("label", "[ill]"),
        ("device", "$torch.device('cpu')"),
        ("loss_weights#cycle", 5),
        ("loss_weights", {"cycle": 1}),
        ("site", "other"),
        ("network_def#channels", [4, 8]),
        ("network_def", "%other.json"),
        ("network_def", {"_target_": "Identity"}),
        ("categories", [2]),
        ("categories#0", 5),
        ("network_def#padding", "same"),
        ("train#anything", "abc"),
    ],
)
def test_fitting_values_pass(name: str, value: object) -> None:
    assert wrong_kinds(CONTENT, {name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("epochs", 0, "a whole number of at least 1"),
        ("epochs", 2.0, "a whole number of at least 1"),
        ("epochs", True, "a whole number of at least 1"),
        ("epochs", None, "a whole number of at least 1"),
        ("seed", "abc", "a whole number from 0 to 4294967295"),
        ("seed", -1, "a whole number from 0 to 4294967295"),
        ("seed", 2**32, "a whole number from 0 to 4294967295"),
        ("check_unit", "true", "True or False"),
        ("check_unit", 1, "True or False"),
        ("certificate_range", 5, "a list such as [0, 1]"),
        ("categories", 5, "a list"),
        ("loss_weights", "strong", "a group such as {'cycle': 10.0}"),
        ("learning_rate", 0, "a number above 0"),
        ("learning_rate", "x", "a number above 0"),
        ("padding", 0.5, "a whole number"),
        ("air", "nan", "a number"),
        ("air", float("inf"), "a number"),
        ("cache_rate", 1.5, "a number from 0 to 1"),
        ("ema_decay", 1.0, "a number of at least 0 and below 1"),
        ("decay_from", -1, "a whole number of at least 0"),
        ("manifest", 5, "a path; one that looks like a number is written ./5"),
        ("device", "gpu", "an expression such as \"$torch.device('cpu')\""),
        ("loss_weights#cycle", "strong", "a number"),
        ("loss_weights::cycle", "strong", "a number"),
    ],
)
def test_others_are_told_with_what_was_expected(name: str, value: object, expected: str) -> None:
    assert wrong_kinds(CONTENT, {name: value}) == [f"{name} is {value!r}; expected {expected}."]


@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_every_kind_answers_to_any_value(value: object) -> None:
    for kind in KINDS.values():
        assert isinstance(kind.fits(value), bool)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "$torch.device('cuda')"])
def test_a_device_that_is_not_there(device: str) -> None:
    (told,) = wrong_kinds(CONTENT, {"device": device})
    assert told.endswith("since PyTorch finds no CUDA device here.")


def test_the_defaults_of_all_bundles_are_of_their_kind() -> None:
    """And every name of the table is an entry somewhere, else it is misspelt."""
    used = set()
    for bundle in known_bundles():
        for path in bundle.root.glob("configs/*.json"):
            if path.stem != "metadata":
                content = json.loads(path.read_text())
                assert wrong_kinds(content, {k: v for k, v in content.items() if "#" not in k}) == []
                used |= content.keys()
    assert used >= KINDS.keys()


def test_the_command_line_is_read_as_monai_reads_it(tmp_path) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(CONTENT))
    start = ["run", "--config_file", str(path)]
    known_arguments([*start, "--epochs", "3", "--seed=5", "--certificate_range", "[1,2]", "--check_unit", "--site=a"])
    with pytest.raises(InputError, match=r"epochs is 5\.5; expected a whole number of at least 1\. seed is -1; "):
        known_arguments([*start, "--epochs", "5.5", "--seed=-1"])
    with pytest.raises(InputError, match="epochs is True"):
        known_arguments([*start, "--epochs"])
