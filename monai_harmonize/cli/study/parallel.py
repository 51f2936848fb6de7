"""Steps of a study in several processes, each as soon as what it needs is there, with the time that is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from time import monotonic

import torch
import typer

from monai_harmonize.cli.messages import INTERRUPTED, errors, only_warnings
from monai_harmonize.cli.study.stage import Stage
from monai_harmonize.data import InputError
from monai_harmonize.engines.plain_errors import file_error_in, input_error_in

__all__ = ["Clock", "needed_stages", "run_in_parallel"]

# One thread each, and no progress bars that write over each other.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}

# Seconds after which the running steps are told, so that silence does not look like a standstill.
SILENCE = 60.0

# The steps as a worker knows them.
stages_here: list[Stage] = []


class Clock:
    """Time so far and time left, from what the finished steps took against what was expected of them.

    Args:
        costs: expected seconds of every step.
        processes: that share them.
        now: tells the time in seconds.
    """

    def __init__(self, costs: Sequence[float], processes: int, now: Callable[[], float] = monotonic) -> None:
        self.rest = float(sum(costs))
        self.processes = processes
        self.now = now
        self.started = now()
        self.expected = self.taken = 0.0

    def finish(self, cost: float, seconds: float, skipped: bool) -> None:
        """Count a step that took some seconds, or that was done before."""
        self.rest -= cost
        if not skipped:
            self.expected += cost
            self.taken += seconds

    def __str__(self) -> str:
        pace = self.taken / self.expected if self.expected else 1.0
        minutes, seconds = divmod(round(self.now() - self.started), 60)
        left = self.rest * pace / self.processes / 60
        return f"{minutes}:{seconds:02}, " + ("less than a minute left" if left < 1 else f"about {left:.0f} min left")


def run_in_parallel(make: Callable[[], Sequence[Stage]], processes: int = 2) -> None:
    """Run what an earlier call has not finished, and tell how far it is.

    Args:
        make: gives the steps, the same ones in every process; picklable.
        processes: at a time.

    Raises:
        InputError: of a step, or a process was ended from outside.
        typer.Exit: the user interrupted.
    """
    stages, before = list(make()), set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    with environment(ENVIRONMENT), ProcessPoolExecutor(processes, context, begin_worker, (make,)) as pool:
        try:
            skipped = run_all(stages, pool, processes)
        except BaseException as error:
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            if isinstance(error, KeyboardInterrupt):
                errors.print("Interrupted; the same command continues.")
                raise typer.Exit(INTERRUPTED) from None
            if isinstance(error, BrokenProcessPool):
                raise InputError(
                    "a step's process was ended from outside, for example because memory ran out; the same command "
                    "continues."
                ) from error
            raise
    if skipped:
        errors.print(f"{skipped} of {len(stages)} steps were done before.")


def run_all(stages: Sequence[Stage], pool: ProcessPoolExecutor, processes: int) -> int:
    """Run the steps; how many were done before."""
    needed, waiting = needed_stages(stages), list(range(len(stages)))
    running: dict[Future[tuple[bool, float]], int] = {}
    clock, finished, skipped = Clock([stage.cost for stage in stages], processes), set[int](), 0
    errors.print(f"{len(stages)} steps, {clock}")
    while waiting or running:
        for number in [number for number in waiting if needed[number] <= finished][: processes - len(running)]:
            waiting.remove(number)
            running[pool.submit(run_stage, number)] = number
        done = wait(running, SILENCE, FIRST_COMPLETED).done
        if not done:
            shown = "; ".join(stages[number].title for number in running.values())
            errors.print(f"[{len(finished)}/{len(stages)}, {clock}] running: {shown}")
        for future in done:
            number = running.pop(future)
            worked, seconds = future.result()
            clock.finish(stages[number].cost, seconds, not worked)
            finished.add(number)
            skipped += not worked
            if worked:
                errors.print(f"[{len(finished)}/{len(stages)}, {clock}] {stages[number].title}")
    return skipped


def needed_stages(stages: Sequence[Stage]) -> Mapping[int, set[int]]:
    """Which steps each step waits for, by number.

    Raises:
        ValueError: a step needs what none before it leaves.
    """
    owners: dict[object, int] = {}
    needed: dict[int, set[int]] = {}
    for number, stage in enumerate(stages):
        missing = [path for path in stage.needs if path not in owners]
        if missing:
            raise ValueError(f"{stage.title!r} needs {missing[0]}, which no step before it leaves")
        needed[number] = {owners[path] for path in stage.needs}
        owners |= dict.fromkeys((stage.mark, *stage.results), number)
    return needed


def run_stage(number: int) -> tuple[bool, float]:
    """Whether there was work to do, and its seconds; in a worker. Causes are lost between processes, so they go."""
    started = monotonic()
    try:
        with only_warnings():
            return stages_here[number].run(), monotonic() - started
    except Exception as error:
        cause = input_error_in(error) or file_error_in(error)
        if cause is None:
            raise
        raise cause from None


def begin_worker(make: Callable[[], Sequence[Stage]]) -> None:
    """Get ready: the parent alone answers to an interruption, and a worker ends with it, even where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    stages_here[:] = make()


def end_with_parent() -> None:
    """Wait for the end of the parent, then end, so that no orphan writes where the next call works."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of the environment for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
