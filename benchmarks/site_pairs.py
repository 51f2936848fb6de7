"""What the site harmonizer does between all sites of a manifest: distance, spectrum, structure, certificates.

python benchmarks/site_pairs.py --manifest $MONAI_HARMONIZE_DATA/cxr_manifest.csv

Two-fold cross-fitting: the patients of every site are dealt at random into two folds. A harmonizer fitted on one fold
of both sites is applied to the source images of the other, so that every image is harmonized by a fit that has not
seen its patient; the pool of these held-out images is compared with the target site. This is repeated for several
deals. What is peculiar to one half misleads the two fits in opposite directions, which cancels in the pool: "one fold"
therefore compares each half with the held-out half of the target alone. There, small sites differ from themselves by
as much as "halves" says, which no harmonizer can close. Where a site is harmonized to itself, the fit goes from one
half of a fold to its other half: the images that are measured have the target's look already.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from monai.utils import set_determinism
from numpy.typing import NDArray
from torch import Tensor

from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.metrics import pooled_histogram, wasserstein_distance
from monai_harmonize.metrics.radial_spectrum import RadialSpectrum
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.objectives import fit_site
from monai_harmonize.safety import Certificate, certify, load_thresholds
from monai_harmonize.transforms import LoadRadiograph, ScaleGreyLevels

Images = list[Tensor]
Folds = tuple[Images, Images]
RANGE = (-1.0, 1.0)
# From twice the frequency at which the filter sets in, in cycles per shorter side.
LOWEST, BINS = 8.0, 41
# Of an 8-bit file.
LEVELS = 256
METHODS = {"curve": False, "filter": True}
HEADER = (
    "| from | to | images | distance raw | halves | curve closes | filter closes | one fold: curve | filter "
    "| spectrum raw | curve | filter closes | tone variation |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)
SAFETY_HEADER = (
    "| from | to | method | edges kept, mean (least) | largest residual | SSIM to input | certificates |\n"
    "|---|---|---|---|---|---|---|"
)


def folds_of(records: Sequence[Mapping[str, Any]], seed: int) -> Folds:
    """Images ``(1, 1, W, H)`` on [-1, 1] of a site in two folds; a patient is in one of them."""
    patients = sorted({str(record.get("patient", record["image"])) for record in records})
    even = set(np.random.default_rng(seed).permutation(patients)[::2])
    folds: Folds = ([], [])
    for record in records:
        folds[str(record.get("patient", record["image"])) not in even].append(record["pixels"])
    return folds


def loaded(records: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Records with their pixels."""
    load, scale = LoadRadiograph(), ScaleGreyLevels()
    for record in records:
        image = scale(load(record["image"], record.get("polarity") or "normal"))
        yield {**record, "pixels": torch.as_tensor(image).as_subclass(Tensor)[None]}


def fitted(source: Images, target: Images, spectral_filter: bool) -> SiteHarmonizer:
    """Harmonizer from one set of images to another."""
    harmonizer = SiteHarmonizer(spectral_filter=spectral_filter)
    fit_site(harmonizer, source, target)
    return harmonizer.eval()


@torch.inference_mode()
def cross_fitted(source: Folds, target: Folds, spectral_filter: bool, same: bool) -> tuple[Folds, float]:
    """Both folds of the source, each harmonized by the fit of the other; and the largest tone variation found."""
    changed, variation = [], 0.0
    for fold in (0, 1):
        one, other = source[1 - fold], target[1 - fold]
        harmonizer = fitted(*((one[::2], one[1::2]) if same else (one, other)), spectral_filter)
        changed.append([harmonizer(image) for image in source[fold]])
        variation = max(variation, float(harmonizer.tone_variation))
    return (changed[0], changed[1]), variation


def distance(one: Images, other: Images) -> float:
    """1-Wasserstein distance of the pooled grey levels, as share of the scale, of what a file would hold."""
    stored = ([image.clamp(*RANGE) for image in images] for images in (one, other))
    histograms = [pooled_histogram(images, value_range=RANGE) for images in stored]
    # Pooled histograms lie on [0, 1].
    return float(wasserstein_distance(*histograms))


def spectrum_of(images: Images) -> NDArray[np.float64]:
    """Decadic logarithm of the mean power spectrum."""
    spectrum = RadialSpectrum(BINS, LOWEST)
    for image in images:
        spectrum.add(image[0, 0].clamp(*RANGE), [1 / min(image.shape[2:])] * 2)
    return np.log10(spectrum.density)


