"""Weights, settings and look of a training on the server appear together, or not at all.

A finished training is renamed to ``label_published``: from then on it counts. Its files take their places one by one,
the weights last; until then there are none, so that nobody ever sees weights beside the settings of others. Whoever
comes after a process that was killed in the middle does the rest.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.label_app.image_looks import LOOK

__all__ = ["ATTEMPT", "STATS", "is_pending", "publish", "settled", "training_alone"]

# Below the folder of the weights: a training that runs or ended early; one that is taking its place.
ATTEMPT, PUBLISHED = "label_training", "label_published"
STATS = "train_stats.json"
TRAINING_LOCK, LOCK = ".label_training.lock", ".label_published.lock"


@contextmanager
def training_alone(weights: Path) -> Iterator[Path]:
    """Keep other trainings of a bundle out; the system lets go of it with the process, however that ends.

    Yields:
        The folder of this training, empty.

    Raises:
        InputError: another process trains the bundle.
    """
    models = weights.parent
    models.mkdir(parents=True, exist_ok=True)
    lock = FileLock(models / TRAINING_LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        name = models.parent.name
        raise InputError(f"{name}: another training of it is running; wait for its end, or stop it.") from error
    try:
        settled(weights)
        shutil.rmtree(models / ATTEMPT, ignore_errors=True)
        yield models / ATTEMPT
    finally:
        lock.release()


def publish(weights: Path) -> None:
    """Let the training in ``ATTEMPT`` take the place of weights and of all that stands beside them."""
    models = weights.parent
    with FileLock(models / LOCK):
        finish(weights)
        os.replace(models / ATTEMPT, models / PUBLISHED)
        finish(weights)


def finish(weights: Path) -> None:
    """Do what is left of a publication; nothing where none has begun."""
    models, published = weights.parent, weights.parent / PUBLISHED
    if (published / weights.name).is_file():
        weights.unlink(missing_ok=True)
        for name in (weights.with_suffix(".json").name, LOOK, STATS):
            replace_or_remove(published / name, models / name)
        os.replace(published / weights.name, weights)
    shutil.rmtree(published, ignore_errors=True)


def replace_or_remove(new: Path, old: Path) -> None:
    """Put a copy of a file in the place of an older one, which is another training's also where there is no new one."""
    if not new.is_file():
        old.unlink(missing_ok=True)
        return
    with atomic_path(old) as temporary:
        shutil.copyfile(new, temporary)


def is_pending(weights: Path) -> bool:
    """Whether a publication of weights is under way, or was cut off."""
    return (weights.parent / PUBLISHED / weights.name).is_file()


def settled(weights: Path) -> Any:
    """Wait for a publication, do what is left of one that was cut off, and tell which weights stand there now.

    Returns:
        Something that is equal as long as weights and settings are the same files.
    """
    if (weights.parent / PUBLISHED).is_dir():
        with FileLock(weights.parent / LOCK):
            finish(weights)
    return [stamp(path) for path in (weights, weights.with_suffix(".json"))]


def stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced; ``None`` where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
