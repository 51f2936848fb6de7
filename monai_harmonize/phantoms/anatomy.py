"""A patient's thorax as a few dozen numbers, drawn from distributions of adult anatomy."""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

Finding = Literal["none", "infiltrate", "nodules", "cavity"]
FINDINGS: tuple[Finding, ...] = get_args(Finding)


@dataclass(frozen=True)
class Lesion:
    """One rounded opacity inside a lung.

    Attributes:
        side: -1 for the image's left (the patient's right lung), +1 for the image's right.
        height: position from the apex (0) to the top of the diaphragm (1).
        across: position from the mediastinal (-1) to the lateral (+1) border at that height.
        radius: outer radius in mm; for a cloud the standard deviation of its Gaussian profile in mm.
        wall: thickness in mm of the solid wall around an air-filled middle; 0 for a solid lesion.
        density: density of the solid part in g/cm^3.
        cloud: True for a soft-edged opacity, False for a sphere.
        phase: in radians; turns the unevenness of the outline.
    """

    side: int
    height: float
    across: float
    radius: float
    wall: float = 0.0
    density: float = 1.0
    cloud: bool = False
    phase: float = 0.0


@dataclass(frozen=True)
class ThoraxAnatomy:
    """Everything about a patient and the posture; lengths in mm, angles in degrees.

    The origin lies in the midline at the height of the lung apices; x points to the image's right (the
    patient's left), y down, z towards the patient's front. `seed` fixes what is not a number here: the
    branching of the vessels, the texture of the lung and the irregularity of the ribs.

    Attributes:
        seed: seed of the details.
        sex: "F" or "M"; decides the breast shadow and the distributions of all sizes.
        lung_width: largest distance of the lateral lung border from the midline.
        lung_height: distance from apex to lateral costophrenic angle, breath included.
        lung_depth: largest half depth of the lungs, front to back.
        flare: shape of the lateral lung border; above 1 the chest widens downwards, below 1 it is a barrel.
        dome_height: height of the right diaphragm dome over the costophrenic angle; small in a deep breath.
        lung_density: mean density of the aerated lung in g/cm^3.
        fat: thickness of the subcutaneous layer.
        breast: protrusion of the breasts; 0 for none.
        heart_width: width of the heart's shadow divided by the width of the thorax.
        aorta: radius of the aortic arch.
        bone_density: factor on the mineral of all bones.
        rib_slope: factor on how far the ribs fall from the spine to their front ends.
        shoulder_lift: how far the shoulders are pulled up.
        arm_abduction: horizontal distance of the elbow from the shoulder.
        rotation: turn about the long axis.
        tilt: turn in the image plane.
        gas: radius of the stomach's gas bubble; 0 for none.
        field: edge of the square field of view.
        centre: point of the patient at the middle of the image (x, y).
        finding: kind of the finding.
        lesions: the finding's parts.
    """

    seed: int
    sex: Literal["F", "M"]
    lung_width: float
    lung_height: float
    lung_depth: float
    flare: float
    dome_height: float
    lung_density: float
    fat: float
    breast: float
    heart_width: float
    aorta: float
    bone_density: float
    rib_slope: float
    shoulder_lift: float
    arm_abduction: float
    rotation: float
    tilt: float
    gas: float
    field: float
    centre: tuple[float, float]
    finding: Finding
    lesions: tuple[Lesion, ...]

    @property
    def label(self) -> int:
        """1 where the patient has a finding, else 0."""
        return int(bool(self.lesions))


def clipped_normal(rng: np.random.Generator, mean: float, deviation: float, limit: float = 2.0) -> float:
    """Normal draw held within `limit` standard deviations, so that no patient is impossible."""
    return float(mean + deviation * np.clip(rng.standard_normal(), -limit, limit))


def _infiltrate(rng: np.random.Generator, side: int, spots: int) -> list[Lesion]:
    """Patchy clouds around a centre in the upper zone: one hazy base and many small acinar spots."""
    height, across = rng.uniform(0.16, 0.42), rng.uniform(-0.35, 0.45)
    base = Lesion(
        side,
        height,
        across,
        rng.uniform(12, 19),
        density=rng.uniform(0.22, 0.4),
        cloud=True,
        phase=rng.uniform(0, 6.28),
    )
    offsets = rng.normal(0.0, (0.075, 0.26), (spots, 2))
    return [base] + [
        Lesion(
            side,
            float(np.clip(height + dy, 0.06, 0.75)),
            float(np.clip(across + dx, -0.8, 0.85)),
            rng.uniform(2.2, 5.5),
            density=rng.uniform(0.5, 1.0),
            cloud=True,
        )
        for dy, dx in offsets
    ]


def worsened(lesion: Lesion, severity: float) -> Lesion:
    """The same lesion in a patient who came later: larger by the root of the severity, clouds denser by all of it."""
    size = math.sqrt(severity)
    density = min(severity * lesion.density, 1.0) if lesion.cloud else lesion.density
    return replace(lesion, radius=size * lesion.radius, wall=size * lesion.wall, density=density)


