"""How it is measured: time in alternation, memory in fresh processes, operations and the machine's ceiling."""

from __future__ import annotations

import logging
import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import psutil
import torch
from resident_memory import MEBIBYTE, resident_peak
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode
from variants import Setup, Step, make_step

__all__ = ["Memory", "Spread", "alternate", "convolution_rate", "count_operations", "peak_memory"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Spread:
    """Smallest, middle and largest of some numbers."""

    minimum: float
    median: float
    maximum: float

    @classmethod
    def of(cls, numbers: list[float]) -> Spread:
        """Summarise."""
        return cls(min(numbers), statistics.median(numbers), max(numbers))


@dataclass(frozen=True)
class Memory:
    """Peak of a training process in MiB: all of it, and what the steps added to imports, networks and data."""

    peak: float
    above_start: float


def alternate(
    steps: Mapping[str, Step], repeats: int, synchronize: Step, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of every step, run in turn (A B C A B C ...), so that a slow spell of the machine meets all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(repeats):
        for name, step in steps.items():
            seconds[name].append(timed(step, synchronize, clock))
            logger.info("%s: %.2f s", name, seconds[name][-1])
    return seconds


def timed(work: Step, synchronize: Step, clock: Callable[[], float]) -> float:
    """Seconds of one call."""
    synchronize()
    start = clock()
    work()
    synchronize()
    return clock() - start


def count_operations(step: Step) -> int:
    """Floating-point operations of the convolutions in one step, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())


def convolution_rate(
    dtype: torch.dtype, setup: Setup, synchronize: Step, clock: Callable[[], float], repeats: int = 30
) -> float:
    """Operations per second of the networks' main convolution alone (3x3, 256 channels, 64x64), best of all."""
    setup.prepare()
    width, side = 256, 64
    image = torch.rand(1, width, side, side, device=setup.device, dtype=dtype)
    weight = torch.rand(width, width, 3, 3, device=setup.device, dtype=dtype)
    with torch.inference_mode():
        work: Callable[[], object] = lambda: conv2d(image, weight, padding=1)  # noqa: E731 - timed twice below
        work()
        fastest = min(timed(lambda: (work(), None)[1], synchronize, clock) for _ in range(repeats))
    return 2 * 9 * width**2 * side**2 / fastest


def peak_memory(variant: str, setup: Setup, steps: int = 3) -> Memory:
    """Peak of ``steps`` training steps in a process of their own.

    On a CPU it is the resident set of the whole process; on CUDA what torch allocated on the device. Call it before
    this process has grown: on Linux a child's recorded peak starts from that of its parent.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        memory = pool.submit(train_and_watch, variant, setup, steps).result()
    logger.info("%s: %.0f MiB at its peak, %.0f above its start", variant, memory.peak, memory.above_start)
    return memory


def train_and_watch(variant: str, setup: Setup, steps: int) -> Memory:
    """Body of the child process."""
    step = make_step(variant, setup)
    cuda = torch.device(setup.device).type == "cuda"
    start = torch.cuda.memory_allocated(setup.device) if cuda else psutil.Process().memory_info().rss
    for _ in range(steps):
        step()
    peak = torch.cuda.max_memory_allocated(setup.device) if cuda else resident_peak()
    return Memory(peak / MEBIBYTE, (peak - start) / MEBIBYTE)
