"""SSIM of a batch beside MONAI's: equal values, time in alternation.

python benchmarks/structural_similarity.py [--images 16] [--size 256] [--volume 64] [--rounds 5] [--threads 2]

``StructuralSimilarityMetric`` and ``monai.metrics.SSIMMetric``, Gaussian window of 11 pixels, float32. The floor is the
multiplications that a separable window needs, 4 means and 11 weights along each axis, at the rate that a product of
square matrices reaches here; a direct convolution, MONAI's, needs 5 means and 11 weights to the power of the axes.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import time

import torch
from monai.metrics import SSIMMetric
from paired_rounds import HEADER, ratio_in_rounds
from torch import Tensor

from monai_harmonize.metrics import StructuralSimilarityMetric

logger = logging.getLogger(__name__)

# Of MONAI's time for the batch of images; largest difference of an image's value.
TIME, DIFFERENCE = 0.3, 1e-5
WINDOW = 11


def batch(*shape: int) -> tuple[Tensor, Tensor]:
    """Texture in [0, 1] and it with noise and another tone."""
    noise = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    first = 0.6 * torch.linspace(0, 1, shape[-1]) + 0.4 * noise[0]
    return first, (0.7 * first**1.5 + 0.3 * noise[1]).clamp(0, 1)


def product_rate(side: int = 1024) -> float:
    """Multiplications with addition per second of a product of square matrices, best of five."""
    first, second = torch.rand(2, side, side)
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        first @ second
        taken.append(time.perf_counter() - start)
    return side**3 / min(taken)


def compare(name: str, shape: tuple[int, ...], rounds: int, rate: float) -> float:
    """Two rows of the table; the median ratio to MONAI's time."""
    axes = len(shape) - 2
    first, second = batch(*shape)
    monai, ours = SSIMMetric(axes), StructuralSimilarityMetric(axes)
    difference = float((monai(first, second) - ours(first, second)).abs().max())
    if not difference < DIFFERENCE:
        raise SystemExit(f"{name}: values differ by {difference:g}")
    ways = {"MONAI": lambda: monai(first, second), "ours": lambda: ours(first, second)}
    pixels = math.prod(shape)
    floors = {"MONAI": 5 * WINDOW**axes * pixels / rate, "ours": 4 * WINDOW * axes * pixels / rate}
    return ratio_in_rounds(f"{name}, differing by {difference:.1e}", ways, rounds, floors)


def main() -> None:
    """Print a Markdown table and whether the promise is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--volume", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    rate, count, size, side = product_rate(), options.images, options.size, options.volume
    logger.info("%d threads, load %.1f.\n\n%s", options.threads, os.getloadavg()[0], HEADER)
    ratio = compare(f"{count} images of {size}x{size}", (count, 1, size, size), options.rounds, rate)
    compare("1 image of 2048x2048", (1, 1, 2048, 2048), options.rounds, rate)
    compare(f"1 volume of {side}x{side}x{side}", (1, 1, side, side, side), options.rounds, rate)
    verdict = "met" if ratio <= TIME else "MISSED"
    logger.info("\nPromise for the images, at most %g of MONAI's time: %.3f, %s.", TIME, ratio, verdict)


if __name__ == "__main__":
    main()
