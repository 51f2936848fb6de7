"""Bars that a certificate is judged against, by guarantee class."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.errors import InputError
from monai_harmonize.safety.measures import Measures

__all__ = ["GUARANTEE_CLASSES", "Bar", "Thresholds", "load_thresholds", "save_thresholds"]

GUARANTEE_CLASSES = ("G0", "G1", "G2", "G3", "G4")
MEASURES = tuple(field.name for field in fields(Measures))


@dataclass(frozen=True)
class Bar:
    """Bounds of one measure; a value on a bound is still good.

    Args:
        kind: ``"at_most"`` or ``"at_least"``.
        warn: a value beyond it warns.
        fail: a value beyond it fails; ``None`` where nothing was promised.

    Raises:
        InputError: another kind, or the failing bound is stricter than the warning one.
    """

    kind: str
    warn: float
    fail: float | None

    def __post_init__(self) -> None:
        if self.kind not in ("at_most", "at_least"):
            raise InputError(f"a threshold is of kind {self.kind!r}; expected 'at_most' or 'at_least'")
        if self.fail is not None and ((self.fail < self.warn) if self.kind == "at_most" else (self.fail > self.warn)):
            raise InputError(f"a threshold fails at {self.fail:g} before it warns at {self.warn:g} ({self.kind})")

    def verdict(self, value: float) -> str:
        """``"pass"``, ``"warn"`` or ``"fail"``; NaN fails."""
        sign = 1 if self.kind == "at_most" else -1
        if math.isnan(value) or (self.fail is not None and sign * value > sign * self.fail):
            return "fail"
        return "pass" if sign * value <= sign * self.warn else "warn"


@dataclass(frozen=True)
class Thresholds:
    """Bars of every guarantee class.

    Args:
        calibrated_on: what the bars were derived from, in words.
        classes: class to measure to bar.
    """

    calibrated_on: str
    classes: Mapping[str, Mapping[str, Bar]]

    def of(self, guarantee_class: str) -> Mapping[str, Bar]:
        """Bars of one class.

        Raises:
            InputError: there is no such class.
        """
        if guarantee_class not in self.classes:
            raise InputError(f"guarantee class {guarantee_class!r} has no thresholds; known: {', '.join(self.classes)}")
        return self.classes[guarantee_class]


def load_thresholds(path: str | os.PathLike[str] | None = None) -> Thresholds:
    """Read a file of thresholds, by default the package's own.

    Raises:
        InputError: the file is not JSON of this form; the message names the file and the entry.
    """
    own = files("monai_harmonize.safety") / "thresholds.json"
    name = "thresholds.json" if path is None else os.fspath(path)
    text = own.read_text(encoding="utf-8") if path is None else Path(path).read_text(encoding="utf-8")
    try:
        given = json.loads(text)
        classes = {key: _bars(key, bars) for key, bars in given["classes"].items()}
        return Thresholds(str(given["calibrated_on"]), classes)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{name}: is no file of thresholds ({type(error).__name__}: {error})") from error


def save_thresholds(thresholds: Thresholds, path: str | os.PathLike[str]) -> None:
    """Write what ``load_thresholds`` reads."""
    classes = {key: {name: asdict(bar) for name, bar in bars.items()} for key, bars in thresholds.classes.items()}
    with atomic_path(Path(path)) as temporary:
        text = json.dumps({"calibrated_on": thresholds.calibrated_on, "classes": classes}, indent=4) + "\n"
        temporary.write_text(text, encoding="utf-8")


def _bars(guarantee_class: str, bars: Mapping[str, Any]) -> dict[str, Bar]:
    if guarantee_class not in GUARANTEE_CLASSES:
        raise InputError(f"unknown guarantee class {guarantee_class!r}; expected one of {', '.join(GUARANTEE_CLASSES)}")
    unknown = set(bars) - set(MEASURES)
    if unknown:
        raise InputError(f"{guarantee_class}: unknown measures {sorted(unknown)}; known: {', '.join(MEASURES)}")
    fails = {name: None if bar["fail"] is None else float(bar["fail"]) for name, bar in bars.items()}
    return {name: Bar(str(bar["kind"]), float(bar["warn"]), fails[name]) for name, bar in bars.items()}
