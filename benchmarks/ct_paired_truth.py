"""Errors by tissue of harmonized CT phantoms against the same patients on the target's scanner.

    python benchmarks/ct_paired_truth.py [--bundle_root bundles/site_curve_ct]

It reads what the bundle's train.json and inference.json leave without arguments: data/ and harmonized/.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nibabel
import numpy as np

# HU of the truth.
TISSUES = {"lung": (-950, -500), "soft tissue": (-150, 150), "bone": (250, 4095), "all of the body": (-950, 4095)}
PATTERN = "site_a-test-*.nii.gz"


def main() -> None:
    """Print a Markdown table, means over the test patients of site_a."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle_root", type=Path, default=Path("bundles/site_curve_ct"))
    root: Path = parser.parse_args().bundle_root
    errors: dict[str, list[tuple[float, float]]] = {name: [] for name in TISSUES}
    for path in sorted((root / "data" / "test").rglob(PATTERN)):
        places = (root / "data" / "truth" / "site_b", root / "harmonized")
        truth, harmonized = (nibabel.load(next(place.rglob(path.name))).get_fdata() for place in places)
        source = nibabel.load(path).get_fdata()
        for name, (low, high) in TISSUES.items():
            inside = (truth > low) & (truth < high)
            before, after = (float(np.abs(image - truth)[inside].mean()) for image in (source, harmonized))
            errors[name].append((before, after))
    print("| mean absolute error, HU | before | after | patients |\n|---|---|---|---|")
    for name, found in errors.items():
        before, after = np.mean(found, axis=0)
        print(f"| {name} | {before:.0f} | {after:.0f} | {len(found)} |")


if __name__ == "__main__":
    main()
