"""What sampling of patients costs a site fit: source and target are two halves of one site's training patients.

    python benchmarks/patient_halves.py --manifest $MONAI_HARMONIZE_DATA/cxr_manifest.csv --cache eval/site_shifts

The classifiers are those of ``site_shifts.py``, from its cache. There is no shift: a perfect
fit is the identity.
"""

import argparse
from pathlib import Path

import numpy as np
from chest_images import load_splits
from harmonizers import applied, fitted_site_harmonizer
from numpy.typing import NDArray
from pneumonia_classifier import scores, trained_classifier
from torch import Tensor

from monai_harmonize.metrics.weighted_auc import weighted_auc


def main() -> None:
    """Fit, apply to the test images, print the change in AUC."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--site", default="nih_cxr14")
    parser.add_argument("--cache", type=Path, default=Path("eval/site_shifts"), help="of site_shifts.py")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one classifier each")
    parser.add_argument("--divisions", type=int, default=4, help="random divisions of the patients")
    options = parser.parse_args()
    splits = load_splits(options.manifest, options.site, options.cache)
    train, validation, test = (splits[name] for name in ("train", "validation", "test"))
    classifiers = [
        trained_classifier(
            seed,
            (train.images, train.labels),
            (validation.images, validation.labels),
            options.cache / f"classifier_{seed}.pt",
        )
        for seed in options.seeds
    ]
    labels, even = np.asarray(test.labels), np.ones((1, len(test.labels)))

    def aucs(images: Tensor) -> NDArray[np.float64]:
        return np.array([weighted_auc(labels, scores(network, images), even)[0] for network in classifiers])

    raw = aucs(test.images)
    patients = np.array(sorted(set(train.patients)))
    for division in range(options.divisions):
        half = np.random.default_rng(division).permutation(patients)[: len(patients) // 2]
        of_source = np.isin(train.patients, half)
        source, target = train.images[of_source], train.images[~of_source]
        for name, spectral_filter in (("site curve", False), ("site curve + filter", True)):
            change = aucs(applied(fitted_site_harmonizer(source, target, spectral_filter))(test.images)) - raw
            print(f"division {division}, {name}: " + ", ".join(f"{one:+.4f}" for one in change), flush=True)


if __name__ == "__main__":
    main()
