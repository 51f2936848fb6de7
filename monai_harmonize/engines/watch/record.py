"""What a watch noticed, as a file beside the checkpoints, for TensorBoard, and in words."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.engines.watch.alarm import BEGINS
from monai_harmonize.engines.watch.symptoms import SYMPTOMS

__all__ = ["RUNNING", "WatchRecord"]

logger = logging.getLogger(__name__)

RUNNING, ENDED = "running", "ended"


class WatchRecord:
    """Notices of a training: what began where and when, with which value, and when it was over.

    The file has ``state`` (``"running"`` or ``"ended"``; one that was killed stays at running), ``epoch``,
    ``iteration``, ``reviews``, ``values`` of the last review by symptom and name (``null`` for what is no number),
    ``references`` of the gradients, ``resumed_at`` (iterations) and ``notices``: ``symptom``, ``title``, ``name``,
    ``value``, ``threshold``, ``epoch``, ``iteration``, ``words``, ``advice`` and ``over``, ``null`` or epoch,
    iteration and value.

    Args:
        path: the file, replaced atomically.
        log_dir: folder of the TensorBoard events; ``None`` for none.
    """

    def __init__(self, path: str | os.PathLike[str], log_dir: str | os.PathLike[str] | None) -> None:
        self.path = Path(path)
        self.log_dir = log_dir
        self.writer: Any = None
        self.clear()

    def clear(self) -> None:
        """Begin with an empty record."""
        self.reviews = 0
        self.values: dict[str, dict[str, float]] = {}
        self.references: dict[str, float] = {}
        self.resumed_at: list[int] = []
        self.notices: list[dict[str, Any]] = []

    def resume(self, iteration: int) -> None:
        """Continue the record of a training that is continued after an iteration; what came later did not happen."""
        try:
            saved = json.loads(self.path.read_text(encoding="utf-8"))
            self.reviews = int(saved["reviews"])
            self.references = {name: float(value) for name, value in saved["references"].items()}
            notices = [notice for notice in saved["notices"] if notice["iteration"] <= iteration]
            self.resumed_at = [*map(int, saved["resumed_at"]), iteration]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self.clear()
            self.resumed_at = [iteration]
            logger.warning("Watch: %s tells nothing of the training before (%s); it is begun anew.", self.path, error)
            return
        for notice in notices:
            if notice["over"] and notice["over"]["iteration"] > iteration:
                notice["over"] = None
        self.notices = notices

    def open_notices(self) -> list[dict[str, Any]]:
        """Notices that are not over."""
        return [notice for notice in self.notices if not notice["over"]]

    def show(self, values: Mapping[str, Mapping[str, float]], iteration: int) -> None:
        """Take the values of a review."""
        self.values = {key: dict(found) for key, found in values.items()}
        for key, found in values.items():
            for name, value in found.items():
                if self.scalars is not None and math.isfinite(value):
                    self.scalars.add_scalar(f"watch/{key}/{name}", value, iteration)

    @property
    def scalars(self) -> Any:
        """Writer of TensorBoard events, opened with the first value."""
        if self.writer is None and self.log_dir is not None:
            self.writer = SummaryWriter(os.fspath(self.log_dir))
        return self.writer

    def tell(self, change: str, notice: Mapping[str, Any]) -> None:
        """Say, once, that a symptom began or is over.

        Args:
            change: ``"begins"`` or ``"ends"``.
            notice: ``symptom``, ``name``, ``value``, ``threshold``, ``epoch`` and ``iteration``.
        """
        symptom = SYMPTOMS[notice["symptom"]]
        numbers = {"value": f"{notice['value']:.3g}", "threshold": f"{notice['threshold']:g}"}
        words = symptom.words.format(name=notice["name"], **numbers)
        told = {**notice, "value": number(notice["value"])}
        if change == BEGINS:
            text = f"{symptom.title}: {words}. What to do: {symptom.advice}."
            self.notices.append(
                {"title": symptom.title, **told, "words": words, "advice": symptom.advice, "over": None}
            )
        else:
            text = f"{symptom.title} is over: {words}."
            for one in self.open_notices():
                if (one["symptom"], one["name"]) == (notice["symptom"], notice["name"]):
                    one["over"] = {key: told[key] for key in ("epoch", "iteration", "value")}
        logger.warning("Watch, epoch %d, iteration %d: %s", notice["epoch"], notice["iteration"], text)
        if self.scalars is not None:
            self.scalars.add_text("watch/notices", text, notice["iteration"])

    def summary(self, needed: int) -> str:
        """What to say at the end.

        Args:
            needed: reviews that a training must have for a lasting symptom to be told.
        """
        if self.notices:
            told = [
                f"{one['title']} ({one['symptom']}) of {one['name']} from epoch {one['epoch']}"
                + (f" to {one['over']['epoch']}" if one["over"] else " to the end")
                for one in self.notices
            ]
            return f"Watch: noticed {'; '.join(told)}. See {self.path}."
        if self.reviews < needed:
            return (
                f"Watch: the training was too short to tell: {self.reviews} reviews, and a symptom must last until"
                f" the {needed}. (watch#every, watch#looks, watch#patience and watch#warm_up make it shorter)."
            )
        return f"Watch: nothing noticed in {self.reviews} reviews."

    def write(self, state: str, epoch: int, iteration: int) -> None:
        """Replace the file."""
        content = {
            "state": state,
            "epoch": epoch,
            "iteration": iteration,
            "reviews": self.reviews,
            "resumed_at": self.resumed_at,
            "references": {name: value for name, value in self.references.items() if math.isfinite(value)},
            "values": {
                key: {name: number(value) for name, value in found.items()} for key, found in self.values.items()
            },
            "notices": self.notices,
        }
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(content, indent=4, allow_nan=False) + "\n", encoding="utf-8")

    def close(self, needed: int, epoch: int, iteration: int) -> None:
        """Say and write what there was to notice."""
        summary = self.summary(needed)
        (logger.warning if self.notices else logger.info)("%s", summary)
        if self.scalars is not None:
            self.scalars.add_text("watch/summary", summary, iteration)
            self.writer.close()
            self.writer = None
        self.write(ENDED, epoch, iteration)


def number(value: float) -> float | None:
    """Value as JSON knows it."""
    return value if math.isfinite(value) else None
