"""Imaging sites: tube, detector and processing of three fictitious hospitals."""

from dataclasses import dataclass
from typing import Literal

LUNG_ATTENUATION = 1.35  # natural logarithm to which automatic exposure control brings the mean behind the lungs


@dataclass(frozen=True)
class Site:
    """How a hospital turns transmitted X-rays into stored values.

    Attributes:
        name: identifier.
        kilovolt: tube voltage in kV.
        dose: photons per square millimetre that reach the detector behind the lungs.
        scatter: share of the detected signal that is scatter.
        blur: standard deviation of the detector's point spread in mm.
        response: "log" (grey proportional to the logarithm of exposure), "s_curve" (film-like) or "linear"
            (grey falls linearly with a power of exposure).
        contrast: steepness of the S-curve, power of the linear response, exponent of the logarithmic one.
        window: attenuation (natural logarithm, `LUNG_ATTENUATION` behind the lungs) shown black and white.
        exposure_spread: standard deviation of the logarithm of exposure between patients.
        edge_gain: weight of the unsharp mask.
        edge_radius: its standard deviation in mm.
        collimation: largest border in mm that the collimator hides on each side.
        shutter: True where the border is drawn black, False where the unexposed detector shows bright.
        bits: bits stored.
        photometric: photometric interpretation of the stored values.
        marker: True where a lead letter L lies at the patient's left shoulder.
    """

    name: str
    kilovolt: float
    dose: float
    scatter: float
    blur: float
    response: Literal["log", "s_curve", "linear"]
    contrast: float
    window: tuple[float, float]
    exposure_spread: float
    edge_gain: float
    edge_radius: float
    collimation: float
    shutter: bool
    bits: int
    photometric: Literal["MONOCHROME1", "MONOCHROME2"]
    marker: bool


# An older detector with little processing: low voltage, much scatter, flat and bright.
SITE_A = Site(
    name="site_a",
    kilovolt=80,
    dose=2000,
    scatter=0.38,
    blur=0.8,
    response="log",
    contrast=1.0,
    window=(-1.5, 4.3),
    exposure_spread=0.10,
    edge_gain=0.0,
    edge_radius=4.0,
    collimation=10,
    shutter=False,
    bits=12,
    photometric="MONOCHROME1",
    marker=False,
)
# A recent detector with grid: high voltage, film-like contrast, strong edge enhancement.
SITE_B = Site(
    name="site_b",
    kilovolt=125,
    dose=8000,
    scatter=0.25,
    blur=0.5,
    response="s_curve",
    contrast=2.6,
    window=(0.1, 4.1),
    exposure_spread=0.07,
    edge_gain=0.9,
    edge_radius=5.0,
    collimation=14,
    shutter=True,
    bits=14,
    photometric="MONOCHROME2",
    marker=True,
)
# In between: grey follows exposure almost linearly, fine edges, patients vary more in exposure.
SITE_C = Site(
    name="site_c",
    kilovolt=100,
    dose=4000,
    scatter=0.33,
    blur=0.7,
    response="linear",
    contrast=1.0,
    window=(0.35, 4.2),
    exposure_spread=0.12,
    edge_gain=0.35,
    edge_radius=2.5,
    collimation=8,
    shutter=True,
    bits=16,
    photometric="MONOCHROME2",
    marker=True,
)
SITES: dict[str, Site] = {site.name: site for site in (SITE_A, SITE_B, SITE_C)}
