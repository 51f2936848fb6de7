"""A bundle as a model of MONAI Label.

MONAI Label's own bundle task takes preprocessing and network out of the configuration, drops the writer, restores by
nearest neighbour and loads weights that do not fit. Here the bundle's inference runs as a whole, so that an answer is
what the command line writes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import torch
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.utils.others.generic import device_list, name_to_device

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.bundle_inference import Written, run_inference
from monai_harmonize.label_app.displayed_options import chosen_name, chosen_options, displayed_options
from monai_harmonize.label_app.mask_format import centroids, in_wanted_format
from monai_harmonize.label_app.publication import is_pending
from monai_harmonize.label_app.result_file import result_file
from monai_harmonize.label_app.served_bundles import Kind, kind_of, label_names, modality_of

__all__ = ["NO_HARMONIZER", "BundleInfer", "infer_tasks"]

logger = logging.getLogger(__name__)

NO_HARMONIZER = "none"
TYPES = {
    Kind.harmonizer: InferType.OTHERS,
    Kind.segmentation: InferType.SEGMENTATION,
    Kind.classification: InferType.CLASSIFICATION,
}
# Of one channel: inside is 1.
INSIDE = 1


class BundleInfer(InferTask):
    """A bundle's inference; segmentations and classifications take a harmonizer in front.

    A request may hold ``image`` (a file or a DICOM folder), ``device`` and the options that the bundle displays; for
    models that read images ``harmonizer``, the name of one, with the options which that displays; for segmentations
    ``result_extension``.

    Args:
        bundle: the model.
        harmonizers: by name, those that may stand in front; none of a harmonizer.
    """

    def __init__(self, bundle: Bundle, harmonizers: Mapping[str, Bundle]) -> None:
        metadata = bundle.metadata
        kind = kind_of(bundle)
        if kind is None:
            raise InputError(f"{bundle.root}: is neither a harmonizer nor a segmentation nor a classification.")
        self.bundle, self.kind, self.harmonizers = bundle, kind, dict(harmonizers)
        self.version = metadata["version"]
        names = label_names(bundle)
        labels: Any = {Kind.segmentation: dict.fromkeys(names, INSIDE), Kind.classification: names}.get(kind, [])
        super().__init__(TYPES[kind], labels, 3 if modality_of(bundle) == "CT" else 2, metadata["description"])
        self.displayed = displayed_options(bundle)

    def config(self) -> dict[str, Any]:
        """What clients show among their options; the harmonizers are those that have weights now."""
        trained = [name for name, bundle in self.harmonizers.items() if bundle.weights.is_file()]
        front = {"harmonizer": [NO_HARMONIZER, *trained]} if self.kind is not Kind.harmonizer else {}
        return {"device": device_list(), **front, **self.displayed}

    def info(self) -> dict[str, Any]:
        """What ``/info/`` tells of the model."""
        guarantee = {"guarantee_class": self.bundle.metadata["guarantee_class"]} if not self.labels else {}
        return {**super().info(), "version": self.version, **guarantee}

    def is_valid(self) -> bool:
        """Whether there are weights now."""
        return self.bundle.weights.is_file() or is_pending(self.bundle.weights)

    def get_path(self, validate: bool = True) -> str | None:
        """File of the weights."""
        return str(self.bundle.weights) if self.is_valid() or not validate else None

    def __call__(self, request: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Work on one image.

        Returns:
            Path of a temporary file with the image or mask (``None`` of a classification), and what to tell: of a
            harmonizer ``verdict`` and ``certificates``, of a classification ``prediction``.

        Raises:
            InputError: see ``run_inference``; or the request names something that is not offered.
        """
        started = monotonic()
        image, device = Path(request["image"]), chosen_device(request.get("device"))
        told: dict[str, Any] = {"model": self.bundle.root.name, "version": self.version}
        with TemporaryDirectory(prefix="label_app_") as folder:
            front = self.harmonizer(request)
            if front is not None:
                options = {**chosen_options(displayed_options(front), request), "device": device}
                harmonized = run_inference(front, image, Path(folder) / "harmonized", options)
                told["harmonizer"] = {"model": front.root.name, **judged(harmonized)}
                image = harmonized.folder if image.is_dir() else harmonized.images[0]
            options = {**chosen_options(self.displayed, request), "device": device}
            written = run_inference(self.bundle, image, Path(folder) / "result", options)
            result = None if self.kind is Kind.classification else result_file(written.images)
            told |= self.tell(written)
            if result is not None and self.kind is Kind.segmentation:
                told["centroids"] = centroids(result, self.labels)
                result = in_wanted_format(result, request)
        told["latencies"] = {"total": round(monotonic() - started, 3)}
        return None if result is None else str(result), told

    def harmonizer(self, request: Mapping[str, Any]) -> Bundle | None:
        """The harmonizer that a request wants in front, if any."""
        choices = [NO_HARMONIZER, *self.harmonizers]
        wanted = request.get("harmonizer") or NO_HARMONIZER
        if self.kind is Kind.harmonizer or isinstance(wanted, list):  # a list: nothing chosen of what was shown
            return None
        name = chosen_name("harmonizer", choices, wanted)
        return None if name == NO_HARMONIZER else self.harmonizers[name]

    def tell(self, written: Written) -> dict[str, Any]:
        """What stands beside the result."""
        if self.kind is Kind.harmonizer:
            return judged(written)
        if self.kind is Kind.segmentation:
            return {"label_names": self.labels}
        found = written.probabilities
        if len(found) > 1:
            raise InputError(f"the image holds {len(found)} radiographs; give one of them.")
        (probability, above), name = found[0], self.labels[0]
        return {
            "prediction": [{"idx": 0, "label": name, "score": probability}],
            "threshold": written.settings["threshold"],
            "above_threshold": above,
        }


def judged(written: Written) -> dict[str, Any]:
    """Certificates of harmonized images; they hold their class and every number."""
    return {"verdict": written.verdict, "certificates": written.certificates}


def chosen_device(given: object) -> torch.device:
    """A device by its own name or by that which MONAI Label displays; ``cuda`` is the processor where there is none.

    Raises:
        InputError: there is none of that name.
    """
    shown = given[0] if isinstance(given, list) and given else given
    found = name_to_device(shown) if shown is None or isinstance(shown, str) else None
    if found not in {"cpu", "cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))}:
        raise InputError(f"device is {given!r}; expected one of {', '.join(device_list())}.")
    return torch.device(found)


def infer_tasks(bundles: Mapping[str, Bundle]) -> dict[str, BundleInfer]:
    """A task for every bundle, each with the harmonizers of its modality."""
    harmonizers = {name: bundle for name, bundle in bundles.items() if kind_of(bundle) is Kind.harmonizer}
    return {
        name: BundleInfer(
            bundle,
            {
                front: other
                for front, other in harmonizers.items()
                if name not in harmonizers and modality_of(other) == modality_of(bundle)
            },
        )
        for name, bundle in bundles.items()
    }
