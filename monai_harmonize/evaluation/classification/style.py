"""Colour, line and name of everything that a study's figures show, the same in all of them."""

from __future__ import annotations

from dataclasses import dataclass

from monai_harmonize.evaluation.classification.pictures import TARGET
from monai_harmonize.evaluation.classification.study import Method
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW, Direction

__all__ = ["BAD", "Look", "looks"]

# Okabe and Ito's colours, told apart under colour blindness; lines differ as well.
METHOD_COLOURS = ("#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D00")
METHOD_LINES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (3, 1)), (0, (1, 1)))
# Marks what failed.
BAD = "#C00000"


@dataclass(frozen=True)
class Look:
    """Of one kind of images."""

    label: str
    colour: str
    line: str | tuple[int, tuple[int, ...]]


def looks(direction: Direction, methods: tuple[Method, ...]) -> dict[str, Look]:
    """By name: own, target, raw and every method."""
    found = {
        OWN: Look(f"{direction.target}, its own images", "#0072B2", "-"),
        TARGET: Look(direction.target, "#0072B2", "-"),
        RAW: Look(f"{direction.source}, raw", "#D55E00", ":"),
    }
    for place, method in enumerate(methods):
        # Beyond the colours, a colour comes again with another line.
        turn, again = place % len(METHOD_COLOURS), place // len(METHOD_COLOURS)
        line = METHOD_LINES[(turn + again) % len(METHOD_LINES)]
        found[method.name] = Look(method.title, METHOD_COLOURS[turn], line)
    return found
