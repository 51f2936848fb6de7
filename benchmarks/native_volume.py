"""A CT volume through the site curve, NIfTI to NIfTI with certificate: what is beyond reading and writing.

python benchmarks/native_volume.py [--slices 200] [--repeats 3] [--threads 1]
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
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
# Those of site_curve_ct.
GREY_RANGE, CERTIFICATE_RANGE = (-1024.0, 3071.0), (-2048, 4095)


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


def measured(source: Path, output: Path, repeats: int, threads: int) -> tuple[dict[str, float], float]:
    """Median seconds of every step after one round to warm up, and this process's largest resident set in MiB."""
    torch.set_num_threads(threads)
    network, inferer = harmonizer(), TabulatedInferer()

    def infer(item: dict[str, Any]) -> dict[str, Any]:
        with torch.inference_mode():
            return {**item, "pred": inferer(item["image"][None], network)[0]}

    steps = {
        "reading": LoadRadiographd("image"),
        "curve": infer,
        "padding": KeepPaddingd("pred"),
        "certificate": CertifyHarmonizedd("pred", network.guarantee_class, grey_range=CERTIFICATE_RANGE),
        "writing": SaveLikeSourced("pred", output),
        "writing the certificate": CertificateWriter("pred", output),
    }
    seconds: dict[str, list[float]] = defaultdict(list)
    for repeat in range(repeats + 1):
        item: Any = {"image": str(source)}
        for name, step in steps.items():
            begin = time.perf_counter()
            item = step(item)
            if repeat:
                seconds[name].append(time.perf_counter() - begin)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {name: statistics.median(found) for name, found in seconds.items()}, peak / (
        2**20 if sys.platform == "darwin" else 2**10
    )


def main() -> None:
    """Measure in a process of its own, so that the making of the volume does not count; print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "volume.nii"
        # On Linux a child's recorded peak starts from that of its parent.
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            pool.submit(write_volume, source, options.slices).result()
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            given = (source, Path(folder) / "harmonized", options.repeats, options.threads)
            seconds, peak = pool.submit(measured, *given).result()
    logger.info("| %dx%dx%d int16, %d threads | s |\n|---|---|", SIDE, SIDE, options.slices, options.threads)
    for name, found in seconds.items():
        logger.info("| %s | %.2f |", name, found)
    beyond = sum(found for name, found in seconds.items() if name not in ("reading", "writing"))
    logger.info("| beyond reading and writing | %.2f |\n\nPeak %.0f MiB.", beyond, peak)


if __name__ == "__main__":
    main()
