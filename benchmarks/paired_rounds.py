"""Two ways of one computation side by side: time in alternation, memory each in a fresh process."""

from __future__ import annotations

import logging
import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import psutil
from resident_memory import MEBIBYTE, resident_peak

__all__ = ["extra_memory", "ratio_in_rounds"]

logger = logging.getLogger(__name__)

Work = Callable[[], object]
HEADER = (
    "| input | way | s (min / median / max) | processor s (likewise) | ratio of s, round by round | floor s |\n"
    "|---|---|---|---|---|---|"
)


def ratio_in_rounds(name: str, ways: dict[str, Work], rounds: int, floors: dict[str, float]) -> float:
    """Log a row for each way; the median ratio of the second way's seconds to the first's.

    Processor seconds, of all threads, tell on a shared machine what the clock cannot.
    """
    wall: dict[str, list[float]] = {way: [] for way in ways}
    processor: dict[str, list[float]] = {way: [] for way in ways}
    for work in ways.values():
        work()
    for _ in range(rounds):
        for way, work in ways.items():
            start, used = time.perf_counter(), time.process_time()
            work()
            wall[way].append(time.perf_counter() - start)
            processor[way].append(time.process_time() - used)
    base, *_ = wall.values()
    for way in ways:
        ratios = [own / other for own, other in zip(wall[way], base, strict=True)]
        numbers = " | ".join(_spread(each) for each in (wall[way], processor[way], ratios))
        logger.info("| %s | %s | %s | %.3f |", name, way, numbers, floors[way])
    _, second = wall.values()
    return statistics.median(own / other for own, other in zip(second, base, strict=True))


def extra_memory(prepare: Callable[..., Work], *arguments: object) -> float:
    """MiB by which the resident set of a fresh process peaks above that before the work, its inputs made.

    Call it before this process has grown: on Linux a child's recorded peak starts from that of its parent.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(_watch, prepare, *arguments).result()


def _watch(prepare: Callable[..., Work], *arguments: object) -> float:
    """Body of the child process."""
    work = prepare(*arguments)
    before = psutil.Process().memory_info().rss
    work()
    return (resident_peak() - before) / MEBIBYTE


def _spread(numbers: list[float]) -> str:
    return " / ".join(f"{number:.3f}" for number in (min(numbers), statistics.median(numbers), max(numbers)))
