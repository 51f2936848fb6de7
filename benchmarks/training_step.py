"""One training step: the package's trainer beside the plain loop of the paper, in one run.

Compares time, peak memory and the distance to what the machine's convolutions allow. ``cyclegan_step.py``,
``unit_step.py`` and ``adain_step.py`` are the commands; see ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from measurement import Spread, alternate, convolution_rate, count_operations, peak_memory
from variants import REFERENCE, VARIANTS, Setup, make_step

__all__ = ["Promise", "run"]

# What the project promises: quantity, variant, largest ratio to the reference.
Promise = tuple[str, str, float]

# Processor time, of all threads, tells on a shared machine what the clock cannot.
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def run(
    method: str, blocks: int, promises: Sequence[Promise], batch: int = 1, arguments: list[str] | None = None
) -> None:
    """Measure, print the table, write it if asked.

    Args:
        method: ``"CycleGAN"``, ``"UNIT"`` or ``"AdaIN"``.
        blocks: residual blocks of the paper.
        promises: what the verdicts are about.
        batch: images of a step.
        arguments: command line.
    """
    options = parse(method, blocks, batch, arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("measurement").setLevel(logging.INFO)
    setup = Setup(
        options.size, options.blocks, options.channels, options.batch, 50, options.device, options.threads, method
    )
    variants = [REFERENCE, *(name for name in options.variants if name != REFERENCE)]
    result = measure(setup, variants, options.repeats, promises, options.clock)
    text = as_markdown(result)
    print(text)
    for path in options.output:
        path.write_text(text if path.suffix == ".md" else json.dumps(result, indent=4) + "\n")


def parse(method: str, blocks: int, batch: int, arguments: list[str] | None) -> argparse.Namespace:
    """Command line."""
    description = f"One training step of {method} beside the plain loop of the paper."
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser.add_argument("--size", type=int, default=256, help="side of the square image in pixels")
    parser.add_argument("--batch", type=int, default=batch, help="images of a step")
    parser.add_argument("--blocks", type=int, default=blocks, help="residual blocks")
    parser.add_argument("--channels", type=int, default=64, help="width of the first convolutions")
    parser.add_argument("--repeats", type=int, default=5, help="timed rounds; each runs every variant once")
    parser.add_argument("--threads", type=int, default=cores, help="threads of torch")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="seconds of the wall or of the processor")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS, help="what to compare")
    parser.add_argument("--output", type=Path, nargs="+", default=[], help="files to write, .json or .md")
    return parser.parse_args(arguments)


def measure(
    setup: Setup, variants: list[str], repeats: int, promises: Sequence[Promise], clock: str = "wall"
) -> dict[str, Any]:
    """Everything the table shows, as plain types."""
    # Memory first: a child's peak starts from that of its parent, which is still small.
    memory = {name: peak_memory(name, setup) for name in variants}
    cuda = torch.device(setup.device).type == "cuda"
    synchronize = torch.cuda.synchronize if cuda else lambda: None
    rates = {
        name: convolution_rate(getattr(torch, name), setup, synchronize, CLOCKS[clock])
        for name in sorted({variant.split()[1] for variant in variants})
    }
    steps = {name: make_step(name, setup) for name in variants}
    operations = {name: count_operations(step) for name, step in steps.items()}  # the first of two warm-up rounds
    alternate(steps, 1, synchronize, CLOCKS[clock])
    seconds = alternate(steps, repeats, synchronize, CLOCKS[clock])

    rows: dict[str, Any] = {}
    for name in variants:
        ratios = [own / base for own, base in zip(seconds[name], seconds[REFERENCE], strict=True)]
        rows[name] = {
            "seconds": asdict(Spread.of(seconds[name])),
            "time_ratio": asdict(Spread.of(ratios)),
            "floor_seconds": operations[name] / rates[name.split()[1]],
            "operations": operations[name],
            "memory_mib": asdict(memory[name]),
            "memory_ratio": memory[name].peak / memory[REFERENCE].peak,
            "memory_above_start_ratio": memory[name].above_start / memory[REFERENCE].above_start,
        }
    return {
        "setup": asdict(setup),
        "machine": {
            "device": torch.cuda.get_device_name() if cuda else f"CPU, {torch.backends.cpu.get_cpu_capability()}",
            "torch": torch.__version__,
            "load": os.getloadavg()[0],
        },
        "repeats": repeats,
        "clock": clock,
        "ceiling_gflops": {name: rate / 1e9 for name, rate in rates.items()},
        "variants": rows,
        "promises": [
            {"what": what, "variant": name, "limit": limit, "reached": reached(rows[name], what)}
            for what, name, limit in promises
            if name in rows
        ],
    }


def reached(row: dict[str, Any], what: str) -> float:
    """Ratio to the reference that a promise is about."""
    return float(row["memory_ratio"] if what == "memory" else row["time_ratio"]["median"])


def as_markdown(result: dict[str, Any]) -> str:
    """Table and verdicts for people."""
    setup, machine = result["setup"], result["machine"]
    ceilings = ", ".join(f"{rate:.0f} in {name}" for name, rate in result["ceiling_gflops"].items())
    lines = [
        f"{setup['method']} step, 1 channel, {setup['size']}x{setup['size']}, batch {setup['batch']}, "
        f"{setup['blocks']} blocks, {setup['channels']} channels, {setup['threads']} threads, "
        f"torch {machine['torch']}, {machine['device']}, {result['repeats']} rounds in alternation, "
        f"{result['clock']} seconds, load {machine['load']:.1f}.",
        f"A 3x3 convolution alone reaches, in GFLOP/s: {ceilings}.",
        "",
        "| variant | s per step (min / median / max) | ratio, round by round (min / median / max) "
        "| floor s (of floor) | peak MiB (ratio) | above start MiB (ratio) |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in result["variants"].items():
        memory, floor = row["memory_mib"], row["floor_seconds"]
        lines.append(
            f"| {name} | {spread(row['seconds'])} | {spread(row['time_ratio'])} "
            f"| {floor:.2f} ({floor / row['seconds']['median']:.0%}) "
            f"| {memory['peak']:.0f} ({row['memory_ratio']:.2f}) "
            f"| {memory['above_start']:.0f} ({row['memory_above_start_ratio']:.2f}) |"
        )
    lines.append("")
    for promise in result["promises"]:
        verdict = "met" if promise["reached"] <= promise["limit"] else "MISSED"
        lines.append(
            f"- {promise['variant']}: {promise['what']} at most {promise['limit']} of {REFERENCE}: "
            f"{promise['reached']:.3f}, {verdict}"
        )
    return "\n".join(lines) + "\n"


def spread(numbers: dict[str, float]) -> str:
    """Minimum, median and maximum."""
    return " / ".join(f"{numbers[key]:.3g}" for key in ("minimum", "median", "maximum"))