def sample_lesions(rng: np.random.Generator, finding: Finding) -> tuple[Lesion, ...]:
    """Draw the lesions of a TB-like finding; they favour the upper lobes as reactivated tuberculosis does.

    Args:
        rng: source of randomness.
        finding: kind of the finding.

    Raises:
        ValueError: for a finding that is not one of `FINDINGS`.
    """
    if finding not in FINDINGS:
        raise ValueError(f"finding must be one of {list(FINDINGS)}, got {finding!r}")
    side = int(rng.choice((-1, 1)))
    if finding == "none":
        return ()
    if finding == "infiltrate":
        lesions = _infiltrate(rng, side, int(rng.integers(14, 30)))
        if rng.random() < 0.35:
            lesions += _infiltrate(rng, -side, int(rng.integers(6, 14)))
        return tuple(lesions)
    if finding == "nodules":
        return tuple(
            Lesion(
                int(rng.choice((-1, 1))),
                rng.uniform(0.12, 0.6),
                rng.uniform(-0.45, 0.65),
                rng.uniform(6.5, 12.0),
                phase=rng.uniform(0, 6.28),
            )
            for _ in range(rng.integers(1, 4))
        )
    height, across, radius = rng.uniform(0.15, 0.38), rng.uniform(-0.3, 0.45), rng.uniform(13, 22)
    cavity = Lesion(side, height, across, radius, wall=rng.uniform(3.0, 5.5), phase=rng.uniform(0, 6.28))
    around = Lesion(side, height + 0.02, across, radius * 1.1, density=rng.uniform(0.1, 0.2), cloud=True)
    spots = _infiltrate(rng, side, int(rng.integers(4, 9)))[1:]
    return (cavity, around, *spots)


def sample_anatomy(seed: int, finding: Finding | None = None, severity: float = 1.0) -> ThoraxAnatomy:
    """Draw a patient; the same seed and finding give the same patient, and the finding changes nothing else.

    Args:
        seed: any non-negative integer.
        finding: kind of the finding; None draws one, "none" for half of the patients.
        severity: how far the disease has gone, above 0; changes the lesions and nothing else, see `worsened`.

    Raises:
        ValueError: for a finding that is not one of `FINDINGS`.
    """
    rng = np.random.default_rng([seed, 0])
    female = bool(rng.random() < 0.45)
    stature = clipped_normal(rng, 0.94 if female else 1.03, 0.045)
    habitus = float(rng.beta(2.0, 3.0))  # 0 is thin, 1 is obese
    breath = float(rng.beta(3.0, 1.8))  # 1 is a full inspiration
    lung_width = clipped_normal(rng, 137, 6) * stature * (0.97 + 0.08 * habitus)
    lung_height = clipped_normal(rng, 252, 11) * stature * (0.83 + 0.20 * breath)
    age = float(rng.uniform(0.0, 1.0))
    fat = 3.0 + 26.0 * habitus
    anatomy = ThoraxAnatomy(
        seed=seed,
        sex="F" if female else "M",
        lung_width=lung_width,
        lung_height=lung_height,
        lung_depth=clipped_normal(rng, 88, 5) * stature * (0.95 + 0.10 * habitus),
        flare=clipped_normal(rng, 1.0, 0.13),
        dome_height=clipped_normal(rng, 54, 6) * (1.35 - 0.45 * breath),
        lung_density=clipped_normal(rng, 0.225, 0.02) * (1.25 - 0.32 * breath),
        fat=fat,
        breast=float(rng.uniform(14, 30) + 28 * habitus) if female else 0.0,
        heart_width=clipped_normal(rng, 0.455, 0.03) + 0.05 * (1 - breath) + 0.03 * age,
        aorta=clipped_normal(rng, 15.0, 1.5) + 4.0 * age,
        bone_density=clipped_normal(rng, 1.0, 0.08) * (1.1 - 0.25 * age),
        rib_slope=clipped_normal(rng, 1.0, 0.08) * (1.12 - 0.18 * breath),
        shoulder_lift=clipped_normal(rng, 8.0, 9.0),
        arm_abduction=clipped_normal(rng, 62.0, 18.0),
        rotation=clipped_normal(rng, 0.0, 2.5),
        tilt=clipped_normal(rng, 0.0, 1.2),
        gas=float(rng.uniform(8, 26)) if rng.random() < 0.75 else 0.0,
        field=2.0 * lung_width + clipped_normal(rng, 102, 22) + 0.8 * fat,
        centre=(clipped_normal(rng, 0.0, 5.0), 0.5 * lung_height + clipped_normal(rng, 2.0, 9.0)),
        finding="none",
        lesions=(),
    )
    choice = np.random.default_rng([seed, 1])
    if finding is None:
        finding = "none" if choice.random() < 0.5 else FINDINGS[1 + int(choice.integers(len(FINDINGS) - 1))]
    lesions = sample_lesions(np.random.default_rng([seed, 2]), finding)
    return replace(anatomy, finding=finding, lesions=tuple(worsened(lesion, severity) for lesion in lesions))
