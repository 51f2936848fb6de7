"""Which bundles a server offers, and what they do."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.bundle import Bundle, bundles_in, known_bundles

__all__ = ["Kind", "kind_of", "label_names", "modality_of", "reads_dicom", "served_bundles"]

logger = logging.getLogger(__name__)

# Entries of inference.json by which a bundle takes one image and leaves its result in a folder.
NEEDED = {"inputs", "checkpoint", "output_dir", "evaluator"}
# Of the command line; the last is MONAI Label's own.
CONF = ("bundles", "models", "look", "server_mode")


class Kind(str, Enum):
    """What a bundle makes of an image."""

    harmonizer = "harmonizer"
    segmentation = "segmentation"
    classification = "classification"


def kind_of(bundle: Bundle) -> Kind | None:
    """What a bundle does by its metadata, never by its folder's name; ``None`` for what this app does not serve."""
    metadata = bundle.metadata
    if "guarantee_class" in metadata:
        return Kind.harmonizer if bundle.takes_one_image else None
    output = metadata["network_data_format"]["outputs"]["pred"]["format"]
    return {"segmentation": Kind.segmentation, "classes": Kind.classification}.get(output)


def modality_of(bundle: Bundle) -> str:
    """``"CR"`` for radiographs, ``"CT"``."""
    return str(bundle.metadata["network_data_format"]["inputs"]["image"]["modality"])


def label_names(bundle: Bundle) -> list[str]:
    """What a segmentation marks or a classification finds."""
    channels = bundle.metadata["network_data_format"]["outputs"]["pred"]["channel_def"]
    return [str(name) for _, name in sorted(channels.items())]


def reads_dicom(bundle: Bundle) -> bool:
    """Whether a model is given the DICOM files themselves where the server has them as a volume, too.

    Masks of CT are drawn on the volume that the client shows. A conversion loses the polarity of a radiograph and
    everything by which a derived DICOM file could be written.
    """
    return kind_of(bundle) is not Kind.segmentation or modality_of(bundle) != "CT"


def served_bundles(conf: Mapping[str, str]) -> dict[str, Bundle]:
    """Bundles by name, those without weights too: they can be trained on the server and are served from then on.

    Args:
        conf: of the command line: ``bundles``, a folder (by default those below ``./bundles`` and those that came with
            the package), and ``models``, names separated by commas (all by default).

    Raises:
        InputError: there is no such option or folder, it holds no bundle, or not one that ``models`` names.
    """
    if unknown := [name for name in conf if name not in CONF]:
        raise InputError(f"--conf {unknown[0]}: there is no such option; there are {', '.join(CONF[:3])}.")
    found = {bundle.root.name: bundle for bundle in bundles_of(conf) if is_served(bundle)}
    if not found:
        raise InputError("there is no bundle that can be served; name another folder with --conf bundles DIR.")
    wanted = [name.strip() for name in conf.get("models", "").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in found]:
        raise InputError(f"--conf models: there is no bundle {', '.join(unknown)}; there are {', '.join(found)}.")
    chosen = {name: found[name] for name in wanted or found}
    for name, bundle in chosen.items():
        if not bundle.weights.is_file():
            logger.warning(
                "%s has no weights and is not served. Train it (its train.json, or POST /train/%s for a segmentation "
                "or a classification), or put them at %s; no restart is needed.",
                name,
                name,
                bundle.weights,
            )
    return chosen


def bundles_of(conf: Mapping[str, str]) -> list[Bundle]:
    """Bundles by the package's own lookup, or of the folder that was named; their paths are absolute."""
    if "bundles" not in conf:
        return [Bundle(bundle.root.resolve()) for bundle in known_bundles()]
    folder = Path(conf["bundles"])
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of bundles; name it with --conf bundles DIR.")
    return [Bundle(path.parents[1].resolve()) for path in bundles_in(folder)]


def is_served(bundle: Bundle) -> bool:
    """Whether a bundle is of a kind that this app knows; what is left out is told."""
    if kind_of(bundle) is not None and bundle.entries("inference") >= NEEDED:
        return True
    logger.warning(
        "%s is neither a harmonizer nor a segmentation nor a classification of single images and is not served.",
        bundle.root,
    )
    return False
