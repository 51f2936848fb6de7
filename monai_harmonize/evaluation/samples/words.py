"""What the numbers of an evaluation of samples say, and what speaks against trusting them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from monai_harmonize.evaluation.samples.evaluate import PIXELS, SampleEvaluation
from monai_harmonize.evaluation.samples.table import HELD_OUT, SAMPLES
from monai_harmonize.metrics.calibrated_alarm import Alarm

__all__ = ["SampleVerdict", "judge_samples"]

# Two spaces are looked at, so that half of 5 % is left for each.
SURPRISE = 0.025
# Below this many images FID is mostly bias, and intervals are rough.
FEW_IMAGES = 100
# A recall below half of what real images of other patients get.
COLLAPSE = 0.5


@dataclass(frozen=True)
class SampleVerdict:
    """Words for samples.

    Args:
        memorised: whether samples repeat training images.
        collapsed: whether samples repeat each other or lack kinds of images.
        headline: one sentence.
        findings: one sentence each.
        warnings: what a reader must know before believing the rest.
    """

    memorised: bool
    collapsed: bool
    headline: str
    findings: tuple[str, ...]
    warnings: tuple[str, ...]


def judge_samples(evaluation: SampleEvaluation, false_alarm_rate: float) -> SampleVerdict:
    """Words for the numbers of an evaluation.

    Args:
        evaluation: the numbers.
        false_alarm_rate: that was asked for.
    """
    alarms = {name: found.alarm for name, found in evaluation.memorised.items()}
    memorised = any(surprising(alarm) for alarm in alarms.values())
    repeated = surprising(evaluation.duplicates)
    recall, real_recall = (evaluation.value(f"recall_{evaluation.features}", of) for of in (SAMPLES, HELD_OUT))
    narrow = recall < COLLAPSE * real_recall
    lost = bool(evaluation.modes.missing.any())
    collapsed = repeated or narrow or lost
    kinds = "repeat training images" * memorised, "show few kinds of images or repeat themselves" * collapsed
    found = " and ".join(filter(None, kinds))
    headline = f"The samples {found}." if found else "No sign of memorised training images or of mode collapse."
    findings = [
        *(memorisation_sentence(evaluation, name) for name in alarms),
        duplicate_sentence(evaluation),
        *mode_sentences(evaluation),
        *distance_sentences(evaluation),
    ]
    warnings = tuple(warnings_of(evaluation, false_alarm_rate))
    return SampleVerdict(memorised, collapsed, headline, tuple(findings), warnings)


def surprising(alarm: Alarm) -> bool:
    """More alarms than chance explains, or a copy."""
    return bool(alarm.chance < SURPRISE or alarm.copy.any())


def memorisation_sentence(evaluation: SampleEvaluation, name: str) -> str:
    """How many samples lie too near to training images in a space."""
    alarm = evaluation.memorised[name].alarm
    count, total = int(alarm.alarm.sum()), len(evaluation.samples)
    others = "held-out images do" if evaluation.held_out is not None else "other training images do to each other"
    copies = int(alarm.copy.sum())
    copied = f" {copies} of them less than half as far as any: copies." if copies else ""
    return (
        f"{'memorised' if surprising(alarm) else 'not memorised'} ({name}): {count} of {total} samples "
        f"{'lies' if count == 1 else 'lie'} nearer to a training image than {percent(1 - alarm.rate)} of the {others}; "
        f"{alarm.rate * total:.1f} are expected by chance, so many or more with probability {alarm.chance:.2g}.{copied}"
    )


def percent(share: float) -> str:
    """A share in words, 99.5 % for 0.995."""
    return f"{100 * share:.3g} %"


def duplicate_sentence(evaluation: SampleEvaluation) -> str:
    """How many samples lie too near to other samples."""
    alarm = evaluation.duplicates
    return (
        f"{'repeated' if surprising(alarm) else 'not repeated'}: {int(alarm.alarm.sum())} of "
        f"{len(evaluation.samples)} samples lie nearer to another sample than {percent(1 - alarm.rate)} of the "
        f"training images do to each other; {alarm.rate * len(evaluation.samples):.1f} are expected."
    )


def mode_sentences(evaluation: SampleEvaluation) -> Iterator[str]:
    """Variety of the samples."""
    modes, name = evaluation.modes, evaluation.features
    clusters = len(modes.real)
    if clusters > 1:
        yield (
            f"modes: samples fall into {round(modes.reached * clusters)} of {clusters} clusters of the training "
            f"images ({modes.expected * clusters:.1f} expected); {int(modes.missing.sum())} hold significantly fewer "
            f"samples than training images, {int(modes.crowded.sum())} more."
        )
    fidelity, variety = (compared(evaluation, measure) for measure in (f"precision_{name}", f"recall_{name}"))
    yield f"precision {fidelity} (are they real?), recall {variety} (do they show all kinds?)."


def distance_sentences(evaluation: SampleEvaluation) -> Iterator[str]:
    """Distances of the distributions."""
    name = evaluation.features
    fid, kid = (compared(evaluation, f"{measure}_{name}", ".3g") for measure in ("fid", "kid"))
    yield f"FID {fid}, KID {kid}; both of {name}."


def compared(evaluation: SampleEvaluation, measure: str, form: str = ".2f") -> str:
    """Value of the samples, and of held-out images where there are any."""
    real = evaluation.value(measure, HELD_OUT)
    text = format(evaluation.value(measure), form)
    return text if math.isnan(real) else f"{text} ({format(real, form)} for held-out images)"


def warnings_of(evaluation: SampleEvaluation, false_alarm_rate: float) -> Iterator[str]:
    """What limits the numbers."""
    name, held_out = evaluation.features, evaluation.held_out
    if name.endswith("random_weights"):
        yield f"{name}: the extractor's weights are random; its numbers compare with no published ones."
    sizes = {"samples": len(evaluation.samples), "training images": len(evaluation.training)}
    sizes |= {} if held_out is None else {"held-out images": len(held_out)}
    for what, count in sizes.items():
        if count < FEW_IMAGES:
            yield f"only {count} {what}: intervals are rough, and FID is mostly the bias of small numbers."
    if held_out is None:
        yield (
            "no held-out images: the memorisation alarm is calibrated on the training images themselves, and no "
            "measure shows what a perfect generator would get."
        )
    elif len(held_out) != len(evaluation.samples):
        yield (
            f"{len(evaluation.samples)} samples and {len(held_out)} held-out images: FID of fewer images is higher; "
            "compare their KID."
        )
    rate = evaluation.memorised[PIXELS].alarm.rate
    if rate > false_alarm_rate:
        yield f"too few real images for a false-alarm rate of {false_alarm_rate:g}; it is {rate:.3g}."
    sets = (evaluation.samples, evaluation.training, held_out)
    failed = sum(len(each.failures) for each in sets if each is not None)
    if failed:
        yield f"{failed} files could not be read and are left out."
