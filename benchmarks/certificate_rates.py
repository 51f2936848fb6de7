"""Calibrates the certificate's thresholds on real radiographs and measures its verdicts on others.

    python benchmarks/certificate_rates.py --manifest $MONAI_HARMONIZE_DATA/cxr_manifest.csv [--write]

Patients are dealt into three parts: bars come from the first (--write), rules were tuned while looking at the second,
and the third tells the rates. Without --write the rates are those of the thresholds in the package. Honest changes are
random ones of each class and those of site harmonizers that were fitted on the first part, from each site to another.
"""

import argparse
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from site_pairs import fitted, loaded
from tqdm import tqdm

import monai_harmonize.safety
from monai_harmonize.data.manifest import load_manifest
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.safety.calibration import calibrate_thresholds
from monai_harmonize.safety.certificate import judge
from monai_harmonize.safety.measures import Measures, measure
from monai_harmonize.safety.simulated_changes import DAMAGES, random_curve, random_curve_and_filter, random_shading
from monai_harmonize.safety.thresholds import load_thresholds, save_thresholds

HONEST = {"G0": random_curve, "G1": random_shading, "G2": random_curve_and_filter}
FITTED = {"G0": False, "G2": True}
PARTS = ("calibration", "tuning", "test")
DESCRIBED = (
    "{} public frontal chest radiographs of 320 pixels, 8 bit (NIH ChestX-ray14, OpenIST, JSRT); random increasing "
    "curves with slopes in [0.25, 4] (G0), such curves mixed by a smooth field (G1), curves with slopes in [0.4, 2.5], "
    "radial gains in [0.5, 2] and second curves with slopes in [0.7, 1.4] (G2), and site harmonizers fitted between "
    "the three (G0, G2)"
)
Harmonizers = Mapping[tuple[str, str, str], SiteHarmonizer]


def part_of(records: list[dict[str, Any]]) -> dict[str, str]:
    """Which part a patient belongs to."""
    patients = sorted({str(record.get("patient", record["image"])) for record in records})
    dealt = np.random.default_rng(0).permutation(patients)
    return {str(patient): PARTS[number % 3] for number, patient in enumerate(dealt)}


def fitted_harmonizers(records: list[dict[str, Any]]) -> dict[tuple[str, str, str], SiteHarmonizer]:
    """By class and sites."""
    sites = {name: [r["pixels"] for r in records if r["site"] == name] for name in sorted({r["site"] for r in records})}
    return {
        (name, one, other): fitted(sites[one], sites[other], spectral_filter)
        for name, spectral_filter in FITTED.items()
        for one, other in itertools.permutations(sites, 2)
    }


@torch.inference_mode()
def outputs(record: dict[str, Any], harmonizers: Harmonizers, number: int) -> Iterator[tuple[str, str, NDArray[Any]]]:
    """Class, change and output of every change of one image, on [0, 1]."""
    source, generator = ((record["pixels"][0, 0] + 1) / 2).numpy(), np.random.default_rng(number)
    for name, honest in HONEST.items():
        output = honest(source, generator)
        yield name, "honest", output
        for damage, apply in DAMAGES.items():
            yield name, damage, apply(output, generator)
        others = sorted(other for kind, one, other in harmonizers if (kind, one) == (name, record["site"]))
        if others:
            harmonizer = harmonizers[name, record["site"], others[number % len(others)]]
            output = ((harmonizer(record["pixels"])[0, 0] + 1) / 2).numpy()
            yield name, "fitted", output
            for damage, apply in DAMAGES.items():
                yield name, f"fitted, {damage}", apply(output.clip(0, 1), generator)


def main() -> None:
    """Measure all images, then judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take one image in so many")
    parser.add_argument("--judge", choices=PARTS, default="test")
    parser.add_argument("--write", action="store_true", help="write the package's thresholds.json first")
    options = parser.parse_args()
    records = list(loaded(load_manifest(options.manifest).records[:: options.every]))
    parts = part_of(records)
    for record in records:
        record["part"] = parts[str(record.get("patient", record["image"]))]
    harmonizers = fitted_harmonizers([record for record in records if record["part"] == PARTS[0]])
    found: dict[str, dict[tuple[str, str], list[Measures]]] = {part: defaultdict(list) for part in PARTS}
    for number, record in enumerate(tqdm(records, disable=None)):
        wanted = record["part"] == options.judge or (options.write and record["part"] == PARTS[0])
        for name, change, output in outputs(record, harmonizers, number) if wanted else ():
            source = ((record["pixels"][0, 0] + 1) / 2).numpy()
            found[record["part"]][name, change].append(measure(source, output, stored_levels=256).measures)
    if options.write:
        calibration = found[PARTS[0]]
        honest = {name: calibration[name, "honest"] + calibration[name, "fitted"] for name in HONEST}
        target = Path(monai_harmonize.safety.__file__).parent / "thresholds.json"
        save_thresholds(calibrate_thresholds(honest, DESCRIBED.format(len(calibration["G0", "honest"]))), target)
    thresholds = load_thresholds()
    print("| class | change | images | pass | warn | fail | first reasons |\n|---|---|---|---|---|---|---|")
    for (name, change), measured in found[options.judge].items():
        judged = [judge(measures, thresholds.of(name), name) for measures in measured]
        counts = Counter(verdict for verdict, _ in judged)
        shares = " | ".join(f"{counts[verdict] / len(judged):.1%}" for verdict in ("pass", "warn", "fail"))
        why = Counter(reasons[0].split(" is ")[0] for _, reasons in judged if reasons).most_common(3)
        print(f"| {name} | {change} | {len(judged)} | {shares} | {', '.join(f'{r} {c}' for r, c in why)} |")


if __name__ == "__main__":
    main()
