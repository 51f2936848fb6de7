"""What the site harmonizer does between all sites of a manifest: distance, spectrum, structure, certificates.

python benchmarks/site_pairs.py --manifest cxr_manifest.csv

Two-fold cross-fitting: the patients of every site are dealt at random into two folds, a harmonizer fitted on one fold
of both sites is measured on the other, and the results of both folds, and of several deals, are averaged. Where a site
is harmonized to itself, the fit goes from one half of a fold to its other half: the images that are measured have the
target's look already.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.metrics import pooled_histogram, wasserstein_distance
from monai_harmonize.metrics.radial_spectrum import RadialSpectrum
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.objectives import site_fits
from monai_harmonize.safety import Certificate, certify, load_thresholds
from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels

Images = list[Tensor]
RANGE = (-1.0, 1.0)
# From twice the frequency at which the filter sets in, in cycles per shorter side.
LOWEST, BINS = 8.0, 41
# Of an 8-bit file.
LEVELS = 256
HEADER = (
    "| from | to | images | distance raw | curve | filter | spectrum raw | curve | filter | edges kept (curve, filter) "
    "| largest residual (curve) | SSIM to input (curve, filter) | certificates (curve) | (filter) |"
)


@dataclass(frozen=True)
class Measured:
    """One method on the test images of a site."""

    distance: float
    spectrum: float
    certificates: list[Certificate]


def images_of(records: list[dict[str, object]]) -> Images:
    """Images ``(1, 1, W, H)`` on [-1, 1]."""
    load, scale = LoadRadiograph(), ScaleGreyLevels()
    return [
        torch.as_tensor(scale(load(record["image"], record.get("polarity") or "normal"))).as_subclass(Tensor)[None]
        for record in records
    ]


def fit(source: Images, target: Images, spectral_filter: bool) -> SiteHarmonizer:
    """Harmonizer from one set of images to another."""
    harmonizer = SiteHarmonizer(spectral_filter=spectral_filter)
    for part in site_fits(harmonizer):
        part.start()
        for image in source:
            part.add_source(image, None)
        for image in target:
            part.add_target(image, None)
        part.solve()
    return harmonizer


def spectrum_of(images: Images) -> np.ndarray:
    """Decadic logarithm of the mean power spectrum."""
    spectrum = RadialSpectrum(BINS, LOWEST)
    for image in images:
        spectrum.add(image[0, 0], [1 / min(image.shape[2:])] * 2)
    return np.log10(spectrum.density)


def measure(source: Images, target: Images, change: Callable[[Tensor], Tensor], guarantee_class: str) -> Measured:
    """Distances of the changed source to the target, and a certificate for every image."""
    changed = [change(image) for image in source]
    stored = [image.clamp(*RANGE) for image in changed]
    histograms = [pooled_histogram(images, value_range=RANGE) for images in (stored, target)]
    gap = np.abs(spectrum_of(stored) - spectrum_of(target))
    thresholds = load_thresholds()
    certificates = [
        certify(
            before[0, 0].numpy(),
            after[0, 0].numpy(),
            guarantee_class=guarantee_class,
            thresholds=thresholds,
            stored_levels=LEVELS,
        )
        for before, after in zip(source, changed, strict=True)
    ]
    return Measured(float(wasserstein_distance(*histograms)), float(np.nanmean(gap)), certificates)


def folds_of(records: list[dict[str, object]], seed: int) -> tuple[Images, Images]:
    """Images of a site in two folds; a patient is in one of them."""
    patients = sorted({str(record.get("patient", record["image"])) for record in records})
    even = set(np.random.default_rng(seed).permutation(patients)[::2])
    parts: tuple[list[dict[str, object]], ...] = ([], [])
    for record in records:
        parts[str(record.get("patient", record["image"])) not in even].append(record)
    return images_of(parts[0]), images_of(parts[1])


def measured_pair(deals: list[dict[str, tuple[Images, Images]]], one: str, other: str) -> dict[str, list[Measured]]:
    """Raw, curve and filter, each on both folds of every deal."""
    found: dict[str, list[Measured]] = {"raw": [], "curve": [], "filter": []}
    for fold, sites in itertools.product((0, 1), deals):
        source, target = sites[one][1 - fold], sites[other][1 - fold]
        if one == other:
            source, target = source[::2], source[1::2]
        tests = sites[one][fold], sites[other][fold]
        with torch.inference_mode():
            found["raw"].append(measure(*tests, torch.clone, "G0"))
            found["curve"].append(measure(*tests, fit(source, target, spectral_filter=False), "G0"))
            found["filter"].append(measure(*tests, fit(source, target, spectral_filter=True), "G2"))
    return found


def row_of(one: str, other: str, found: dict[str, list[Measured]]) -> str:
    """Line of the table."""
    mean = {name: [float(np.mean([getattr(m, what) for m in folds])) for what in ("distance", "spectrum")]
            for name, folds in found.items()}  # fmt: skip

    def closed(method: str, what: int) -> str:
        return "" if one == other else f"{1 - mean[method][what] / mean['raw'][what]:.0%}"

    certificates = {name: [c for m in folds for c in m.certificates] for name, folds in found.items()}

    def average(measure: str) -> str:
        both = [np.mean([getattr(c.measures, measure) for c in certificates[m]]) for m in ("curve", "filter")]
        return ", ".join(f"{value:.4f}" for value in both)

    verdicts = [", ".join(f"{n} {v}" for v, n in sorted(Counter(c.verdict for c in certificates[m]).items()))
                for m in ("curve", "filter")]  # fmt: skip
    cells = [
        one, other, str(len(certificates["raw"])),
        *(f"{mean[method][0]:.3f} {closed(method, 0) if method != 'raw' else ''}" for method in mean),
        *(f"{mean[method][1]:.3f} {closed(method, 1) if method != 'raw' else ''}" for method in mean),
        average("gradient_agreement"),
        f"{max(c.measures.residual_rms for c in certificates['curve']):.4f}",
        average("ssim"), *verdicts,
    ]  # fmt: skip
    return "| " + " | ".join(cell.strip() for cell in cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--deals", type=int, default=3)
    options = parser.parse_args()
    records = load_manifest(options.manifest).records
    names = sorted({record["site"] for record in records})
    deals = [
        {name: folds_of([record for record in records if record["site"] == name], seed) for name in names}
        for seed in range(options.deals)
    ]
    print(HEADER)
    print("|---" * (HEADER.count("|") - 1) + "|")
    for one, other in itertools.product(names, repeat=2):
        print(row_of(one, other, measured_pair(deals, one, other)), flush=True)


if __name__ == "__main__":
    main()
