"""What a client may set, and that nothing else reaches a configuration."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import Bundle, read_config
from monai_harmonize.inferers.traditional import METHODS
from monai_harmonize.label_app.displayed_options import chosen_options, displayed_options

OFFERED = {"project": ["none", "g0", "g1"], "alpha": 0.7}
BUNDLES = [Bundle(path.parents[1]) for path in sorted(Path("bundles").glob("*/configs/inference.json"))]


def test_only_what_a_client_sets_is_chosen() -> None:
    assert chosen_options(OFFERED, {}) == {}
    assert chosen_options(OFFERED, {"project": "g1", "alpha": 0.5, "client_id": "me"}) == {
        "project": "g1",
        "alpha": 0.5,
    }
    assert chosen_options(OFFERED, {"alpha": "0.25"}) == {"alpha": 0.25}
    # A client's form that nobody touched.
    assert chosen_options(OFFERED, OFFERED) == {}


@pytest.mark.parametrize("value", ["g2", "$import os", "", None, 1, ["g0"], {"g0": 1}])
def test_another_choice_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"project is .*expected one of none, g0, g1"):
        chosen_options(OFFERED, {"project": value})


@pytest.mark.parametrize("value", ["$1", "@alpha", "", "nan", "inf", None, True, [0.5], "%a", 10**400])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"alpha is .*expected a number"):
        chosen_options(OFFERED, {"alpha": value})


@given(st.dictionaries(st.sampled_from(["project", "alpha", "other"]), st.text() | st.integers() | st.floats()))
def test_no_text_of_a_client_reaches_a_configuration(request_: dict) -> None:
    try:
        chosen = chosen_options(OFFERED, request_)
    except InputError:
        return
    assert set(chosen) <= {"project", "alpha"}
    assert chosen.get("project", "none") in OFFERED["project"]
    assert isinstance(chosen.get("alpha", 1.0), float)


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.root.name)
def test_defaults_are_those_of_the_configuration(bundle: Bundle) -> None:
    content = read_config(bundle.config("inference"))
    for name, value in displayed_options(bundle).items():
        assert content[name] == (value[0] if isinstance(value, list) else value), json.dumps(name)


def test_bundles_display_what_they_have() -> None:
    displayed = {bundle.root.name: displayed_options(bundle) for bundle in BUNDLES}
    assert displayed["adain_ct"] == {"alpha": 1.0}
    for name in ("cyclegan_cxr", "pix2pix_cxr", "unit_cxr"):
        assert displayed[name] == {"project": ["none", "g0", "g1"]}
    assert sorted(displayed["histogram_cxr"]["method"]) == sorted(METHODS)
