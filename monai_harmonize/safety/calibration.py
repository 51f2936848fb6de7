"""Thresholds from certificates of images that are known to be honest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monai_harmonize.data.errors import InputError
from monai_harmonize.safety.measures import Measures
from monai_harmonize.safety.thresholds import Bar, Thresholds

__all__ = ["RULES", "Rule", "calibrate_thresholds"]


@dataclass(frozen=True)
class Rule:
    """How a bar of one measure follows from honest images.

    Args:
        ideal: value of an untouched image.
        resolution: distances from the ideal up to this one are never reported.
        promise: value that fails by the class's own definition; ``None`` takes twice the worst honest distance.
        at_most: whether larger is worse; else smaller is.
        only_warns: whether the class promises nothing of this measure.
    """

    ideal: float
    resolution: float
    promise: float | None = None
    at_most: bool = True
    only_warns: bool = False

    def bar(self, values: Sequence[float], margin: float) -> Bar:
        """Warning bar ``margin`` times as far from the ideal as the worst honest value, never beyond the promise."""
        sign = 1 if self.at_most else -1
        worst = max((sign * (value - self.ideal) for value in values), default=0.0)
        warn = max(margin * worst, self.resolution)
        fail = 2 * max(worst, self.resolution) if self.promise is None else sign * (self.promise - self.ideal)
        kind = "at_most" if self.at_most else "at_least"
        if self.only_warns:
            return Bar(kind, round(self.ideal + sign * warn, 6), None)
        return Bar(kind, round(self.ideal + sign * min(warn, fail), 6), round(self.ideal + sign * fail, 6))


def least(ideal: float, resolution: float, promise: float | None = None) -> Rule:
    """Rule of a measure that must not fall."""
    return Rule(ideal, resolution, promise, at_most=False)


# Of any method: it neither turns the image, nor clips much, nor hides a code. Slopes of curves end at 4.
COMMON = {
    "rank_correlation": least(1.0, 0.1, 0.0),
    "clipped_pixels": Rule(0.0, 0.005),
    "hidden_code_amplification": Rule(1.0, 5.0, 11.0),
}
FILTERED = {
    # Sharpened edges of black collimators leave the scale; more than this is no edge.
    "clipped_pixels": Rule(0.0, 0.005, 0.05),
    "gradient_agreement": least(1.0, 0.005, 0.98),
    "contrast_gain_median": least(1.0, 0.9, 0.0),
    "residual_rms": Rule(0.0, 0.005),
    "filtered_residual_rms": Rule(0.0, 0.002),
    "filtered_residual_p999": Rule(0.0, 0.01),
    "filtered_blob_share": Rule(0.0, 0.001),
}
SHADED = {
    "gradient_agreement": least(1.0, 0.005, 0.95),
    "contrast_gain_minimum": least(1.0, 0.9, 0.0),
    # A curve that varies over the image leaves what one curve does not explain.
    "residual_rms": Rule(0.0, 0.01, only_warns=True),
    "residual_p999": Rule(0.0, 0.02, only_warns=True),
}
RULES: dict[str, dict[str, Rule]] = {
    "G0": COMMON
    | {
        "residual_rms": Rule(0.0, 0.001, 0.002),
        "residual_max": Rule(0.0, 0.01, 0.02),
        "declared_curve_rms": Rule(0.0, 0.002),
        # Taken of smoothed images, where even an increasing curve turns a few edges.
        "gradient_agreement": least(1.0, 0.01, 0.98),
        "contrast_gain_minimum": least(1.0, 0.8, 0.0),
    },
    "G1": COMMON | SHADED,
    "G2": COMMON | FILTERED,
    "G3": COMMON | SHADED,
    "G4": COMMON | FILTERED,
}
# A free network is held to the most that an honest method does to the sharpness of an image.
HONEST_EXAMPLE = {"G3": "G1", "G4": "G2"}


def calibrate_thresholds(
    honest: Mapping[str, Sequence[Measures]],
    calibrated_on: str,
    *,
    margin: float = 1.25,
    rules: Mapping[str, Mapping[str, Rule]] = RULES,
) -> Thresholds:
    """Bars that every given honest image passes, with a margin, unless its class's promise is stricter.

    Args:
        honest: by guarantee class, measures of held-out images that a method of that class changed. G3 and G4 take
            those of G1 and G2, since nothing is promised for them.
        calibrated_on: images and changes, in words.
        margin: factor on the distance of the worst honest value from the ideal, 1 to 2.
        rules: see ``Rule``.

    Raises:
        InputError: a class of ``rules`` has no images, or the margin is outside [1, 2].
    """
    if not 1 <= margin <= 2:
        raise InputError(f"margin is {margin:g}; expected 1 to 2, where values fail")
    classes = {}
    for name, of_class in rules.items():
        images = honest.get(name) or honest.get(HONEST_EXAMPLE.get(name, name))
        if not images:
            raise InputError(f"no honest images of class {name} to calibrate on")
        classes[name] = {measure: rule.bar(_values(images, measure), margin) for measure, rule in of_class.items()}
    return Thresholds(calibrated_on, classes)


def _values(images: Sequence[Measures], measure: str) -> list[float]:
    found = (getattr(image, measure) for image in images)
    return [value for value in found if value is not None]
