"""What the numbers of an evaluation say, in words, and what speaks against trusting them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from monai_harmonize.evaluation.images import HARMONIZED, MATCHED, RAW, TRUTH
from monai_harmonize.evaluation.protocol import TARGET_HALVES, Evaluation, Measurement

__all__ = ["Verdict", "judge"]

# Below this many patients a 95 % interval by resampling covers noticeably less than 95 %.
FEW_PATIENTS = 30


@dataclass(frozen=True)
class Verdict:
    """Words for the top of a report.

    Args:
        headline: one sentence.
        findings: one sentence per condition.
        warnings: what a reader must know before believing the rest.
    """

    headline: str
    findings: tuple[str, ...]
    warnings: tuple[str, ...]


def judge(evaluation: Evaluation, source_site: str, target_site: str) -> Verdict:
    """Words for the numbers of an evaluation.

    Args:
        evaluation: the numbers.
        source_site: name of site A.
        target_site: name of site B.
    """
    raw, output = (_needed(evaluation, method, "wasserstein_to_target") for method in (RAW, HARMONIZED))
    remaining = _needed(evaluation, HARMONIZED, "remaining_share")
    if _indistinct(evaluation) and _fewest_patients(evaluation) < FEW_PATIENTS:
        headline = f"Too few images to tell how far {source_site} is from {target_site}: random halves differ as much."
    elif _indistinct(evaluation):
        headline = f"{source_site} and {target_site} hardly differ in grey level: there was little to harmonize."
    elif remaining.estimate > 1:
        headline = (
            f"Harmonizing moved {source_site} away from {target_site}: the images are now "
            f"{remaining.estimate:.0%} as far from it as the raw ones."
        )
    else:
        headline = (
            f"The harmonized images of {source_site} are {remaining.estimate:.0%} as far from {target_site} "
            f"as the raw ones."
        )
    interval = _interval(remaining, " ({} of the raw distance remains, 95% interval)")
    looks = (
        f"Grey-level distance to {target_site}: {raw.estimate:.3f} of the grey scale raw, "
        f"{output.estimate:.3f} harmonized{interval}"
    )
    findings = [
        looks + "".join(_context(evaluation, target_site)) + ".",
        _structure(evaluation),
        *_truth(evaluation),
    ]
    return Verdict(headline, tuple(findings), tuple(_warnings(evaluation, source_site, target_site)))


def _needed(evaluation: Evaluation, method: str, measure: str) -> Measurement:
    measurement = evaluation.get(method, measure)
    if measurement is None:
        raise ValueError(f"the evaluation holds no {measure} of {method}")
    return measurement


def _interval(measurement: Measurement, text: str) -> str:
    known = measurement.low == measurement.low
    return text.format(f"{measurement.low:.0%} to {measurement.high:.0%}") if known else ""


def _indistinct(evaluation: Evaluation) -> bool:
    floor = evaluation.get(TARGET_HALVES, "wasserstein_to_target")
    raw = _needed(evaluation, RAW, "wasserstein_to_target")
    return raw.estimate == 0 or (floor is not None and raw.estimate <= floor.high)


def _fewest_patients(evaluation: Evaluation) -> int:
    return min(map(len, _patients(evaluation)))


def _patients(evaluation: Evaluation) -> tuple[set[str], set[str]]:
    """Patients of the source site and of the target site."""
    pairing = evaluation.pairing
    targets = {str(item.get("patient", item["image"])) for item in pairing.targets}
    return {case.group for case in pairing.cases}, targets


def _context(evaluation: Evaluation, target_site: str) -> Iterator[str]:
    matched = _needed(evaluation, MATCHED, "wasserstein_to_target")
    yield f"; matching each histogram to a random image of {target_site} reaches {matched.estimate:.3f}"
    if floor := evaluation.get(TARGET_HALVES, "wasserstein_to_target"):
        yield f"; two random halves of {target_site} are {floor.estimate:.3f} apart"


def _structure(evaluation: Evaluation) -> str:
    table = evaluation.per_image[evaluation.per_image["method"] == HARMONIZED]
    ssim, residual, edges = (
        _needed(evaluation, HARMONIZED, measure) for measure in ("ssim_to_input", "residual_rms", "gradient_agreement")
    )
    spread = f" ± {ssim.sd:.3f}" if ssim.sd == ssim.sd else ""
    return (
        f"Structure: SSIM to the input is {ssim.estimate:.3f}{spread}. What no tone curve explains has a "
        f"root mean square of {residual.estimate:.1%} of the grey scale on average and "
        f"{table['residual_rms'].max():.1%} in the worst image. {edges.estimate:.1%} of the edges keep their "
        f"side."
    )


def _truth(evaluation: Evaluation) -> Iterator[str]:
    similarities = [evaluation.get(method, "ssim_to_truth") for method in (RAW, HARMONIZED, MATCHED)]
    raw, output, matched = similarities
    if raw and output and matched:
        yield (
            f"SSIM to the paired truth: {raw.estimate:.3f} raw, {output.estimate:.3f} harmonized, "
            f"{matched.estimate:.3f} by histogram matching."
        )
    own_ssim, own_residual = (evaluation.get(TRUTH, measure) for measure in ("ssim_to_input", "residual_rms"))
    if own_ssim and own_residual:
        yield (
            f"For scale: the paired truth itself has an SSIM of {own_ssim.estimate:.3f} to the input and a "
            f"residual of {own_residual.estimate:.1%}, so neither 1 nor 0 is the aim."
        )


def _warnings(evaluation: Evaluation, source_site: str, target_site: str) -> Iterator[str]:
    pairing = evaluation.pairing
    if pairing.missing:
        yield (
            f"{len(pairing.missing)} of {len(pairing.missing) + len(pairing.cases)} source images have no "
            f"harmonized file and are left out: {_some(pairing.missing)}."
        )
    for site, patients in zip((source_site, target_site), _patients(evaluation), strict=True):
        if len(patients) < FEW_PATIENTS:
            plural = "s" * (len(patients) != 1)
            yield (f"{site} has only {len(patients)} patient{plural} here: intervals are rough and too narrow.")
    if _indistinct(evaluation):
        yield (
            f"The raw images of {source_site} are no farther from {target_site} than random halves of "
            f"{target_site} are from each other, so the share that remains means little."
        )
    table = evaluation.per_image[evaluation.per_image["method"] == HARMONIZED]
    turned = table.loc[table["gradient_agreement"] < 0.5, "image"].tolist()
    if turned:
        yield f"{len(turned)} outputs look inverted (most edges changed direction): {_some(turned)}."
    with_truth = sum(case.truth is not None for case in pairing.cases)
    if 0 < with_truth < len(pairing.cases):
        yield (
            f"Only {with_truth} of {len(pairing.cases)} images have a paired truth; numbers against it are of these."
        )


def _some(names: tuple[str, ...] | list[str], shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
