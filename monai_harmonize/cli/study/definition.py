"""What a study compares, as a JSON file says it: the classifier and the methods, each a bundle with options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from monai_harmonize.cli.study.names import code_in, problem_of_name
from monai_harmonize.data import InputError
from monai_harmonize.engines.bundle import Bundle, find_bundle, read_config
from monai_harmonize.evaluation.classification.study_folder import OWN, RAW

__all__ = ["DEFINITIONS", "Definition", "Model", "find_definition"]

# Definitions that come with the package; any other is named by its file.
DEFINITIONS = Path(__file__).parent


def is_text(value: Any) -> bool:
    """Whether it is a text of some letters."""
    return isinstance(value, str) and bool(value.strip())


def are_texts(value: Any) -> bool:
    """Whether it is a list of texts, which may be empty."""
    return isinstance(value, list) and all(map(is_text, value))


# What an entry of a bundle must be.
Check = tuple[str, Callable[[Any], bool]]
TEXT: Check = ("a text", is_text)
TEXTS: Check = ("a list of texts", are_texts)
ENTRIES: Check = ("an object of entries", lambda value: isinstance(value, dict))
EXPECTED: Mapping[str, Check] = {
    "bundle": TEXT,
    "title": TEXT,
    "overlays": TEXTS,
    "train": ENTRIES,
    "inference": ENTRIES,
    "inference_overlays": TEXTS,
    "reverse": ("a text or null", lambda value: value is None or is_text(value)),
    "learns_from_source": ("true or false", lambda value: isinstance(value, bool)),
}


@dataclass(frozen=True)
class Model:
    """A bundle and how it is used.

    Args:
        bundle: its name below ``./bundles``, or its folder.
        title: what tables and figures call it.
        overlays: further configurations of its training.
        train: values of top-level entries of its training.
        inference: values of top-level entries of its inference.
        inference_overlays: further configurations of its inference that do not follow from ``overlays``.
        reverse: overlay of inference for the other direction where one training yields both; weights are then
            ``model_b2a.pt``.
        learns_from_source: whether its training looks at images of the source site.
    """

    bundle: str
    title: str
    overlays: tuple[str, ...] = ()
    train: Mapping[str, Any] = field(default_factory=dict)
    inference: Mapping[str, Any] = field(default_factory=dict)
    inference_overlays: tuple[str, ...] = ()
    reverse: str | None = None
    learns_from_source: bool = True

    def find(self) -> Bundle:
        """The bundle.

        Raises:
            InputError: there is none of this name.
        """
        return find_bundle(self.bundle)

    @property
    def configurations_of_inference(self) -> list[str]:
        """Overlays of inference, those that belong to training's first."""
        return [*self.find().fit(self.overlays).overlays, *self.inference_overlays]


@dataclass(frozen=True)
class Definition:
    """A classifier and the methods that are put in front of it.

    Args:
        classifier: a bundle that reads images.
        methods: harmonizers by the name that their folders bear.
    """

    classifier: Model
    methods: Mapping[str, Model]

    def only(self, names: list[str] | None) -> Definition:
        """The same with some of the methods.

        Raises:
            InputError: a name is none of them.
        """
        unknown = sorted(set(names or ()) - set(self.methods))
        if unknown:
            raise InputError(f"--method {unknown[0]}: is not in the study, which has {', '.join(self.methods)}.")
        chosen = {name: model for name, model in self.methods.items() if names is None or name in names}
        return Definition(self.classifier, chosen)


def find_definition(name: str) -> Definition:
    """Read a definition of the package by its name, or a file.

    Raises:
        InputError: there is neither, or an entry is missing, unknown, wrong or code.
    """
    known = {path.stem: path for path in sorted(DEFINITIONS.glob("*.json"))}
    path = known.get(name, Path(name))
    if not path.is_file():
        raise InputError(f"--definition {name}: is no file and none of {', '.join(known)}.")
    content = read_config(path)
    missing = [entry for entry in ("classifier", "methods") if not isinstance(content.get(entry), dict)]
    if missing:
        raise InputError(f"{path}: has no {missing[0]!r}, or it is no object of entries.")
    classifier = read_model(path, "classifier", content["classifier"])
    if not content["methods"]:
        raise InputError(f"{path}: 'methods' is empty; expected one bundle with options at least.")
    return Definition(classifier, {key: read_model(path, key, entry) for key, entry in content["methods"].items()})


def read_model(path: Path, name: str, entry: Any) -> Model:
    """One bundle's entry."""
    valid = [each.name for each in fields(Model)]
    if not isinstance(entry, dict):
        raise InputError(f"{path}: {name} is no object of entries; its entries are {', '.join(valid)}.")
    unknown = sorted(set(entry) - set(valid))
    if unknown or "bundle" not in entry:
        problem = f"unknown {unknown[0]!r}" if unknown else "no 'bundle'"
        raise InputError(f"{path}: {name} has {problem}; its entries are {', '.join(valid)}.")
    for key, value in entry.items():
        expected, fits = EXPECTED[key]
        if not fits(value):
            raise InputError(f"{path}: {key} of {name} is {value!r}; expected {expected}.")
        for part in code_in(value):
            raise InputError(
                f"{path}: {key} of {name} holds {part!r}, which a configuration takes for code; a definition holds "
                "plain values. Write it into a configuration of your own and name that among the overlays."
            )
    refused = problem_of_name(name)
    if refused is not None:
        raise InputError(f"{path}: the method {name!r} {refused}; call it otherwise.")
    if name in (OWN, RAW):
        raise InputError(f"{path}: a method is called {name!r}, which is the name of other scores; call it otherwise.")
    lists = {key: tuple(entry[key]) for key in ("overlays", "inference_overlays") if key in entry}
    return Model(**{"title": name, **entry, **lists})
