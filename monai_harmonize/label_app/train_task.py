"""Training of a bundle as a task of MONAI Label."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
from monailabel.interfaces.tasks.train import TrainTask
from monailabel.utils.others.generic import device_list

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.bundle import Bundle, read_config
from monai_harmonize.label_app.bundle_training import TrainOptions, train_bundle
from monai_harmonize.label_app.displayed_options import chosen_number
from monai_harmonize.label_app.infer_tasks import chosen_device
from monai_harmonize.label_app.publication import STATS
from monai_harmonize.label_app.served_bundles import Kind, kind_of
from monai_harmonize.label_app.studies import image_for
from monai_harmonize.label_app.train_records import Labelled

__all__ = ["BundleTrain", "train_tasks"]

TRAINABLE = (Kind.segmentation, Kind.classification)


class BundleTrain(TrainTask):
    """Train a segmentation or classification on the images with a final label; see ``train_bundle``.

    A request may hold ``max_epochs``, ``train_batch_size``, ``val_split``, ``pretrained`` and ``device``.

    Args:
        bundle: the model.
    """

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle.metadata["description"])
        self.bundle = bundle

    def config(self) -> dict[str, Any]:
        """What clients show among their options."""
        recipe = read_config(self.bundle.config("train"))
        return {
            "device": device_list(),
            "max_epochs": recipe["epochs"],
            "train_batch_size": recipe["batch_size"],
            "val_split": TrainOptions.val_split,
            "pretrained": TrainOptions.pretrained,
        }

    def stats(self) -> dict[str, Any]:
        """Numbers of the last training that finished."""
        path = self.bundle.weights.with_name(STATS)
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return found

    def __call__(self, request: Mapping[str, Any], datastore: Datastore) -> dict[str, Any]:
        """Train; errors as of ``train_bundle``."""
        given = {**self.config(), **{name: value for name, value in request.items() if value is not None}}
        if not isinstance(given["pretrained"], bool):
            raise InputError(f"pretrained is {given['pretrained']!r}; expected true or false.")
        options = TrainOptions(
            max_epochs=whole(chosen_number("max_epochs", given["max_epochs"])),
            val_split=chosen_number("val_split", given["val_split"]),
            pretrained=given["pretrained"],
            batch_size=whole(chosen_number("train_batch_size", given["train_batch_size"])),
            device=chosen_device(given["device"]),
        )
        return train_bundle(self.bundle, labelled_images(self.bundle, datastore), options)


def whole(number: float) -> Any:
    """A whole number as ``int``; another one stays what it is and is refused where its range is known."""
    return int(number) if number.is_integer() else number


def labelled_images(bundle: Bundle, datastore: Datastore) -> list[Labelled]:
    """Images with a final label; those of one patient are known as such where the store knows patients."""
    label_of = {pair["image"]: pair["label"] for pair in datastore.datalist()}
    found = []
    for image in sorted(datastore.get_labeled_images()):
        label = label_of.get(datastore.get_image_uri(image))
        if label is not None:
            patient = datastore.get_image_info(image).get("PatientID")
            segments = segments_of(datastore.get_label_info(image, DefaultLabelTag.FINAL))
            found.append(Labelled(image_for(bundle, datastore, image), Path(label), patient, segments))
    return found


def segments_of(info: Mapping[str, Any]) -> dict[str, int]:
    """Names and values of a mask's segments, as a viewer told with it; empty where it did not."""
    told = info.get("label_info")
    segments = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    named = {str(one.get("name")): one.get("idx", place) for place, one in enumerate(segments, start=1)}
    return {name: value for name, value in named.items() if isinstance(value, int)}


def train_tasks(bundles: Mapping[str, Bundle]) -> dict[str, BundleTrain]:
    """A task for every bundle that can be trained on labels."""
    return {name: BundleTrain(bundle) for name, bundle in bundles.items() if kind_of(bundle) in TRAINABLE}
