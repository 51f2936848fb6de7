"""A bundle: its folder, configurations, options and weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser, ConfigWorkflow

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.arguments import LEVEL, hint, unknown_options
from monai_harmonize.engines.weights import FittedBy, fitted_by, trained_settings

__all__ = ["BUNDLES", "Bundle", "find_bundle", "known_bundles", "read_config"]

BUNDLES = Path("bundles")
PACKAGE = Path(__file__).parents[1]
# Within the package where it was installed from a wheel, beside it in a checkout.
SHIPPED = PACKAGE / "bundles" if (PACKAGE / "bundles").is_dir() else PACKAGE.parent / "bundles"
# How the overlays of inference are called that belong to one of training.
FOR_INFERENCE = "_inference"


@dataclass(frozen=True)
class Bundle:
    """A folder with ``configs/*.json``.

    Args:
        root: the folder.
    """

    root: Path

    @property
    def metadata(self) -> dict[str, Any]:
        """Content of ``metadata.json``."""
        return read_config(self.root / "configs" / "metadata.json")

    @property
    def takes_one_image(self) -> bool:
        """Whether the network makes of one image another; some work on several images of a patient at once."""
        tensors = self.metadata["network_data_format"]
        return bool(tensors["inputs"]["image"]["num_channels"] == tensors["outputs"]["pred"]["num_channels"])

    def check_harmonizes_single_images(self) -> None:
        """Refuse a harmonizer that cannot work on one image after the other.

        Raises:
            InputError: it works on several images of a patient at once.
        """
        if "guarantee_class" in self.metadata and not self.takes_one_image:
            raise InputError(
                f"{self.root}: works on several images of a patient at once, which a manifest tells; run its "
                "inference.json with python -m monai.bundle, or name another bundle."
            )

    @property
    def weights(self) -> Path:
        """Where training leaves the weights and inference looks for them."""
        return self.root / "models" / "model.pt"

    def chosen_weights(self, checkpoint: Path | None) -> Path:
        """The weights of an option ``--checkpoint``: a file, a folder with ``model.pt``, or by default the bundle's."""
        chosen = self.weights if checkpoint is None else checkpoint
        return chosen / self.weights.name if chosen.is_dir() else chosen

    def config(self, name: str) -> Path:
        """A configuration by its name within the bundle, or a JSON file.

        Raises:
            InputError: there is neither.
        """
        for path in (self.root / "configs" / f"{name}.json", Path(name)):
            if path.is_file():
                return path
        known = ", ".join(sorted(path.stem for path in self.root.glob("configs/*.json")))
        raise InputError(f"{self.root}: has no configuration {name!r} and there is no such file; it has {known}.")

    def fit(self, overlays: Sequence[str]) -> FittedBy:
        """What is to be noted beside weights that were trained with some overlays.

        ``NAME`` of a training goes with ``NAME_inference`` of inference where the bundle has one. A JSON file of the
        user's is not noted: whoever gets the weights has not agreed to run it.
        """
        own = [name for name in overlays if (self.root / "configs" / f"{name}.json").is_file()]
        pairs = [(name, name + FOR_INFERENCE) for name in own]
        found = [pair if (self.root / "configs" / f"{pair}.json").is_file() else name for name, pair in pairs]
        return FittedBy(self.metadata["name"], found)

    def fitted_overlays(self, weights: Path) -> list[str]:
        """Overlays that inference needs for weights, as ``fit`` noted them; none where nothing is noted.

        Raises:
            InputError: the weights are another bundle's, or name an overlay that this one does not have.
        """
        fit = fitted_by(weights)
        if fit is None:
            return []
        if fit.bundle != self.metadata["name"]:
            raise InputError(f"{weights}: was fitted with the bundle {fit.bundle}; give it with --bundle.")
        for name in fit.overlays:
            if Path(name).name != name or not (self.root / "configs" / f"{name}.json").is_file():
                raise InputError(f"{weights}: was fitted with the overlay {name!r}, which {self.root} does not have.")
        return list(fit.overlays)

    def inference_settings(self, weights: Path, overlays: Sequence[str] = ()) -> dict[str, Any]:
        """What weights were trained with, as far as inference has an entry for it; see ``trained_settings``.

        The rest, such as the spacing at which a style was learned, is for those who use the network otherwise.
        """
        entries = self.entries("inference", overlays)
        return {name: value for name, value in trained_settings(weights).items() if name in entries}

    def files(self, kind: str, overlays: Sequence[str], options: Mapping[str, Any]) -> list[Path]:
        """The configurations ``kind`` and ``overlays``, with an entry for every option; errors as ``workflow``."""
        files = [self.config(name) for name in (kind, *overlays)]
        for file in files:
            read_config(file)
        try:
            content = ConfigParser.load_config_files(files)
        except (KeyError, IndexError, ValueError, TypeError) as error:
            told = ", ".join(overlays)
            raise InputError(f"{self.root}: {told} changes what {kind} does not have: {error}") from error
        for name, valid in unknown_options(content, options).items():
            option = name if LEVEL in name else "--" + name.replace("_", "-")
            raise InputError(
                f"{option}: the bundle {self.root.name} has no entry {name!r} and cannot do this.{hint({name: valid})}"
            )
        return files

    def entries(self, kind: str, overlays: Sequence[str] = ()) -> set[str]:
        """Names of the top-level entries of a configuration, which are what options may set."""
        content = {key for name in (kind, *overlays) for key in read_config(self.config(name))}
        return {key.replace("::", "#").split("#")[0] for key in content}

    def workflow(self, kind: str, overlays: Sequence[str], options: Mapping[str, Any]) -> ConfigWorkflow:
        """The bundle's ``train`` or ``inference``, ready to be initialized.

        Args:
            kind: name of the configuration and type of the workflow.
            overlays: see ``config``.
            options: values of top-level entries of the configuration.

        Raises:
            InputError: a configuration is missing, has no such entry or is of another kind; the message names it.
        """
        for name in overlays:
            if kind == "train" and name.endswith(FOR_INFERENCE):
                raise InputError(f"--overlay {name}: is of inference; fit with {name.removesuffix(FOR_INFERENCE)}.")
        files = self.files(kind, overlays, options)
        return ConfigWorkflow(
            config_file=[str(file) for file in files],
            workflow_type=kind,
            logging_file=False,
            bundle_root=str(self.root),
            **options,
        )


def read_config(path: Path) -> dict[str, Any]:
    """Content of a configuration.

    Raises:
        InputError: the file holds no JSON object.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: is no JSON file: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no JSON object of entries.")
    return content


def find_bundle(name: str) -> Bundle:
    """Look for a bundle as a path, then below ``./bundles``, then among those that came with the package.

    Raises:
        InputError: there is none; the message lists those that can be named.
    """
    for root in (Path(name), BUNDLES / name, SHIPPED / name):
        if (root / "configs" / "metadata.json").is_file():
            return Bundle(root)
    known = ", ".join(bundle.root.name for bundle in known_bundles())
    raise InputError(f"{name}: is no folder of a bundle and no name of one; there are {known or 'none'}.")


def known_bundles() -> list[Bundle]:
    """All bundles below ``./bundles`` and those that came with the package, by name; the former hide the latter."""
    found = {path.parents[1].name: path.parents[1] for folder in (SHIPPED, BUNDLES) for path in bundles_in(folder)}
    return [Bundle(found[name]) for name in sorted(found)]


def bundles_in(folder: Path) -> list[Path]:
    """The metadata of the bundles of a folder."""
    return sorted(folder.glob("*/configs/metadata.json"))
