"""Certificate of one harmonized image: what was done to it, measured, and whether it kept its promise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monai_harmonize.data.errors import InputError
from monai_harmonize.safety.hidden_code import HiddenCode
from monai_harmonize.safety.measures import Blob, Measurement, Measures, measure
from monai_harmonize.safety.thresholds import Bar, Thresholds

__all__ = ["SCHEMA_VERSION", "Certificate", "Provenance", "ToneCurve", "certify", "certify_measured"]

SCHEMA_VERSION = "1.0"
MAX_KNOTS = 64
Levels = tuple[NDArray[np.float64], NDArray[np.float64]]
# What a class promises cannot be told without these.
NEEDED = ("gradient_agreement", "contrast_gain_minimum", "contrast_gain_median")


@dataclass(frozen=True)
class Provenance:
    """Where an image comes from; nothing of the patient.

    Args:
        file: name of the source file.
        bundle: name of the method.
        version: its version.
        weights_digest: digest of its weights.
        polarity_turned: whether bright and dark of the file were swapped to read it (MONOCHROME1, manifest).
        polarity_corrected: whether the image was found inverted and turned, and is written turned.
        template_correlation: rank correlation of the source with the target site's template, -1 to 1.
    """

    file: str | None = None
    bundle: str | None = None
    version: str | None = None
    weights_digest: str | None = None
    polarity_turned: bool | None = None
    polarity_corrected: bool | None = None
    template_correlation: float | None = None


@dataclass(frozen=True)
class ToneCurve:
    """A piecewise-linear curve on the scale [0, 1].

    Args:
        source_levels: knots, increasing.
        target_levels: what they become.
        slope_range: smallest and largest slope between neighbouring knots.
    """

    source_levels: tuple[float, ...]
    target_levels: tuple[float, ...]
    slope_range: tuple[float, float] | None


@dataclass(frozen=True)
class Certificate:
    """What was measured on one pair of images. Every field, its unit and limits: docs/certificate.md.

    Args:
        schema_version: of this record.
        provenance: file and method.
        guarantee_class: G0 to G4, as the method declares.
        shape: native size, in the order of the image's axes (columns, rows).
        reduced_shape: size of the copy on which structural measures were taken.
        spacing: mm per pixel, if known.
        stored_levels: grey levels that the file's depth can store.
        grey_range: fixed scale of the two images that were compared; numbers are shares of it.
        curve: best increasing curve found, at most 64 knots.
        declared_curve: the curve that the method says it applied.
        measures: all numbers.
        blob: largest region that no increasing curve explains.
        filtered_blob: largest region that no curve and filter explain.
        hidden_code: result of the test for cycle networks.
        verdict: ``"pass"``, ``"warn"`` or ``"fail"``.
        reasons: one sentence for each measure beyond its bar, failures first.
    """

    schema_version: str
    provenance: Provenance
    guarantee_class: str
    shape: tuple[int, ...]
    reduced_shape: tuple[int, ...]
    spacing: tuple[float, ...] | None
    stored_levels: int
    grey_range: tuple[float, float]
    curve: ToneCurve
    declared_curve: ToneCurve | None
    measures: Measures
    blob: Blob | None
    filtered_blob: Blob | None
    hidden_code: HiddenCode | None
    verdict: str
    reasons: tuple[str, ...]

    def to_json(self) -> str:
        """The record as JSON text, with ``null`` where something does not apply."""
        return json.dumps(asdict(self), indent=4, allow_nan=False) + "\n"


def certify(source: ArrayLike, harmonized: ArrayLike, **options: Any) -> Certificate:
    """Certificate of a harmonized image; arguments and errors are those of ``certify_measured``."""
    return certify_measured(source, harmonized, **options)[0]


def certify_measured(
    source: ArrayLike,
    harmonized: ArrayLike,
    *,
    guarantee_class: str,
    thresholds: Thresholds,
    grey_range: Sequence[float] = (-1.0, 1.0),
    clip_source: bool = False,
    stored_levels: int = 65536,
    spacing: Sequence[float] | None = None,
    declared_curve: tuple[ArrayLike, ArrayLike] | None = None,
    hidden_code: HiddenCode | None = None,
    provenance: Provenance | None = None,
) -> tuple[Certificate, Measurement]:
    """Certificate and the arrays behind it.

    Args:
        source: input of the harmonizer, ``(W, H)`` or ``(W, H, D)``, grey levels in ``grey_range``.
        harmonized: its output, same shape and scale, before rounding; values beyond the range count as clipped.
        guarantee_class: G0 to G4.
        thresholds: bars, see ``load_thresholds``.
        grey_range: the fixed scale. It is never taken from the images.
        clip_source: take what the source holds beyond the scale for its ends, instead of refusing it.
        stored_levels: grey levels of the file, ``2 ** bits``, 2 to 65536; both images are judged at this depth.
        spacing: mm per pixel along each axis.
        declared_curve: knots and values of the curve that was applied, in units of the scale.
        hidden_code: result of ``hidden_code_test``.
        provenance: file and method.

    Raises:
        InputError: shapes differ or are no image, NaN or infinity, the source leaves the scale, or an option
            outside the above.
    """
    bars = thresholds.of(guarantee_class)
    if not 2 <= stored_levels <= 65536:
        raise InputError(f"stored_levels is {stored_levels}; expected 2 to 65536")
    steps = None if spacing is None else tuple(float(step) for step in spacing)
    declared = None if declared_curve is None else _declared(declared_curve, grey_range)
    before, after = np.asarray(source), np.asarray(harmonized)
    found = measure(
        before,
        after,
        grey_range=grey_range,
        clip_source=clip_source,
        stored_levels=stored_levels,
        spacing=steps,
        declared_curve=declared,
        hidden_code_amplification=None if hidden_code is None else hidden_code.amplification,
    )
    origin = provenance or Provenance()
    verdict, reasons = judge(found.measures, bars, guarantee_class, origin.template_correlation)
    certificate = Certificate(
        schema_version=SCHEMA_VERSION,
        provenance=origin,
        guarantee_class=guarantee_class,
        shape=before.shape,
        reduced_shape=found.source.shape,
        spacing=steps,
        stored_levels=stored_levels,
        grey_range=(float(grey_range[0]), float(grey_range[1])),
        curve=_curve(*_thinned(found.levels, found.curve)),
        declared_curve=None if declared is None else _curve(*declared),
        measures=found.measures,
        blob=found.blob,
        filtered_blob=found.filtered_blob,
        hidden_code=hidden_code,
        verdict=verdict,
        reasons=reasons,
    )
    return certificate, found


def judge(
    measures: Measures, bars: Mapping[str, Bar], guarantee_class: str, template_correlation: float | None = None
) -> tuple[str, tuple[str, ...]]:
    """Verdict and reasons in words, failures first; a source that looks inverted warns."""
    findings = list(_findings(measures, bars, guarantee_class))
    if template_correlation is not None and template_correlation < 0:
        words = f"its correlation with the target site's template is {template_correlation:.2f}"
        findings.append((1, "warn", f"warn: the image looks inverted: {words}"))
    findings.sort(key=lambda finding: finding[0])
    verdict = findings[0][1] if findings else "pass"
    return verdict, tuple(reason for _, _, reason in findings)


def _findings(measures: Measures, bars: Mapping[str, Bar], guarantee_class: str) -> Iterator[tuple[int, str, str]]:
    for name, bar in bars.items():
        value = getattr(measures, name)
        words = name.replace("_", " ")
        if value is None:
            if name in NEEDED:
                yield 1, "warn", f"warn: {words} could not be measured (the image is constant or too small)"
            continue
        verdict = bar.verdict(value)
        if verdict != "pass":
            bound = bar.warn if verdict == "warn" or bar.fail is None else bar.fail
            limit = bar.kind.replace("_", " ")
            allows = f"{guarantee_class} allows" if verdict == "fail" else "honest images showed"
            reason = f"{verdict}: {words} is {value:.4g}; {allows} {limit} {bound:.4g}"
            yield ("fail", "warn").index(verdict), verdict, reason


def _declared(curve: tuple[ArrayLike, ArrayLike], grey_range: Sequence[float]) -> Levels:
    low, high = (float(bound) for bound in grey_range)
    knots, values = ((np.asarray(levels, np.float64) - low) / (high - low) for levels in curve)
    if knots.ndim != 1 or knots.shape != values.shape or knots.size < 2 or not (np.diff(knots) > 0).all():
        raise InputError(f"declared_curve has shapes {knots.shape} and {values.shape}; expected increasing knots (K,)")
    return knots, values


def _curve(knots: NDArray[np.float64], values: NDArray[np.float64]) -> ToneCurve:
    slopes = np.diff(values) / np.diff(knots)
    bounds = (float(slopes.min()), float(slopes.max())) if slopes.size else None
    return ToneCurve(tuple(knots.tolist()), tuple(values.tolist()), bounds)


def _thinned(levels: NDArray[np.float64], curve: NDArray[np.float64]) -> Levels:
    """At most ``MAX_KNOTS`` points, evenly along the curve's length."""
    length = np.concatenate([[0.0], np.cumsum(np.diff(levels) + np.diff(curve))])
    chosen = np.unique(np.searchsorted(length, np.linspace(0, length[-1], MAX_KNOTS)).clip(0, len(levels) - 1))
    return levels[chosen], curve[chosen]
