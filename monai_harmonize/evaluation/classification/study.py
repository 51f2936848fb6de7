"""What a study holds: sites, seeds, methods and where their files are, from its ``study.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_harmonize.data.errors import InputError
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW, Direction, StudyFolder
from monai_harmonize.evaluation.page_parts import GUARANTEES

__all__ = ["Method", "Study", "load_study"]

REQUIRED = ("sites", "seeds", "methods", "directions", "manifest")


@dataclass(frozen=True)
class Method:
    """A harmonizer of the study.

    Args:
        name: of its files.
        title: as a reader sees it.
        transductive: whether it was trained on the unlabelled test images as well.
        guarantee_class: G0 to G4.
        harmonizer_seeds: trainings of the harmonizer.
    """

    name: str
    title: str
    transductive: bool
    guarantee_class: str
    harmonizer_seeds: tuple[int, ...] = (0,)


@dataclass(frozen=True)
class Study(StudyFolder):
    """A folder of scores and harmonized images.

    Args:
        folder: of the study.
        sites: names of the sites.
        seeds: trainings of the classifiers.
        methods: harmonizers, in the order of the tables.
        directions: which site's images go to which site's classifier.
        manifest: of the images.
        root: folder that relative paths start from.
        splits: of the source site, whose images were scored.
        target_split: images of the target site that harmonizers saw.
    """

    sites: tuple[str, ...]
    seeds: tuple[int, ...]
    methods: tuple[Method, ...]
    directions: tuple[Direction, ...]
    manifest: Path
    root: Path
    splits: tuple[str, ...] = ("test",)
    target_split: str = "train"


def load_study(folder: Path) -> Study:
    """Read and check ``study.json``.

    Args:
        folder: of the study.

    Raises:
        InputError: the file is missing, is no JSON, lacks an entry or names a site or guarantee class that is none;
            the message holds every problem.
    """
    path = StudyFolder(folder).settings_file
    if not path.is_file():
        raise InputError(f"{path}: no such file; a study is the folder that `monai-harmonize protocol` wrote")
    try:
        given: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: is no JSON ({error}); write the study again") from error
    if problems := _problems(given):
        raise InputError(f"{path}:\n  " + "\n  ".join(problems))
    methods = tuple(
        Method(
            name,
            str(facts.get("title", name)),
            bool(facts.get("transductive", False)),
            str(facts.get("guarantee_class", "G4")),
            tuple(facts.get("harmonizer_seeds") or (0,)),
        )
        for name, facts in given["methods"].items()
    )
    manifest = _located(given["manifest"], folder)
    return Study(
        folder,
        tuple(given["sites"]),
        tuple(given["seeds"]),
        methods,
        tuple(Direction(*pair) for pair in given["directions"]),
        manifest,
        _located(given["root"], folder) if given.get("root") else manifest.parent,
        tuple(given.get("splits", ("test",))),
        given.get("target_split", "train"),
    )


def _problems(given: Any) -> list[str]:
    if not isinstance(given, Mapping):
        return ["holds no object; expected entries " + ", ".join(REQUIRED)]
    if absent := [name for name in REQUIRED if not given.get(name)]:
        return [f"has no entry or an empty one for {name!r}" for name in absent]
    if not isinstance(given["methods"], Mapping):
        return ["methods is no object; expected names with title, transductive and guarantee_class"]
    problems = [
        f"direction {pair!r} is not a pair of two of the sites {', '.join(given['sites'])}"
        for pair in given["directions"]
        if not _is_pair(pair) or pair[0] == pair[1] or not set(pair) <= set(given["sites"])
    ]
    for name, facts in given["methods"].items():
        if name in (OWN, RAW):
            problems.append(f"a method is called {name!r}, which is the name of other scores")
        guarantee = facts.get("guarantee_class", "G4") if isinstance(facts, Mapping) else None
        if guarantee not in GUARANTEES:
            problems.append(f"method {name!r} has guarantee class {guarantee!r}; expected one of {sorted(GUARANTEES)}")
    return problems


def _is_pair(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2


def _located(text: str, folder: Path) -> Path:
    """A path as given, or below the study where it exists only there."""
    path = Path(text)
    return folder / path if not path.is_absolute() and (folder / path).exists() else path
