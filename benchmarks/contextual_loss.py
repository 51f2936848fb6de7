"""The contextual loss beside its formula written out: equal values, time in alternation, memory in fresh processes.

python benchmarks/contextual_loss.py [--positions 4096] [--large 16384] [--channels 256] [--rounds 5] [--threads 2]

Forward and backward, float32, batch 1; the gradient is that of the generated features. ``far`` features are
independent, so that few rows of the matrix hold the largest value of a column; ``near`` ones are those of the
reference with noise, as in training, and most rows do. The floor is the matrix products of the method at the rate that
one product of the same size reaches here: two of the formula, three of ours, of which two are of winning rows only.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from collections.abc import Callable

import torch
from paired_rounds import HEADER, Work, extra_memory, ratio_in_rounds
from torch import Tensor
from torch.nn.functional import normalize

from monai_harmonize.losses import contextual_loss

logger = logging.getLogger(__name__)

# Of the formula's time and of its extra memory; MiB of the large problem.
TIME, MEMORY, LARGE = 0.6, 0.25, 1024.0
NOISE = {"near": 0.5, "far": 0.0}


def written_out(generated: Tensor, reference: Tensor) -> Tensor:
    """Eqs 6 to 10 of Xu et al. as one writes them."""
    generated, reference = generated.flatten(2), reference.flatten(2)
    mean = reference.mean(dim=2, keepdim=True)
    distance = 1 - normalize(generated - mean, dim=1).transpose(1, 2) @ normalize(reference - mean, dim=1)
    relative = distance / (distance.min(dim=2, keepdim=True).values + 1e-5)
    weight = torch.exp((1 - relative) / 0.5)
    similarity = weight / weight.sum(dim=2, keepdim=True)
    return -similarity.max(dim=1).values.mean(dim=1).log().mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"formula": written_out, "ours": contextual_loss}


def features(positions: int, channels: int, kind: str, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Generated features, which want a gradient, and those of the reference, ``(1, C, N)``."""
    generator = torch.Generator().manual_seed(0)
    reference, noise = torch.randn(2, 1, channels, positions, generator=generator)
    generated = reference + NOISE[kind] * noise if NOISE[kind] else noise
    return generated.to(dtype).requires_grad_(), reference.to(dtype)


def prepare(way: str, positions: int, channels: int, kind: str, threads: int) -> Work:
    """Inputs made and threads started; the result goes forward and backward once."""
    torch.set_num_threads(threads)
    generated, reference = features(positions, channels, kind)
    contextual_loss(*features(64, 8, kind)).backward()  # what torch sets up once is not the method's
    return lambda: torch.autograd.grad(LOSSES[way](generated, reference), generated)


def compare_values(kind: str) -> float:
    """Largest relative difference in double precision of value and gradient."""
    generated, reference = features(512, 64, kind, torch.float64)
    losses = [loss(generated, reference) for loss in LOSSES.values()]
    gradients = [torch.autograd.grad(loss, generated)[0] for loss in losses]
    return max(float((a - b).detach().norm() / a.detach().norm()) for a, b in (losses, gradients))


def product_seconds(positions: int, channels: int) -> float:
    """Seconds of one product of all positions, best of five."""
    first, second = torch.rand(2, positions, channels)
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        first @ second.t()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    """Print Markdown tables and whether the promises are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--positions", type=int, default=4096)
    parser.add_argument("--large", type=int, default=16384)
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    size, channels, threads = options.positions, options.channels, options.threads

    # Memory first: a child's peak starts from that of its parent, which is still small.
    memory = {way: extra_memory(prepare, way, size, channels, "near", threads) for way in LOSSES}
    large = extra_memory(prepare, "ours", options.large, channels, "near", threads)
    logger.info("| extra memory, forward and backward | MiB |\n|---|---|")
    for way, amount in memory.items():
        logger.info("| %s, N %d, C %d | %.0f (%.3f) |", way, size, channels, amount, amount / memory["formula"])
    logger.info("| ours, N %d, C %d | %.0f |\n", options.large, channels, large)

    torch.set_num_threads(threads)
    for kind in NOISE:
        difference = compare_values(kind)
        logger.info("%s: value and gradient differ by %.1e in double precision.", kind, difference)
        if not difference < 1e-6:
            raise SystemExit("The values are not those of the formula.")
    product = product_seconds(size, channels)
    logger.info("%d threads, load %.1f; one product takes %.3f s.\n", threads, os.getloadavg()[0], product)
    logger.info(HEADER)
    ratios = {}
    for kind in NOISE:
        ways = {way: prepare(way, size, channels, kind, threads) for way in LOSSES}
        winning = float((ways["ours"]()[0].abs().amax(dim=1) > 0).double().mean())
        floors = {"formula": 2 * product, "ours": (1 + 2 * winning) * product}
        ratios[kind] = ratio_in_rounds(f"N {size}, C {channels}, {kind}", ways, options.rounds, floors)
    for what, reached, limit in (
        *((f"time, {kind}, of the formula's", ratio, TIME) for kind, ratio in ratios.items()),
        ("extra memory of the formula's", memory["ours"] / memory["formula"], MEMORY),
        (f"MiB at N {options.large}", large, LARGE),
    ):
        logger.info("\n%s: at most %g; %.3f, %s.", what, limit, reached, "met" if reached <= limit else "MISSED")


if __name__ == "__main__":
    main()
