"""Histogram matching beside scikit-image's: equal values, time in alternation, and the floor of memory traffic.

python benchmarks/histogram_matching.py [--slices 200] [--size 2048] [--rounds 3]

For each input: ``skimage.exposure.match_histograms`` and ``MatchHistogram`` with results in float64, whose values must
be equal, and ``MatchHistogram`` as a pipeline uses it, with results in the image's own type. The floor is reading the
template once, the image twice (to count, to map) and writing the result, at the rate at which numpy copies here.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.exposure import match_histograms

from monai_harmonize.transforms import MatchHistogram

logger = logging.getLogger(__name__)

# Of scikit-image's time for a volume.
PROMISE = 0.05
Image = NDArray[Any]


def volume(slices: int, seed: int, tissue: float) -> Image:
    """Noisy body in air, int16 HU, with padding beyond the field of view, ``(1, 512, 512, slices)``."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[-1 : 1 : 512 * 1j, -1 : 1 : 512 * 1j]
    body = np.where(rows**2 + 1.5 * columns**2 < 0.8, tissue, -1000.0)[..., None]
    values = body + 40 * generator.standard_normal((512, 512, slices), dtype=np.float32)
    values[rows**2 + columns**2 > 1] = -2000
    return np.rint(values).astype(np.int16)[None]


def radiograph(size: int, seed: int, shape: float) -> Image:
    """Noisy levels of 16 bits, ``(1, size, size)``."""
    return np.random.default_rng(seed).gamma(shape, 4000, (1, size, size)).clip(0, 65535).astype(np.uint16)


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def bandwidth() -> float:
    """Bytes per second that numpy reads and writes together when it copies 200 MB, best of five."""
    source = np.ones(25_000_000)
    target = np.empty_like(source)
    return 2 * source.nbytes / min(seconds(lambda: np.copyto(target, source)) for _ in range(5))


def compare(name: str, image: Image, template: Image, rounds: int, rate: float) -> float:
    """One row of the table for each of three ways; the median ratio to scikit-image at equal values."""
    expected = match_histograms(image[0], template[0])
    found = MatchHistogram(template, dtype="float64")(image)[0]
    if not np.array_equal(found, expected):
        raise SystemExit(f"{name}: values differ by up to {np.abs(found - expected).max():g}")
    ways = {
        "scikit-image, float64": lambda: match_histograms(image[0], template[0]),
        "ours, float64, equal values": lambda: MatchHistogram(template, dtype="float64")(image),
        "ours, own type": lambda: MatchHistogram(template)(image),
    }
    del found, expected
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, work in ways.items():
            taken[way].append(seconds(work))
    baseline, *_ = taken.values()
    for way, numbers in taken.items():
        ratios = [number / base for number, base in zip(numbers, baseline, strict=True)]
        written = image.size * (image.itemsize if way == "ours, own type" else 8)
        floor = (template.nbytes + 2 * image.nbytes + written) / rate
        logger.info(
            "| %s | %s | %.3f / %.3f / %.3f | %.4f / %.4f / %.4f | %.3f |",
            name,
            way,
            *(min(numbers), statistics.median(numbers), max(numbers)),
            *(min(ratios), statistics.median(ratios), max(ratios)),
            floor,
        )
    equal = taken["ours, float64, equal values"]
    return statistics.median(number / base for number, base in zip(equal, baseline, strict=True))


def main() -> None:
    """Print a Markdown table and whether the promise is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rate = bandwidth()
    logger.info("numpy copies %.1f GB/s, read and written together.\n", rate / 1e9)
    logger.info("| input | way | s (min / median / max) | ratio, round by round | floor s |\n|---|---|---|---|---|")
    shape = f"512x512x{options.slices} int16"
    ratio = compare(shape, volume(options.slices, 0, 40.0), volume(options.slices, 1, 60.0), options.rounds, rate)
    side = options.size
    compare(f"{side}x{side} uint16", radiograph(side, 0, 3.0), radiograph(side, 1, 2.0), 5 * options.rounds, rate)
    verdict = "met" if ratio <= PROMISE else "missed"
    logger.info("\nPromise for the volume, at most %.2f of scikit-image: %.4f, %s.", PROMISE, ratio, verdict)


if __name__ == "__main__":
    main()
