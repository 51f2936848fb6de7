"""Calibrates the certificate's thresholds on one half of the real radiographs and measures its verdicts on the other.

    python benchmarks/certificate_rates.py --manifest $MONAI_HARMONIZE_DATA/cxr_manifest.csv [--write]

Without --write the rates are those of the thresholds in the package.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

import monai_harmonize.safety
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.safety.calibration import calibrate_thresholds
from monai_harmonize.safety.certificate import judge
from monai_harmonize.safety.measures import Measures, measure
from monai_harmonize.safety.simulated_changes import DAMAGES, random_curve, random_curve_and_filter, random_shading
from monai_harmonize.safety.thresholds import load_thresholds, save_thresholds
from monai_harmonize.transforms import LoadRadiographd, ScaleGreyLevelsd

HONEST = {"G0": random_curve, "G1": random_shading, "G2": random_curve_and_filter}


def changed(item: dict, number: int) -> Iterator[tuple[str, str, Measures]]:
    """Class, change and measures of every simulated change of one image."""
    loaded = ScaleGreyLevelsd("image")(LoadRadiographd("image")(item))["image"]
    source = (np.asarray(loaded)[0] + 1) / 2
    generator = np.random.default_rng(number)
    for name, honest in HONEST.items():
        output = honest(source, generator)
        yield name, "honest", measure(source, output, stored_levels=256).measures
        for damage, apply in DAMAGES.items():
            yield name, damage, measure(source, apply(output, generator), stored_levels=256).measures


def main() -> None:
    """Measure all images, then judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take one image in so many")
    parser.add_argument("--write", action="store_true", help="write the package's thresholds.json first")
    options = parser.parse_args()
    items = load_manifest(options.manifest, options.manifest.parent).records[:: options.every]
    found: dict[tuple[str, str], list[list[Measures]]] = defaultdict(lambda: [[], []])
    for number, item in enumerate(tqdm(items, disable=None)):
        for name, change, measures in changed(dict(item), number):
            found[name, change][number % 2].append(measures)
    if options.write:
        honest = {name: found[name, "honest"][0] for name in HONEST}
        described = (
            f"{len(items[::2])} public frontal chest radiographs of 320 pixels, 8 bit (NIH ChestX-ray14, OpenIST, JSRT)"
        )
        described += (
            "; random increasing curves with slopes in [0.25, 4] (G0), such curves mixed by a smooth field (G1)"
        )
        described += ", curves with slopes in [0.4, 2.5] and radial gains in [0.625, 1.6] (G2)"
        target = Path(monai_harmonize.safety.__file__).parent / "thresholds.json"
        save_thresholds(calibrate_thresholds(honest, described), target)
    thresholds = load_thresholds()
    print("class  change            images  pass    warn    fail    first reasons")
    for (name, change), halves in found.items():
        judged = [judge(measures, thresholds.of(name), name) for measures in halves[1]]
        counts = Counter(verdict for verdict, _ in judged)
        shares = "  ".join(f"{counts[verdict] / len(judged):6.1%}" for verdict in ("pass", "warn", "fail"))
        why = Counter(reasons[0].split(" is ")[0] for _, reasons in judged if reasons).most_common(3)
        print(f"{name:5}  {change:16}  {len(judged):6}  {shares}  {', '.join(f'{r} {c}' for r, c in why)}")


if __name__ == "__main__":
    main()
