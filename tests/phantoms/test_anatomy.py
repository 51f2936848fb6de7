"""Patients are deterministic, different and possible; findings change nothing else."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monai_harmonize.phantoms.anatomy import FINDINGS, sample_anatomy, sample_lesions


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_patient_is_a_function_of_seed_and_finding(seed: int) -> None:
    assert sample_anatomy(seed) == sample_anatomy(seed)
    without, ill = asdict(sample_anatomy(seed, "none")), asdict(sample_anatomy(seed, "cavity"))
    assert {name for name in without if without[name] != ill[name]} == {"finding", "lesions"}


@given(st.integers(0, 2**32 - 1), st.sampled_from(FINDINGS))
@settings(max_examples=100, deadline=None)
def test_label_says_whether_there_are_lesions_inside_the_lungs(seed: int, finding: str) -> None:
    anatomy = sample_anatomy(seed, finding)
    assert anatomy.label == (finding != "none") == bool(anatomy.lesions)
    for lesion in anatomy.lesions:
        assert lesion.side in (-1, 1)
        assert 0 < lesion.height < 1
        assert -1 < lesion.across < 1
        assert lesion.radius > lesion.wall >= 0


@given(st.integers(0, 2**32 - 1), st.sampled_from(FINDINGS))
@settings(max_examples=50, deadline=None)
def test_severity_changes_the_lesions_and_nothing_else(seed: int, finding: str) -> None:
    early, late = (sample_anatomy(seed, finding, severity) for severity in (1.0, 4.0))
    assert replace(late, lesions=early.lesions) == early
    for before, after in zip(early.lesions, late.lesions, strict=True):
        assert after.radius == 2 * before.radius
        assert after.wall == 2 * before.wall
        assert after.density == (min(4 * before.density, 1.0) if before.cloud else before.density)
        assert replace(after, radius=before.radius, wall=before.wall, density=before.density) == before


def test_population() -> None:
    patients = [sample_anatomy(seed) for seed in range(300)]
    assert 0.4 < np.mean([patient.label for patient in patients]) < 0.6
    assert {patient.finding for patient in patients} == set(FINDINGS)
    assert all((patient.breast > 0) == (patient.sex == "F") for patient in patients)
    widths = {sex: np.mean([p.lung_width for p in patients if p.sex == sex]) for sex in "FM"}
    assert widths["F"] < widths["M"]
    for name in ("lung_width", "lung_height", "fat", "heart_width", "field"):
        values = np.array([getattr(patient, name) for patient in patients])
        assert values.min() > 0
        assert values.std() > 0.03 * values.mean(), name


def test_findings_favour_the_upper_lobes() -> None:
    heights = [lesion.height for seed in range(60) for lesion in sample_anatomy(seed, "infiltrate").lesions]
    assert np.median(heights) < 0.4


def test_unknown_finding_is_refused() -> None:
    with pytest.raises(ValueError, match="'pneumothorax'"):
        sample_lesions(np.random.default_rng(0), "pneumothorax")  # type: ignore[arg-type]
