"""What an audit allows, and its verdict in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monai_harmonize.safety.audit.estimates import Rate
from monai_harmonize.safety.audit.false_lesions import LesionLike
from monai_harmonize.safety.thresholds import Bar, load_thresholds

if TYPE_CHECKING:
    from monai_harmonize.safety.audit.audit import Audit

__all__ = ["AuditRules", "judge"]

Finding = tuple[int, str, str]


def _amplification() -> Bar:
    return load_thresholds().of("G4")["hidden_code_amplification"]


@dataclass(frozen=True)
class AuditRules:
    """Bars. A rate fails when even the lower end of its interval is beyond what is allowed.

    Args:
        lesion_like: what counts as a lesion in a healthy lung.
        deleted_share: a lesion is deleted below this share of its visibility before and after the nearest curve.
        allowed_deletion: share of patients.
        allowed_false_lesions: share of healthy images.
        contrast_left: median share of the visibility; warns below the first, fails below the second, measured
            against the nearest curve.
        disagreement: warns where trainings differ by more than this share of the change they make.
        hidden_code: of the amplification, as in the certificate.
        fewest_lesions: warns where fewer lesions could be judged.
    """

    lesion_like: LesionLike = field(default_factory=LesionLike)
    deleted_share: float = 0.5
    allowed_deletion: float = 0.05
    allowed_false_lesions: float = 0.05
    contrast_left: tuple[float, float] = (0.8, 0.5)
    disagreement: float = 0.5
    hidden_code: Bar = field(default_factory=_amplification)
    fewest_lesions: int = 10


def judge(audit: Audit, rules: AuditRules) -> tuple[str, tuple[str, ...]]:
    """Verdict and reasons in words, failures first."""
    findings = sorted(_findings(audit, rules), key=lambda finding: finding[0])
    verdict = findings[0][1] if findings else "pass"
    return verdict, tuple(f"{verdict}: {words}" for _, verdict, words in findings)


def _fail(words: str) -> Finding:
    return 0, "fail", words


def _warn(words: str) -> Finding:
    return 1, "warn", words


def _findings(audit: Audit, rules: AuditRules) -> Iterator[Finding]:
    if audit.deletion.total < rules.fewest_lesions:
        yield _warn(
            f"only {audit.deletion.total} lesions could be judged, fewer than {rules.fewest_lesions}; "
            "audit more patients"
        )
    yield from _rate(audit.deletion, rules.allowed_deletion, "lesions were deleted")
    yield from _contrast(audit, rules)
    yield from _rate(audit.false_lesion_rate, rules.allowed_false_lesions, "healthy images got a false lesion")
    if audit.hidden_code is not None:
        value = audit.hidden_code.amplification
        verdict = rules.hidden_code.verdict(value)
        words = (
            f"an invisible disturbance is {value:.1f} times larger after the way back, "
            f"above {rules.hidden_code.warn:g}: the cycle may hide its input"
        )
        if verdict != "pass":
            yield _fail(words) if verdict == "fail" else _warn(words)
    if audit.disagreement is not None and audit.disagreement.relative > rules.disagreement:
        yield _warn(
            f"{audit.disagreement.members} trainings differ by {audit.disagreement.relative:.0%} of the change they "
            f"make, more than {rules.disagreement:.0%}"
        )


def _rate(rate: Rate, allowed: float, words: str) -> Iterator[Finding]:
    told = (
        f"{rate.count} of {rate.total} {words} ({rate.share:.0%}, 95% interval {rate.low:.0%} to {rate.high:.0%}); "
        f"allowed {allowed:.0%}"
    )
    if rate.total and rate.low > allowed:
        yield _fail(told)
    elif rate.share > allowed:
        yield _warn(told)


def _contrast(audit: Audit, rules: AuditRules) -> Iterator[Finding]:
    """A curve may flatten or steepen a lesion; what it cannot do is judged harder than what it can."""
    warn, fail = rules.contrast_left
    left = audit.against_curve
    if left is not None and left.estimate < warn:
        told = (
            f"lesions keep {left.estimate:.0%} (median, 95% interval {left.low:.0%} to {left.high:.0%}) of the "
            f"contrast-to-noise ratio that the nearest curve would leave"
        )
        yield _fail(f"{told}; allowed {fail:.0%}") if left.high < fail else _warn(f"{told}; expected {warn:.0%}")
    ratio = audit.contrast_ratio
    if ratio is not None and ratio.estimate < fail:
        yield _warn(f"lesions keep {ratio.estimate:.0%} of their contrast-to-noise ratio; expected {fail:.0%} or more")