def spectral_gap(one: Images, wanted: NDArray[np.float64]) -> float:
    """Mean absolute difference of the logarithms."""
    return float(np.nanmean(np.abs(spectrum_of(one) - wanted)))


def certificates_of(source: Images, changed: Images, guarantee_class: str) -> list[Certificate]:
    """One for each image."""
    make = partial(certify, guarantee_class=guarantee_class, thresholds=load_thresholds(), stored_levels=LEVELS)
    return [make(before[0, 0].numpy(), after[0, 0].numpy()) for before, after in zip(source, changed, strict=True)]


def closed(raw: Sequence[float], left: Sequence[float]) -> str:
    """Share of a distance that is gone: mean over deals, smallest and largest."""
    shares = [1 - after / before for before, after in zip(raw, left, strict=True)]
    return f"{np.mean(shares):.0%} [{min(shares):.0%}, {max(shares):.0%}]"


def safety_row(pair: str, method: str, certificates: Sequence[Certificate]) -> str:
    """Line of the second table."""
    edges, ssim = (
        [getattr(c.measures, name) for c in certificates if getattr(c.measures, name) is not None]
        for name in ("gradient_agreement", "ssim")
    )
    residual = max(certificate.measures.residual_rms for certificate in certificates)
    verdicts = ", ".join(f"{n} {v}" for v, n in sorted(Counter(c.verdict for c in certificates).items()))
    return (
        f"{pair} {method} | {np.mean(edges):.4f} ({min(edges):.4f}) | {residual:.4f} "
        f"| {np.mean(ssim):.4f} | {verdicts} |"
    )


def measured_pair(deals: Sequence[tuple[Folds, Folds]], pair: str, same: bool) -> tuple[str, list[str]]:
    """Line of the first table and lines of the second one."""
    (first, (one, other)), rows = deals[0], []
    source, target = first[0] + first[1], one + other
    wanted, raw = spectrum_of(target), distance(source, target)
    halves = [distance(*folds) for folds, _ in deals]
    folds_raw = [np.mean([distance(*fold) for fold in zip(*deal, strict=True)]) for deal in deals]
    gap = spectral_gap(source, wanted)
    cells, folds_closed, gaps, variation = [], [], [], 0.0
    for method, spectral_filter in METHODS.items():
        pools, folds, gaps_left = [], [], []
        for number, (sources, targets) in enumerate(deals):
            changed, variation = cross_fitted(sources, targets, spectral_filter, same)
            pools.append(distance(changed[0] + changed[1], target))
            folds.append(np.mean([distance(*fold) for fold in zip(changed, targets, strict=True)]))
            gaps_left.append(spectral_gap(changed[0] + changed[1], wanted))
            if number == 0:
                guarantee_class = "G2" if spectral_filter else "G0"
                certificates = certificates_of(source, changed[0] + changed[1], guarantee_class)
                rows.append(safety_row(pair, method, certificates))
        cells.append(f"{np.mean(pools):.3f}" if same else closed([raw] * len(pools), pools))
        folds_closed.append(f"{np.mean(folds):.3f}" if same else closed(folds_raw, folds))
        gaps.append(f"{np.mean(gaps_left):.3f}" if same else closed([gap] * len(gaps_left), gaps_left))
    numbers = [f"{raw:.3f}", f"{np.mean(halves):.3f}", *cells, *folds_closed, f"{gap:.3f}", *gaps, f"{variation:.2f}"]
    return f"{pair} {len(source)} | " + " | ".join(numbers) + " |", rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--deals", type=int, default=3)
    options = parser.parse_args()
    set_determinism(0)
    images = list(loaded(load_manifest(options.manifest).records))
    sites = {name: [r for r in images if r["site"] == name] for name in sorted({r["site"] for r in images})}
    dealt = [{name: folds_of(site, seed) for name, site in sites.items()} for seed in range(options.deals)]
    print(HEADER)
    lines = []
    for one, other in itertools.product(sites, repeat=2):
        row, rows = measured_pair([(deal[one], deal[other]) for deal in dealt], f"| {one} | {other} |", one == other)
        print(row, flush=True)
        lines += rows
    print("\n" + SAFETY_HEADER, *lines, sep="\n")


if __name__ == "__main__":
    main()
