"""A radiograph at native resolution, DICOM to DICOM with certificate, beside the network that a GAN would run there.

python benchmarks/native_resolution.py [--size 2048] [--repeats 5] [--threads 1]
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
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from skimage.exposure import match_histograms

from monai_harmonize.inferers import SpacingInferer
from monai_harmonize.networks import ResNetGenerator, SiteHarmonizer
from monai_harmonize.phantoms.dicom_dx import Exposure, write_dx
from monai_harmonize.phantoms.sites import SITE_B
from monai_harmonize.safety import CertificateWriter, CertifyHarmonizedd
from monai_harmonize.transforms import LoadRadiographd, RestoreGreyLevelsd, SaveLikeSourced, ScaleGreyLevelsd

logger = logging.getLogger(__name__)

LEVELS = 65536


def harmonizer(spectral_filter: bool) -> SiteHarmonizer:
    """A harmonizer that changes grey levels and, with a filter, sharpness."""
    made = SiteHarmonizer(spectral_filter=spectral_filter)
    knots = np.linspace(-1, 1, len(made.curve.source_levels))
    made.curve.set_knots(knots, 2 * ((knots + 1.2) / 2.2) ** 1.5 - 1)
    if made.filter is not None:
        frequencies = made.filter.frequencies.numpy().astype(np.float64)
        made.filter.set_gain(frequencies, np.linspace(1.0, 1.6, len(frequencies)), per_millimetre=False)
    return made.eval()


def pixels(size: int) -> np.ndarray:
    """A smooth 16-bit scene with noise, ``(size, size)``."""
    rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    scene = np.exp(-3 * (rows**2 + columns**2)) + 0.05 * np.random.default_rng(0).standard_normal((size, size))
    return np.clip(scene * 50000 + 5000, 0, LEVELS - 1).astype(np.uint16)


def dicom_to_dicom(source: Path, output: Path, spectral_filter: bool) -> Callable[[], None]:
    """The bundle's inference of one file, all steps."""
    network, inferer = harmonizer(spectral_filter), SpacingInferer()

    def infer(item: dict[str, MetaTensor]) -> dict[str, MetaTensor]:
        with torch.inference_mode():
            harmonized = inferer(item["image"][None], network)[0]
        return {**item, "pred": MetaTensor(harmonized, meta=dict(item["image"].meta))}

    steps = Compose(
        [
            LoadRadiographd("image"),
            ScaleGreyLevelsd("image"),
            infer,
            CertifyHarmonizedd("pred", network.guarantee_class),
            RestoreGreyLevelsd("pred"),
            SaveLikeSourced("pred", output),
            CertificateWriter("pred", output),
        ]
    )
    return lambda: (steps({"image": str(source)}), None)[1]


def network_at(size: int) -> Callable[[], None]:
    """The CycleGAN's generator over the whole image."""
    generator = ResNetGenerator(2).eval()
    image = torch.rand(1, 1, size, size) * 2 - 1

    def run() -> None:
        with torch.inference_mode():
            generator(image)

    return run


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Median wall-clock time after one run to warm up."""
    work()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def peak_of(source: Path, spectral_filter: bool, threads: int) -> float:
    """Largest resident set in MiB of a process that harmonizes one file."""
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        dicom_to_dicom(source, Path(folder), spectral_filter)()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (peak if sys.platform == "darwin" else 1024 * peak) / 2**20


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    image = pixels(options.size)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.dcm"
        site, exposure = replace(SITE_B, bits=16), Exposure("phantom", "O", 0.2, "native resolution")
        write_dx(source, (image / (LEVELS - 1)).astype(np.float32), site, exposure)
        spawn = multiprocessing.get_context("spawn")
        peaks = {}
        for name, spectral_filter in (("curve", False), ("curve and filter", True)):
            with ProcessPoolExecutor(1, mp_context=spawn) as pool:
                peaks[name] = pool.submit(peak_of, source, spectral_filter, options.threads).result()
        network = seconds(network_at(options.size), 1)
        rows = [(f"ResNet-9 generator over {options.size}x{options.size}", network, None)]
        for name, spectral_filter in (("curve", False), ("curve and filter", True)):
            whole = seconds(dicom_to_dicom(source, Path(folder) / name, spectral_filter), options.repeats)
            rows.append((f"DICOM to DICOM with certificate, {name}", whole, peaks[name]))
        matching = seconds(lambda: match_histograms(image, image[::-1] // 2), options.repeats)
        grey = torch.from_numpy(image.astype(np.float32))[None, None] / (LEVELS / 2) - 1
        curve = harmonizer(False)
        applied = seconds(lambda: curve(grey), options.repeats)
    logger.info("| %d threads | s | of the network's time | peak MiB |\n|---|---|---|---|", options.threads)
    for label, found, peak in rows:
        logger.info("| %s | %.3f | 1/%.0f | %s |", label, found, network / found, "" if peak is None else f"{peak:.0f}")
    logger.info("| `match_histograms`, uint16 | %.3f | | |", matching)
    logger.info("| site curve on float32 | %.3f (%.2f of `match_histograms`) | | |", applied, applied / matching)


if __name__ == "__main__":
    main()
