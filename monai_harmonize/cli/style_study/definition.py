"""What a style study compares, as a JSON file says it: methods, extractors, a segmentation and its augmentations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monai_harmonize.cli.study.definition import Model, are_texts, is_text, read_model
from monai_harmonize.cli.study.names import problem_of_name
from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import read_config
from monai_harmonize.evaluation.style.study_folder import PLAIN, RAW

__all__ = ["Augmentation", "Sites", "StyleDefinition", "find_style_definition"]

# Definitions that come with the package; any other is named by its file.
DEFINITIONS = Path(__file__).parent
# Entry of an augmentation beside those of every bundle.
STYLE = "style"


@dataclass(frozen=True)
class Sites:
    """Looks of a study.

    Args:
        home: where segmentation networks learn.
        shifted: looks whose styles the methods learn.
        unseen: looks that nobody trains on.
    """

    home: str
    shifted: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """Looks that methods train on, home first; their places are the numbers of the stored styles."""
        return (self.home, *self.shifted)

    @property
    def all(self) -> tuple[str, ...]:
        """All looks, home first."""
        return (*self.known, *self.unseen)


@dataclass(frozen=True)
class Augmentation:
    """A segmentation network that sees changed images while it trains.

    Args:
        title: what tables and figures call it.
        overlays: of the segmentation's training.
        train: values of top-level entries of its training.
        style: the method whose network with the first extractor draws the styles, if any does.
    """

    title: str
    overlays: tuple[str, ...]
    train: Mapping[str, Any]
    style: str | None = None


@dataclass(frozen=True)
class StyleDefinition:
    """A comparison of style transfer methods.

    Args:
        sites: of the default data.
        slices: of a volume that are judged.
        methods: bundles of style transfer by the names of their folders.
        extractors: overlays of these bundles by the names of their folders, the main one first.
        compare_extractors: methods that are trained with every extractor; the others with the first.
        one_look_each: methods whose networks cannot be told a look and are trained once for each.
        segmentation: a bundle that segments.
        augmentations: of its training, by the names of their folders.
    """

    sites: Sites
    slices: int
    methods: Mapping[str, Model]
    extractors: Mapping[str, tuple[str, ...]]
    compare_extractors: tuple[str, ...]
    one_look_each: tuple[str, ...]
    segmentation: Model
    augmentations: Mapping[str, Augmentation]

    @property
    def main(self) -> str:
        """The extractor of the comparison of methods."""
        return next(iter(self.extractors))

    @property
    def networks(self) -> list[tuple[str, str]]:
        """Method and extractor of every style transfer network, those of the main extractor first."""
        first = [(method, self.main) for method in self.methods]
        others = [name for name in self.extractors if name != self.main]
        return first + [(method, name) for method in self.compare_extractors for name in others]

    def style_model(self, method: str, extractor: str) -> Model:
        """The bundle of one network."""
        model = self.methods[method]
        return replace(model, overlays=(*model.overlays, *self.extractors[extractor]))

    def segmentation_model(self, kind: str) -> Model:
        """The bundle of one segmentation network."""
        if kind == PLAIN:
            return self.segmentation
        found, plain = self.augmentations[kind], self.segmentation
        overlays = (*plain.overlays, *found.overlays)
        return replace(plain, title=found.title, overlays=overlays, train={**plain.train, **found.train})

    @property
    def kinds(self) -> list[str]:
        """Names of the segmentation networks."""
        return [PLAIN, *self.augmentations]


EXPECTED: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "sites": ("an object of entries", lambda value: isinstance(value, dict)),
    "slices": ("a number from 1", lambda value: type(value) is int and value > 0),
    "methods": ("an object of entries, one at least", lambda value: isinstance(value, dict) and bool(value)),
    "extractors": (
        "an object of lists of overlays, one at least",
        lambda value: isinstance(value, dict) and bool(value) and all(map(are_texts, value.values())),
    ),
    "compare_extractors": ("a list of methods", are_texts),
    "one_look_each": ("a list of methods", are_texts),
    "segmentation": ("an object of entries", lambda value: isinstance(value, dict)),
    "augmentations": ("an object of entries", lambda value: isinstance(value, dict)),
}
SITES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "home": ("a text", is_text),
    "shifted": ("a list of texts, one at least", lambda value: are_texts(value) and bool(value)),
    "unseen": ("a list of texts", are_texts),
}


def find_style_definition(name: str) -> StyleDefinition:
    """Read a definition of the package by its name, or a file.

    Raises:
        InputError: there is neither, or an entry is missing, unknown or wrong.
    """
    known = {path.stem: path for path in sorted(DEFINITIONS.glob("*.json"))}
    path = known.get(name, Path(name))
    if not path.is_file():
        raise InputError(f"--definition {name}: is no file and none of {', '.join(known)}.")
    content = {key: value for key, value in read_config(path).items() if key != "_desc_"}
    check_entries(str(path), content, EXPECTED)
    check_entries(f"{path}: sites", content["sites"], SITES)
    for key in ("methods", "extractors", "augmentations"):
        for entry in content[key]:
            if problem := problem_of_name(entry):
                raise InputError(f"{path}: {entry!r} of {key} {problem}; call it otherwise.")
    methods = {key: read_model(path, key, entry) for key, entry in content["methods"].items()}
    for key in ("compare_extractors", "one_look_each"):
        if unknown := sorted(set(content[key]) - set(methods)):
            raise InputError(f"{path}: {key} names {unknown[0]!r}; the methods are {', '.join(methods)}.")
        if twice := sorted({name for name in content[key] if content[key].count(name) > 1}):
            raise InputError(f"{path}: {key} names {twice[0]!r} twice; once is enough.")
    drawing = [name for name in methods if name not in content["one_look_each"]]
    sites = content["sites"]
    return StyleDefinition(
        Sites(sites["home"], tuple(sites["shifted"]), tuple(sites["unseen"])),
        content["slices"],
        methods,
        {key: tuple(overlays) for key, overlays in content["extractors"].items()},
        tuple(content["compare_extractors"]),
        tuple(content["one_look_each"]),
        read_model(path, "segmentation", content["segmentation"]),
        {key: read_augmentation(path, key, entry, drawing) for key, entry in content["augmentations"].items()},
    )


def check_entries(where: str, content: Mapping[str, Any], expected: Mapping[str, tuple[str, Any]]) -> None:
    """Raise ``InputError`` for an entry that is missing, unknown or of another kind."""
    for problem, names in (("no", set(expected) - set(content)), ("unknown", set(content) - set(expected))):
        if names:
            raise InputError(f"{where}: has {problem} {sorted(names)[0]!r}; its entries are {', '.join(expected)}.")
    for key, (kind, fits) in expected.items():
        if not fits(content[key]):
            raise InputError(f"{where}: {key} is {content[key]!r}; expected {kind}.")


def read_augmentation(path: Path, name: str, entry: Any, methods: Sequence[str]) -> Augmentation:
    """One augmentation's entry."""
    if not isinstance(entry, dict):
        raise InputError(f"{path}: {name} is no object of entries.")
    if name in (PLAIN, RAW):
        raise InputError(f"{path}: an augmentation is called {name!r}, which is another network; call it otherwise.")
    style = entry.get(STYLE)
    if style is not None and style not in methods:
        raise InputError(
            f"{path}: style of {name} is {style!r}; expected one of the methods {', '.join(methods)}, "
            "whose networks store every look."
        )
    # What a bundle's entry may hold, may stand here, too; the bundle is that of the segmentation.
    rest = {key: value for key, value in entry.items() if key != STYLE}
    model = read_model(path, name, {"bundle": "segmentation", **rest})
    return Augmentation(model.title, model.overlays, model.train, style)
