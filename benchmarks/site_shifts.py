"""Pneumonia against no finding through ten simulated shifts of the site: what is lost and what harmonization recovers.

    python benchmarks/site_shifts.py --manifest $MONAI_HARMONIZE_DATA/cxr_manifest.csv

Networks and fits are kept in --cache, so that a second run, or one after an interruption, continues. Delete the folder
after a change of the methods.
"""

import argparse
import logging
from functools import partial
from pathlib import Path

import numpy as np
import torch
from chest_images import Split, load_splits
from curve_network import trained_curve_network
from grid_network import trained_grid_network
from harmonizers import (
    Harmonize,
    applied,
    fitted_site_harmonizer,
    histogram_matching,
    percentile_window,
    unchanged,
    z_score,
)
from numpy.typing import NDArray
from pneumonia_classifier import scores, trained_classifier
from recovered_auc import NO_METHOD, NO_SHIFT, Comparison
from torch import Tensor

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.engines.weights import save_weights
from monai_harmonize.metrics import best_threshold
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.objectives.tone_variation_fit import PER_IMAGE_SWITCH
from monai_harmonize.transforms.site_shift import SITE_SHIFTS, SiteShift

logger = logging.getLogger("site_shifts")


# Scores; by method, the error under no shift and each of the ten; by shift, the variation of tone.
Result = tuple[Comparison, dict[str, list[float]], dict[str, float]]


def shifted(images: Tensor, shift: str, seed: int) -> Tensor:
    """Images ``(N, 1, H, W)`` in [-1, 1] of the simulated site."""
    if shift == NO_SHIFT:
        return images
    transform = SiteShift(shift).set_random_state(seed)
    return torch.stack([2 * transform((image + 1) / 2) - 1 for image in images])


def kept_fit(file: Path, source: Tensor, target: Tensor, spectral_filter: bool) -> SiteHarmonizer:
    """A site harmonizer, fitted or from its file."""
    if not file.exists():
        save_weights(fitted_site_harmonizer(source, target, spectral_filter), file)
    harmonizer = SiteHarmonizer(spectral_filter=spectral_filter)
    harmonizer.load_state_dict(torch.load(file, weights_only=True))
    return harmonizer.eval()


def methods(shift: str, target: Tensor, per_image: Harmonize, grid: Harmonize, cache: Path) -> dict[str, Harmonize]:
    """All methods for one source site; what is fitted sees shifted training images and plain ones, no label."""
    source = shifted(target, shift, seed=1)
    curve = kept_fit(cache / f"{shift}_curve.pt", source, target, spectral_filter=False)
    curve_and_filter = kept_fit(cache / f"{shift}_filter.pt", source, target, spectral_filter=True)
    variation = float(curve_and_filter.tone_variation)
    logger.info("%s: variation of tone %.2f", shift, variation)
    return {
        NO_METHOD: unchanged,
        "percentile window": percentile_window,
        "z-score": z_score(target),
        "histogram matching": histogram_matching(target),
        "site curve": applied(curve),
        "site curve + filter": applied(curve_and_filter),
        "per-image network": per_image,
        "per-image grid": grid,
        "per-image network where images differ": per_image
        if variation >= PER_IMAGE_SWITCH
        else applied(curve_and_filter),
    }


def compare(splits: dict[str, Split], cache: Path, seeds: list[int], on: str) -> Result:
    """Train, shift, harmonize, classify."""
    train, validation, test = splits["train"], splits["validation"], splits[on]
    classifiers = [
        trained_classifier(
            seed, (train.images, train.labels), (validation.images, validation.labels), cache / f"classifier_{seed}.pt"
        )
        for seed in seeds
    ]
    labels = np.asarray(validation.labels)
    thresholds = [best_threshold(labels, scores(network, validation.images)) for network in classifiers]
    per_image = applied(trained_curve_network(train.images, cache / "curve_network.pt"))
    grid = applied(trained_grid_network(train.images, cache / "grid_network.pt"))
    found: dict[tuple[str, str], NDArray[np.float64]] = {}
    errors: dict[str, list[float]] = {}
    variation = {}
    for shift in (NO_SHIFT, *SITE_SHIFTS):
        images = shifted(test.images, shift, seed=2)
        for name, harmonize in methods(shift, train.images, per_image, grid, cache).items():
            harmonized = harmonize(images)
            errors.setdefault(name, []).append(float((harmonized - test.images).abs().mean()) / 2)
            found[name, shift] = np.stack([scores(network, harmonized) for network in classifiers])
        variation[shift] = float(torch.load(cache / f"{shift}_filter.pt", weights_only=True)["tone_variation"])
    return Comparison(test.labels, test.patients, found, thresholds), errors, variation


def error_table(errors: dict[str, list[float]]) -> str:
    """How far the images of each method stay from what they were before the shift."""
    shifts = [shift.replace("_", " ") for shift in (NO_SHIFT, *SITE_SHIFTS)]
    rows = [f"| {name} | " + " | ".join(f"{100 * one:.1f}" for one in values) + " |" for name, values in errors.items()]
    return "\n".join(
        [
            "Mean absolute difference to the images before the shift, % of the grey scale:",
            "",
            f"| method | {' | '.join(shifts)} |",
            "|---" * (1 + len(shifts)) + "|",
            *rows,
        ]
    )


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--site", default="nih_cxr14", help="site of the manifest whose labels are 0 and 1")
    parser.add_argument("--cache", type=Path, default=Path("eval/site_shifts"), help="networks, fits and images")
    parser.add_argument("--output", type=Path, default=Path("eval/site_shifts.md"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one classifier each")
    parser.add_argument("--split", default="test", help="validation while a method is being developed")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    options.cache.mkdir(parents=True, exist_ok=True)
    splits = load_splits(options.manifest, options.site, options.cache)
    comparison, errors, variation = compare(splits, options.cache, options.seeds, options.split)
    counted = partial("{} {}, {} patients".format)
    parts = [
        "Images: " + "; ".join(counted(len(s.labels), name, len(set(s.patients))) for name, s in splits.items()) + ".",
        f"Seeds {options.seeds}, AUC their mean; 95 % intervals by bootstrap over the {options.split} patients.",
        comparison.auc_table(),
        comparison.recovery_table(),
        error_table(errors),
        "Variation of tone: " + ", ".join(f"{shift} {value:.2f}" for shift, value in variation.items()) + ".",
    ]
    text = "\n\n".join(parts) + "\n"
    with atomic_path(options.output) as file:
        file.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
