"""Bars, their file and how they follow from honest images."""

import dataclasses
import json
from importlib.resources import files

import numpy as np
import pytest

from monai_harmonize.data.errors import InputError
from monai_harmonize.safety.calibration import RULES, Rule, calibrate_thresholds, least
from monai_harmonize.safety.measures import measure
from monai_harmonize.safety.thresholds import GUARANTEE_CLASSES, Bar, load_thresholds, save_thresholds

IMAGE = np.random.default_rng(0).random((40, 40)).astype(np.float32)
HONEST = measure(IMAGE, IMAGE).measures


def test_bar_of_both_kinds():
    upper, lower = Bar("at_most", 0.1, 0.2), Bar("at_least", 0.9, 0.5)
    assert [upper.verdict(v) for v in (0.1, 0.15, 0.2, 0.21, float("nan"))] == ["pass", "warn", "warn", "fail", "fail"]
    assert [lower.verdict(v) for v in (0.9, 0.5, 0.4, float("nan"))] == ["pass", "warn", "fail", "fail"]
    with pytest.raises(InputError, match="before it warns"):
        Bar("at_most", 0.2, 0.1)
    with pytest.raises(InputError, match="before it warns"):
        Bar("at_least", 0.5, 0.9)
    with pytest.raises(InputError, match="expected 'at_most'"):
        Bar("above", 0, 1)


def test_package_keeps_the_promises():
    thresholds = load_thresholds()
    assert set(thresholds.classes) == set(GUARANTEE_CLASSES) == set(RULES)
    assert "radiographs" in thresholds.calibrated_on
    assert thresholds.of("G0")["residual_rms"].fail == 0.002
    for name, rules in RULES.items():
        for judged, rule in rules.items():
            bar = thresholds.of(name)[judged]
            assert (bar.fail is None) == rule.only_warns, (name, judged)
            if rule.promise is not None:
                assert bar.fail == rule.promise, (name, judged)


def test_a_measure_without_a_promise_only_warns():
    bar = Rule(0.0, 0.01, only_warns=True).bar([0.02], margin=1.5)
    assert bar == Bar("at_most", 0.03, None)
    assert [bar.verdict(value) for value in (0.02, 0.5, float("nan"))] == ["pass", "warn", "fail"]


def test_file_round_trip(tmp_path):
    save_thresholds(load_thresholds(), tmp_path / "own.json")
    assert load_thresholds(tmp_path / "own.json") == load_thresholds()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"classes": {}}', "calibrated_on"),
        ('{"calibrated_on": "", "classes": {"G7": {}}}', "G7.*expected one of G0"),
        ('{"calibrated_on": "", "classes": {"G0": {"beauty": {}}}}', "beauty.*known: residual_rms"),
        ('{"calibrated_on": "", "classes": {"G0": {"ssim": {"kind": "at_least", "warn": 0.5}}}}', "fail"),
    ],
)
def test_wrong_files_name_the_entry(tmp_path, text, message):
    path = tmp_path / "own.json"
    path.write_text(text)
    with pytest.raises(InputError, match=f"own.json.*{message}"):
        load_thresholds(path)


def test_rules():
    assert Rule(0.0, 0.001).bar([0.01, 0.02], margin=1.5) == Bar("at_most", 0.03, 0.04)
    assert Rule(0.0, 0.001, 0.002).bar([0.0], margin=1.5) == Bar("at_most", 0.001, 0.002)
    assert Rule(0.0, 0.001, 0.002).bar([1.0], margin=1.5) == Bar("at_most", 0.002, 0.002)
    assert least(1.0, 0.01).bar([0.9, 0.99], margin=2) == Bar("at_least", 0.8, 0.8)
    assert least(1.0, 0.01, 0.98).bar([], margin=2) == Bar("at_least", 0.99, 0.98)


def test_every_honest_image_passes_the_bars_made_from_it():
    worse = dataclasses.replace(HONEST, filtered_residual_p999=0.3, residual_rms=0.1, gradient_agreement=0.99)
    made = calibrate_thresholds({"G0": [HONEST], "G1": [HONEST], "G2": [HONEST, worse]}, "two images")
    assert made.calibrated_on == "two images"
    for name in ("filtered_residual_p999", "residual_rms", "gradient_agreement"):
        assert made.of("G2")[name].verdict(getattr(worse, name)) == "pass"
        assert made.of("G4")[name] == made.of("G2")[name]
    assert made.of("G2")["residual_rms"] == Bar("at_most", 0.125, 0.2)
    assert made.of("G0")["residual_rms"] == Bar("at_most", 0.001, 0.002)


def test_calibration_needs_images():
    with pytest.raises(InputError, match="class G1"):
        calibrate_thresholds({"G0": [HONEST]}, "one image")
    for margin in (0.5, 2.5):
        with pytest.raises(InputError, match=f"margin is {margin}"):
            calibrate_thresholds({}, "", margin=margin)


def test_package_file_is_tidy():
    text = (files("monai_harmonize.safety") / "thresholds.json").read_text()
    assert json.dumps(json.loads(text), indent=4) + "\n" == text
