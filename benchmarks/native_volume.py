"""A CT volume through the site curve, NIfTI to NIfTI with certificate: what is beyond reading and writing.

python benchmarks/native_volume.py [--slices 200] [--repeats 3] [--threads 1]
"""

from __future__ import annotations

import argparse
import logging
import resource
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch

from monai_harmonize.inferers import TabulatedInferer
from monai_harmonize.networks import SiteHarmonizer
from monai_harmonize.safety import CertificateWriter, CertifyHarmonizedd
from monai_harmonize.transforms import KeepPaddingd, LoadRadiographd, SaveLikeSourced

logger = logging.getLogger(__name__)

SIDE = 512
GREY_RANGE = (-1024.0, 3071.0)


def write_volume(path: Path, slices: int) -> None:
    """Noisy body in air, int16 HU, with padding beyond the field of view."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    body = np.where(rows**2 + 1.5 * columns**2 < 0.8, 40.0, -1000.0)[..., None]
    volume = body + generator.normal(0, 40, (SIDE, SIDE, slices))
    volume[rows**2 + columns**2 > 1] = -2000
    nibabel.save(nibabel.Nifti1Image(np.rint(volume).astype(np.int16), np.diag([0.7, 0.7, 1.5, 1.0])), path)


def harmonizer() -> SiteHarmonizer:
    """A curve of the bundle's kind that moves soft tissue by some 40 HU."""
    made = SiteHarmonizer(slope_range=(0.5, 2.0), grey_range=GREY_RANGE)
    knots = np.linspace(*GREY_RANGE, len(made.curve.source_levels))
    made.curve.set_knots(knots, knots + 60 * np.sin(np.pi * (knots - knots[0]) / np.ptp(knots)))
    return made.eval()


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    network, inferer = harmonizer(), TabulatedInferer()

    def infer(item: dict[str, Any]) -> dict[str, Any]:
        with torch.inference_mode():
            return {**item, "pred": inferer(item["image"][None], network)[0]}

    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "volume.nii", Path(folder) / "harmonized"
        write_volume(source, options.slices)
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        steps = {
            "reading": LoadRadiographd("image"),
            "curve": infer,
            "padding": KeepPaddingd("pred"),
            "certificate": CertifyHarmonizedd("pred", network.guarantee_class, grey_range=(-2048, 4095)),
            "writing": SaveLikeSourced("pred", output),
            "writing the certificate": CertificateWriter("pred", output),
        }
        # The first round warms up.
        for repeat in range(options.repeats + 1):
            item: Any = {"image": str(source)}
            for name, step in steps.items():
                begin = time.perf_counter()
                item = step(item)
                if repeat:
                    seconds[name].append(time.perf_counter() - begin)
    logger.info("| %dx%dx%d int16, %d threads | s |\n|---|---|", SIDE, SIDE, options.slices, options.threads)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, found in medians.items():
        logger.info("| %s | %.2f |", name, found)
    beyond = sum(found for name, found in medians.items() if name not in ("reading", "writing"))
    logger.info("| beyond reading and writing | %.2f |", beyond)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 2**20 if sys.platform == "darwin" else 2**10
    logger.info("\nPeak %.0f MiB, %.0f when the volume had been made.", peak / unit, start / unit)


if __name__ == "__main__":
    main()
