"""Active learning: the images that look least like those of the training come first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.tasks.strategy import Strategy

from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.image_looks import (
    LOOK,
    ImageLooks,
    Look,
    farthest_first,
    load_look,
    look_of_reference,
)
from monai_harmonize.label_app.served_bundles import Kind, kind_of, modality_of
from monai_harmonize.label_app.studies import image_for

__all__ = ["FarthestLook"]

REFERENCE = "reference.json"


class FarthestLook(Strategy):
    """Offer the unlabelled image whose grey levels lie farthest from the look that a model was trained on.

    That look is the one noted by a training on the server (``look.json`` beside the weights), else the mean of the
    labelled images, else the target site's of a harmonizer of the same modality (``reference.json``). Images that
    cannot be read are never offered; equals come in the order of their names.

    Args:
        bundles: by name; the first that reads images is asked by default.
        model: name of another default.

    Raises:
        InputError: ``model`` is none of those that this strategy can ask.
    """

    def __init__(self, bundles: Mapping[str, Bundle], model: str | None = None) -> None:
        super().__init__("Images whose look is farthest from that of the training first")
        reading = {name: bundle for name, bundle in bundles.items() if kind_of(bundle) is not Kind.harmonizer}
        # Harmonizers of CT work in Hounsfield units, the other models on the scale [-1, 1].
        others = {name: bundle for name, bundle in bundles.items() if modality_of(bundle) != "CT"}
        self.bundles, self.models = dict(bundles), {**reading, **others}
        self.looks: dict[str, ImageLooks] = {}
        self.model = model or next(iter(self.models), None)
        if model is not None:
            self.chosen({"model": model})

    def chosen(self, request: Mapping[str, Any]) -> str:
        """Name of the model that a request asks.

        Raises:
            InputError: there is none of that name.
        """
        name = request.get("model") or self.model
        if not isinstance(name, str) or name not in self.models:
            raise InputError(f"model is {name!r}; expected one of {', '.join(self.models) or 'none is served'}.")
        return name

    def __call__(self, request: Mapping[str, Any], datastore: Datastore) -> dict[str, Any] | None:
        """The farthest unlabelled image.

        Args:
            request: may hold ``model``.
            datastore: of the studies.

        Returns:
            ``id``, ``distance`` (share of the grey scale), ``model``, ``reference`` (where the look is from) and
            ``unreadable`` (how many were left out); ``None`` when no unlabelled image can be read.

        Raises:
            InputError: there is no such model or no look to compare with.
        """
        name = self.chosen(request)
        images = self.looks.setdefault(name, ImageLooks(self.bundles[name]))
        reference, origin = self.reference(name, images, datastore)
        unlabelled = sorted(datastore.get_unlabeled_images(request.get("label_tag"), request.get("labels")))
        looks = {image: images.look(image_for(self.bundles[name], datastore, image)) for image in unlabelled}
        ranked = farthest_first(looks, reference)
        if not ranked:
            return None
        image, distance = ranked[0]
        told = {"model": name, "reference": origin, "unreadable": len(looks) - len(ranked)}
        return {"id": image, "distance": distance, **told}

    def reference(self, name: str, images: ImageLooks, datastore: Datastore) -> tuple[Look, str]:
        """The look of the training, and where it is from."""
        own = self.bundles[name].weights.with_name(LOOK)
        if own.is_file():
            return load_look(own), LOOK
        labelled = sorted(datastore.get_labeled_images())
        if labelled:
            paths = [image_for(self.bundles[name], datastore, image) for image in labelled]
            return images.pooled(paths), "labelled images"
        modality = modality_of(self.bundles[name])
        for other, bundle in self.bundles.items():
            path = bundle.weights.with_name(REFERENCE)
            if modality_of(bundle) == modality and path.is_file():
                return look_of_reference(path), f"{REFERENCE} of {other}"
        raise InputError(
            f"there is no look of the training of {name}: label an image, train it on this server, or serve a trained "
            "histogram_cxr."
        )
