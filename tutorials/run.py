"""Executes all notebooks of this folder from nothing and writes them, with their outputs, into another folder.

    python tutorials/run.py --output build/notebooks

Each runs in a folder of its own that is removed afterwards, two at a time with one thread each. A cell fails as soon as
one of its commands does, in a pipe, too. The exit code is 1 if a notebook fails; the failed one is written, too, so
that its last output can be read. Nothing goes on without this process, however it ends.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import resource
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tidy import STAMP, tidy

HERE = Path(__file__).resolve().parent
CELL_SECONDS = 1200
KERNEL = ["--log-level=ERROR", "--ScriptMagics.script_paths=bash=bash -e -o pipefail"]
# What a worker whose parent has ended gets to remove its folder.
LAST_SECONDS = 10


def main() -> int:
    """Execute what the command line names, by default everything; return the exit code."""
    parser = argparse.ArgumentParser(description="Execute the notebooks from nothing.")
    parser.add_argument("notebooks", nargs="*", type=Path, default=sorted(HERE.glob("*.ipynb")))
    parser.add_argument("--output", type=Path, required=True, help="folder of the executed notebooks")
    parser.add_argument("--jobs", type=int, default=2, help="notebooks at a time")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    begin, failed = time.monotonic(), 0
    # A process for each, so that the processor time of its children is its own. The longest begin first.
    fresh = multiprocessing.get_context("spawn")
    pool_options = {"mp_context": fresh, "max_tasks_per_child": 1, "initializer": end_with, "initargs": (os.getpid(),)}
    with ProcessPoolExecutor(arguments.jobs, **pool_options) as pool:
        longest_first = sorted(arguments.notebooks, key=last_duration, reverse=True)
        jobs = {path: pool.submit(execute, path, arguments.output / path.name) for path in longest_first}
        for path, job in jobs.items():
            seconds, processor_seconds, error = job.result()
            failed += bool(error)
            print(f"{path.name}: {seconds:.0f} s, {processor_seconds:.0f} s of processor time\n{error}".rstrip())
    print(f"{len(jobs)} notebooks, {failed} failed, {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


def end_with(parent: int) -> None:
    """End this process, and what its notebook has started, soon after its parent has ended."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(LAST_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def last_duration(path: Path) -> float:
    """Seconds of processor time that the committed run of a notebook took; infinite where none is known."""
    stamp = nbformat.read(path, 4).metadata.get(STAMP, {})
    return float(stamp.get("processor_seconds", float("inf")))


def execute(path: Path, destination: Path) -> tuple[float, float, str]:
    """Execute one notebook; seconds, seconds of processor time, and what went wrong, if anything."""
    notebook, error, begin = nbformat.read(path, 4), "", time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("MONAI_DATA_DIRECTORY", None)
        os.environ.update(
            TMPDIR=folder,
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            OMP_NUM_THREADS="1",
            TQDM_DISABLE="1",
            COLUMNS="110",
        )
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(HERE)}},
            startup_timeout=300,
            extra_arguments=KERNEL,
        )
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as failure:
            error = str(failure) or type(failure).__name__
        names = {folder: "TMPDIR", str(HERE.parent): "REPOSITORY", sys.prefix: "ENVIRONMENT", str(Path.home()): "HOME"}
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, processor_seconds = time.monotonic() - begin, used.ru_utime + used.ru_stime
    longest_first = dict(sorted(names.items(), key=lambda pair: len(pair[0]), reverse=True))
    tidy(notebook, longest_first, {"seconds": round(seconds), "processor_seconds": round(processor_seconds)})
    nbformat.write(notebook, destination)
    return seconds, processor_seconds, error


if __name__ == "__main__":
    sys.exit(main())
