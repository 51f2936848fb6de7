"""All images of a patient as the channels of one tensor."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import torch
from monai.data import MetaTensor
from monai.transforms import Resize, Transform
from monai.utils import ImageMetaKey, TransformBackends
from torch import Tensor

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.networks.collaborative_translator import BACKGROUND
from monai_harmonize.transforms.load_radiograph import LoadRadiograph
from monai_harmonize.transforms.scale_grey_levels import ScaleGreyLevels

__all__ = ["StackContrastsD", "StackContrastsDict", "StackContrastsd"]

# By how much the aspect ratios of the images of one patient may differ.
TOLERANCE = 0.02


class StackContrastsd(Transform):
    """Load the records of ``contrasts_of_patients``.

    ``image`` becomes the first of them, ``(1, W, H)`` in [-1, 1] with its metadata; ``contrasts`` all of them,
    ``(N, w, h)``, resized to each other and -1 where one is missing; ``target`` a tensor. Other entries stay behind.

    Args:
        size: ``w`` and ``h`` of all but ``image``; ``None``: those of ``image``.
        with_label: load the image that is to be filled in, too: ``label``, ``(1, w, h)``, and its path,
            ``filename_or_obj``, by which MONAI's ``MetricsSaver`` names a row.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(self, size: int | None = None, with_label: bool = False) -> None:
        self.size = size
        self.with_label = with_label
        self.load = LoadRadiograph()
        self.scale = ScaleGreyLevels()

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load the images of an item.

        Raises:
            ImageFileError: the patient has no other image than the one to fill in, the images show fields of different
                shapes, or one of them cannot be read.
        """
        images = [None if record is None else self.loaded(record) for record in data["contrasts"]]
        found = [image for image in images if image is not None]
        if not found:
            raise ImageFileError(
                data["image"],
                "is the only image of its patient, and none is left to fill in from; add one to the manifest",
            )
        first = found[0]
        size = tuple(first.shape[1:]) if self.size is None else (self.size, self.size)
        missing = torch.full((1, *size), BACKGROUND)
        stack = torch.cat([missing if image is None else resized(image, first, size) for image in images])
        item: dict[Hashable, Any] = {"image": first, "contrasts": stack, "target": torch.tensor(data["target"])}
        if self.with_label:
            label = data["label"]
            item |= {
                "label": resized(self.loaded(label), first, size),
                ImageMetaKey.FILENAME_OR_OBJ: label["image"],
            }
        return item

    def loaded(self, record: Mapping[Hashable, Any]) -> Tensor:
        """Image of a record, ``(1, W, H)`` in [-1, 1]."""
        return self.scale(self.load(record["image"], record["polarity"]))


def resized(image: Tensor, first: Tensor, size: tuple[int, ...]) -> Tensor:
    """The image at another size, without its metadata.

    Raises:
        ImageFileError: it cannot show the same field as the first, whose sides have another ratio.
    """
    ratio = image.shape[1] * first.shape[2] / (image.shape[2] * first.shape[1])
    if abs(ratio - 1) > TOLERANCE:
        sizes = ["x".join(map(str, one.shape[1:])) for one in (image, first)]
        meta = image.meta if isinstance(image, MetaTensor) else {}
        raise ImageFileError(
            meta.get(ImageMetaKey.FILENAME_OR_OBJ, "image"),
            f"has {sizes[0]} pixels and another image of its patient {sizes[1]}; expected images of the same field, "
            "registered to each other",
        )
    plain = torch.as_tensor(image).as_subclass(Tensor)
    return (
        plain
        if tuple(plain.shape[1:]) == size
        else torch.as_tensor(Resize(size, mode="area")(plain)).as_subclass(Tensor)
    )


StackContrastsD = StackContrastsDict = StackContrastsd
