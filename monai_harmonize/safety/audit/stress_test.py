"""Skewed classes: does a method move the disease along with the look of a site?

Source: Cohen, Luck, Honari, "Distribution Matching Losses Can Hallucinate Features in Medical Image Translation",
MICCAI 2018. A method that matches distributions learns to paint or remove lesions when only one site has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monai_harmonize.safety.audit.audit import Audit, Harmonize, Image, audit
from monai_harmonize.safety.audit.lesion_pairs import phantom_site, render_lesion_pairs
from monai_harmonize.safety.audit.rules import AuditRules

__all__ = ["SKEWS", "StressTest", "Train", "skewed_class_stress_test"]

Train = Callable[[Sequence[Image], Sequence[Image]], Harmonize]
# Share of patients with a lesion at the source and at the target.
SKEWS = ((1.0, 0.0), (0.0, 1.0))


@dataclass(frozen=True)
class StressTest:
    """A method trained on one skew.

    Args:
        source_prevalence: share of training patients with a lesion at the source.
        target_prevalence: the same at the target.
        audit: of what was trained, on other patients.
    """

    source_prevalence: float
    target_prevalence: float
    audit: Audit


def skewed_class_stress_test(
    train: Train,
    source_site: str = "site_a",
    target_site: str = "site_b",
    *,
    skews: Sequence[tuple[float, float]] = SKEWS,
    training_patients: int = 48,
    audited_patients: int = 24,
    size: int = 64,
    seed: int = 0,
    lesions: str = "conspicuous masses",
    rules: AuditRules | None = None,
) -> list[StressTest]:
    """Train a method on sites that differ in disease as well as in look, and audit every result.

    Args:
        train: gets training images of source and target, ``(columns, rows)`` on [-1, 1], and returns the harmonizer.
        source_site: name of a phantom site.
        target_site: name of another.
        skews: prevalence at source and target, one training each.
        training_patients: per site.
        audited_patients: of the source site; none was trained on.
        size: pixels per edge.
        seed: of the cohorts.
        lesions: kind, see ``render_lesion_pairs``.
        rules: see ``audit``.

    Raises:
        InputError: an unknown site or kind of lesion, or a prevalence outside [0, 1].
    """
    pairs = render_lesion_pairs(source_site, audited_patients, size=size, seed=3 * seed, lesions=lesions)
    tests = []
    for at_source, at_target in skews:
        source = phantom_site(source_site, training_patients, at_source, size=size, seed=3 * seed + 1, lesions=lesions)
        target = phantom_site(target_site, training_patients, at_target, size=size, seed=3 * seed + 2, lesions=lesions)
        tests.append(StressTest(at_source, at_target, audit(train(source, target), pairs, rules=rules)))
    return tests
