"""Verdict, record and refusals."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.safety.certificate import MAX_KNOTS, Provenance, certify, judge
from monai_harmonize.safety.hidden_code import HiddenCode
from monai_harmonize.safety.measures import measure
from monai_harmonize.safety.simulated_changes import DAMAGES, random_curve
from monai_harmonize.safety.thresholds import Bar, load_thresholds
from monai_harmonize.transforms import LoadRadiographd, ScaleGreyLevelsd

THRESHOLDS = load_thresholds()
CODE = HiddenCode(cycle_error=0.01, quantised=0.3, noisy=0.2, blurred=0.1, ratio=30.0, amplification=60.0)


def chest(seed=0, shape=(160, 128)):
    """Two dark fields in a bright body with ribs and noise, [0, 1], 8 bit."""
    columns, rows = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij")
    image = 0.75 - 0.3 * np.sin(columns * 2 * np.pi) ** 2 * np.sin(rows * np.pi)
    image += 0.06 * np.sin(rows * 60 + 4 * columns) + 0.01 * np.random.default_rng(seed).standard_normal(shape)
    return (np.rint(image.clip(0.05, 0.95) * 255) / 255).astype(np.float32)


def certified(source, output, guarantee_class="G0", **options):
    return certify(
        2 * source - 1,
        2 * output - 1,
        guarantee_class=guarantee_class,
        thresholds=THRESHOLDS,
        stored_levels=256,
        **options,
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31))
def test_every_increasing_curve_with_bounded_slopes_passes(seed):
    source = chest(seed)
    certificate = certified(source, random_curve(source, np.random.default_rng(seed), slope_range=(0.4, 2.5)))
    assert (certificate.verdict, certificate.reasons) == ("pass", ())


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("seed", range(4))
def test_every_damage_fails(damage, seed):
    source, generator = chest(seed), np.random.default_rng(seed)
    output = random_curve(source, generator, slope_range=(0.6, 1.6))
    certificate = certified(source, DAMAGES[damage](output, generator))
    assert certificate.verdict == "fail"
    assert all(reason.startswith(("fail: ", "warn: ")) for reason in certificate.reasons)


def test_inversion_fails_in_every_class():
    source = chest()
    for guarantee_class in THRESHOLDS.classes:
        certificate = certified(source, 1 - source, guarantee_class)
        assert certificate.verdict == "fail"
        assert any("rank correlation is -1" in reason for reason in certificate.reasons)


def test_hidden_code_fails():
    source = chest()
    certificate = certified(source, source, "G4", hidden_code=CODE)
    assert certificate.verdict == "fail"
    assert certificate.reasons == ("fail: hidden code amplification is 60; G4 allows at most 11",)
    assert certificate.hidden_code == CODE


def test_wrong_declared_curve_fails():
    source = chest()
    certificate = certified(source, source**1.5, declared_curve=([-1, 1], [-1, 1]))
    assert [reason.split(" is ")[0] for reason in certificate.reasons] == ["fail: declared curve rms"]


def test_curve_is_thinned_and_declared_slopes_are_told():
    source = chest()
    knots = np.array([-1.0, 0.0, 1.0])
    values = np.array([-1.0, -0.5, 1.0])
    output = np.interp(2 * source - 1, knots, values)
    certificate = certify(
        2 * source - 1,
        output,
        guarantee_class="G0",
        thresholds=THRESHOLDS,
        stored_levels=256,
        declared_curve=(knots, values),
    )
    assert certificate.declared_curve.slope_range == pytest.approx((0.5, 1.5))
    assert certificate.declared_curve.target_levels == pytest.approx((0, 0.25, 1))
    assert len(certificate.curve.source_levels) <= MAX_KNOTS
    levels = np.array(certificate.curve.source_levels)
    np.testing.assert_allclose(certificate.curve.target_levels, np.interp(levels, [0, 0.5, 1], [0, 0.25, 1]), atol=1e-5)
    assert certificate.curve.slope_range == pytest.approx((0.5, 1.5), abs=1e-2)


def test_scale_is_the_given_one_and_never_the_images():
    source, output = chest(), chest() ** 1.2
    one = certified(source, output)
    other = certify(
        4095 * source,
        4095 * output,
        guarantee_class="G0",
        thresholds=THRESHOLDS,
        stored_levels=256,
        grey_range=(0, 4095),
    )
    assert other.measures.residual_rms == pytest.approx(one.measures.residual_rms, abs=1e-6)
    assert other.measures.ssim == pytest.approx(one.measures.ssim, abs=1e-5)
    faint = certified(0.5 * source, 0.5 * output)
    assert faint.measures.ssim > one.measures.ssim  # half the contrast is half the difference


def test_json_says_all_and_holds_no_nan():
    source = chest()
    provenance = Provenance(file="a.png", bundle="b", version="1", weights_digest="0" * 64, polarity_turned=True)
    certificate = certified(source, source, spacing=(0.2, 0.3), provenance=provenance)
    record = json.loads(certificate.to_json())
    assert record["provenance"]["file"] == "a.png"
    assert record["shape"] == [160, 128]
    assert record["spacing"] == [0.2, 0.3]
    assert record["verdict"] == "pass"
    assert record["hidden_code"] is record["blob"] is record["declared_curve"] is None
    assert set(record["measures"]) == set(vars(certificate.measures))


def test_constant_image_warns_that_it_cannot_be_judged():
    flat = np.full((32, 32), 0.5, np.float32)
    certificate = certified(flat, flat)
    assert certificate.verdict == "warn"
    assert "could not be measured" in certificate.reasons[0]
    json.loads(certificate.to_json())


def test_failures_come_before_warnings():
    measures = measure(chest(), chest() ** 2, stored_levels=256).measures
    bars = {"ssim": Bar("at_least", 1.0, 0.0), "nmi": Bar("at_least", 3.0, 3.0)}
    verdict, reasons = judge(measures, bars, "G4")
    assert verdict == "fail"
    assert [reason[:9] for reason in reasons] == ["fail: nmi", "warn: ssi"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"harmonized": np.zeros((4, 5))}, r"shape \(4, 5\), its source \(160, 128\)"),
        ({"harmonized": np.full((160, 128), np.nan)}, "output holds NaN"),
        ({"source": np.full((160, 128), 200.0)}, "source leaves the scale"),
        ({"guarantee_class": "G9"}, "G9.*known: G0, G1"),
        ({"grey_range": (1.0, 1.0)}, "expected low < high"),
        ({"stored_levels": 1}, "stored_levels is 1"),
        ({"declared_curve": ([1, 0], [0, 1])}, "declared_curve"),
        ({"source": np.zeros(9), "harmonized": np.zeros(9)}, r"shape \(9,\)"),
    ],
)
def test_what_cannot_be_certified(change, message):
    options = {"source": chest(), "harmonized": chest(), "guarantee_class": "G0", "thresholds": THRESHOLDS} | change
    with pytest.raises(InputError, match=message):
        certify(options.pop("source"), options.pop("harmonized"), **options)


@pytest.mark.long
@pytest.mark.real_data
def test_real_radiographs(real_data):
    """Every 40th of them: curves pass, damages do not. Rates over more images: docs/certificate.md."""
    verdicts = {name: [] for name in ("honest", *DAMAGES)}
    for number, record in enumerate(load_manifest(real_data / "cxr_manifest.csv", real_data).records[::40]):
        item = ScaleGreyLevelsd("image")(LoadRadiographd("image")(dict(record)))
        source, generator = (np.asarray(item["image"])[0] + 1) / 2, np.random.default_rng(number)
        honest = random_curve(source, generator)
        outputs = {"honest": honest} | {name: damage(honest, generator) for name, damage in DAMAGES.items()}
        for name, output in outputs.items():
            verdicts[name].append(certified(source, output).verdict)
    assert set(verdicts.pop("honest")) == {"pass"}
    for name, found in verdicts.items():
        assert np.mean([verdict != "pass" for verdict in found]) > 0.95, name


@pytest.mark.parametrize(("correlation", "verdict"), [(0.4, "pass"), (-0.83, "warn"), (None, "pass")])
def test_an_image_that_looks_inverted_warns(correlation, verdict):
    options = {"guarantee_class": "G0", "thresholds": load_thresholds(), "grey_range": (0, 1)}
    provenance = Provenance(template_correlation=correlation, polarity_corrected=False)
    certificate = certify(chest(), chest(), **options, provenance=provenance)
    assert certificate.verdict == verdict
    told = [reason for reason in certificate.reasons if "looks inverted" in reason]
    assert len(told) == (verdict == "warn")
    assert all("-0.83" in reason for reason in told)
