"""The whole judgement of synthetic images as one call: folders or manifests in, tables, picture and verdict out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

import monai_harmonize
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.tolerant import Failure
from monai_harmonize.evaluation.images import Load, load_item
from monai_harmonize.evaluation.resampling import bootstrap_weights
from monai_harmonize.evaluation.samples.evaluate import (
    Options,
    SampleEvaluation,
    evaluate_samples,
)
from monai_harmonize.evaluation.samples.held_out import without_training_images
from monai_harmonize.evaluation.samples.images import ImageSet, Named, named_images, read_images
from monai_harmonize.evaluation.samples.paired import measure_pairs, pairs_by_name
from monai_harmonize.evaluation.samples.sheet import neighbour_figure
from monai_harmonize.evaluation.samples.sources import Sources, named_sources
from monai_harmonize.evaluation.samples.table import HIGHER, LOWER, SAMPLES, mean_row, to_table
from monai_harmonize.evaluation.samples.words import SampleVerdict, judge_samples
from monai_harmonize.metrics.paired_quality import PAIRED_MEASURES, PairedMeasure
from monai_harmonize.networks.pooled_features import PooledFeatures

__all__ = ["SampleRun", "run_sample_metrics"]

PICTURE, TABLE, PER_SAMPLE, PER_PAIR, SUMMARY = (
    "neighbours.png",
    "results.csv",
    "samples.csv",
    "pairs.csv",
    "summary.json",
)


@dataclass(frozen=True)
class SampleRun:
    """What ``run_sample_metrics`` made.

    Args:
        table: measures with intervals, those of pairs included.
        evaluation: all numbers.
        verdict: the same in words.
        failures: files that could not be read.
        picture: the sheet of nearest neighbours.
    """

    table: pd.DataFrame
    evaluation: SampleEvaluation
    verdict: SampleVerdict
    failures: tuple[Failure, ...]
    picture: Path


def run_sample_metrics(
    sources: Sources,
    output_dir: Path,
    features: PooledFeatures,
    *,
    options: Options | None = None,
    size: int = 256,
    perceptual: Mapping[str, PairedMeasure] | None = None,
    classifier: Callable[[Tensor], Tensor] | None = None,
    load: Load = load_item,
    progress: bool = True,
) -> SampleRun:
    """Judge synthetic images against real ones and write tables, a picture and a summary.

    Held-out images that show a training image are left out and count as failures.

    Writes into ``output_dir``, each file whole or not at all: ``results.csv`` (measures with intervals),
    ``samples.csv`` (every sample), ``pairs.csv`` (every pair, with ``truth``), ``neighbours.png`` and ``summary.json``.

    Args:
        sources: the images.
        output_dir: made if missing.
        features: what the distances of distributions are measured in.
        options: how.
        size: side in pixels to which images are reduced for features and neighbours.
        perceptual: measures of pairs beside ``PAIRED_MEASURES``, by name, such as LPIPS.
        classifier: from images ``(B, 1, size, size)`` in [-1, 1] to logits, for the inception score.
        load: reader of a record.
        progress: whether to show progress bars.

    Raises:
        InputError: no images, too few of them, a file that is a sample and a training image, two samples of one name
            where pairs are wanted, or results that would lie among the images.
    """
    chosen = Options() if options is None else options
    samples, training, held_out = named_sources(sources, output_dir)

    def read(named: Named, what: str) -> ImageSet:
        return read_images(named, what, size, chosen.neighbours + 1, load, progress)

    truth = None
    if sources.truth is not None:
        truth = named_images(sources.truth, root=sources.root, exclude=output_dir)
        pairs_by_name(samples, truth)  # what is wrong with names is told before anything is measured
    images = [read(samples, "samples"), read(training, "training images")]
    if held_out is not None:
        images.append(without_training_images(read(held_out, "held-out images"), images[1]))
    evaluation = evaluate_samples(
        images[0],
        images[1],
        images[2] if held_out is not None else None,
        features,
        chosen,
        classifier,
        progress,
    )
    sets = [each for each in (evaluation.samples, evaluation.training, evaluation.held_out) if each is not None]
    failures = [failure for each in sets for failure in each.failures]
    rows, pairs = [evaluation.table], None
    if truth is not None:
        measures = {**PAIRED_MEASURES, **(perceptual or {})}
        pairs, failed = measure_pairs(samples, truth, measures, load, progress)
        known = {failure.path for failure in failures}
        failures += [failure for failure in failed if failure.path not in known]
        rows.append(pair_table(pairs, measures, chosen))
    table = pd.concat([each for each in rows if len(each)], ignore_index=True)
    verdict = judge_samples(evaluation, chosen.false_alarm_rate)
    contents = {TABLE: table.to_csv(index=False), PER_SAMPLE: evaluation.per_sample.to_csv(index=False)}
    contents |= {} if pairs is None else {PER_PAIR: pairs.to_csv(index=False)}
    run = SampleRun(table, evaluation, verdict, tuple(failures), output_dir / PICTURE)
    facts = {**asdict(verdict), "features": features.name, "size": size, **asdict(chosen), **facts_of(run)}
    contents[SUMMARY] = json.dumps(without_infinite(facts), indent=4, allow_nan=False) + "\n"
    if pairs is None:
        (output_dir / PER_PAIR).unlink(missing_ok=True)  # of an earlier run with pairs
    for name, text in contents.items():
        with atomic_path(output_dir / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    with atomic_path(run.picture) as temporary:
        neighbour_figure(evaluation).savefig(temporary, format="png", dpi=110)
    return run


def facts_of(run: SampleRun) -> dict[str, Any]:
    """What the summary tells of a run beside its verdict and options."""
    evaluation = run.evaluation
    sets = {"samples": evaluation.samples, "training": evaluation.training, "held_out": evaluation.held_out}
    return {
        "images": {what: len(each) for what, each in sets.items() if each is not None},
        "near_training_images": near_pairs(evaluation),
        "failures": [str(failure) for failure in run.failures],
        "software": f"monai_harmonize {monai_harmonize.__version__}",
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "measurements": run.table.to_dict("records"),
    }


def pair_table(pairs: pd.DataFrame, measures: Mapping[str, PairedMeasure], options: Options) -> pd.DataFrame:
    """Means of the measures over the pairs, with intervals by patient; those that no pair has are left out."""
    rows = []
    rng = np.random.default_rng(options.seed)
    for name, measure in measures.items():
        known = pairs[pairs[name].notna()]
        if len(known):
            weights = bootstrap_weights(known["patient"].tolist(), options.resamples, rng)
            better = HIGHER if measure.higher_is_better else LOWER
            rows.append(mean_row(name, SAMPLES, known[name].to_numpy(dtype=np.float64), weights, better))
    return to_table(rows)


def near_pairs(evaluation: SampleEvaluation) -> list[dict[str, Any]]:
    """Every sample with an alarm and its training image."""
    return [
        {
            "space": space,
            "sample": evaluation.samples.names[sample],
            "training": evaluation.training.names[neighbour],
            "distance": float(found.distance[sample]),
            "p_value": float(found.alarm.p_value[sample]),
            "copy": bool(found.alarm.copy[sample]),
        }
        for space, found in evaluation.memorised.items()
        for sample, neighbour in found.pairs
    ]


def without_infinite(value: Any) -> Any:
    """The same structure with null where a number is none or infinite, since JSON knows neither."""
    if isinstance(value, Mapping):
        return {key: without_infinite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [without_infinite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
