"""Save a harmonization as a DICOM presentation state beside the untouched original."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import chain
from os import PathLike
from typing import Any, ClassVar

import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import MetaKeys, TransformBackends
from torch import Tensor, nn

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.data.presentation_lut import ToneCurve
from monai_harmonize.data.presentation_state import write_presentation_state
from monai_harmonize.data.writer_contract import Maker, source_path
from monai_harmonize.networks.tone_curve_generator import ToneCurveGenerator

__all__ = [
    "SavePresentationState",
    "SavePresentationStateD",
    "SavePresentationStateDict",
    "SavePresentationStated",
]

EXTENSION = ".pr.dcm"


class SavePresentationState(Transform):
    """Write the Grayscale Softcopy Presentation State of an image that was loaded by ``LoadRadiograph``.

    The new file has the source's name and place below ``data_root``, with ``.pr.dcm`` for its extension. Grey levels
    of the image are not looked at: the curve and the source's header say everything.

    Args:
        curve: increasing tone curve on [-1, 1], for example ``SiteToneCurve``; see ``write_presentation_state``. A
            module is called as it is at the time of the call, on its own device.
        output_dir: folder of the new files; made if missing.
        data_root: folder below which the sources' relative paths are kept; see ``SaveLikeSource``.
        bundle: name and version of the method.
        weights_digest: digest of its weights.
        variant: what else decides about the pixels; see ``Maker``.

    Raises:
        InputError: the curve is a network of another class than G0, or one that gives every image its own curve; or
            the digest is none.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self,
        curve: ToneCurve,
        output_dir: str | PathLike[str],
        *,
        data_root: str | PathLike[str] | None = None,
        bundle: str = "",
        weights_digest: str = "",
        variant: str = "",
    ) -> None:
        if getattr(curve, "guarantee_class", "G0") != "G0" or isinstance(curve, ToneCurveGenerator):
            raise InputError(
                "A presentation state holds one increasing curve for all images (class G0); fit the site's curve "
                "alone, without filter or curve per image, or write images."
            )
        self.curve = curve
        self.paths = OutputPaths(output_dir, data_root, extension=EXTENSION)
        self.maker = Maker(bundle, weights_digest, variant=variant)

    def __call__(self, image: MetaTensor) -> MetaTensor:
        """Write the state of one image.

        Args:
            image: any image with the metadata of ``LoadRadiograph``.

        Returns:
            The same image; ``meta["presentation_state"]`` and ``meta["saved_to"]`` are the path of the new file.

        Raises:
            ImageFileError: see ``write_presentation_state``; or another source has been written to the same path.
            InputError: see ``write_presentation_state``.
        """
        destination = self.paths.path_for(source_path(image.meta))
        write_presentation_state(self.on_device, image.meta, destination, self.maker)
        image.meta["presentation_state"] = image.meta[MetaKeys.SAVED_TO.value] = str(destination)
        return image

    def on_device(self, levels: Tensor) -> Tensor:
        """Apply the curve where its parameters are; levels come and go on the CPU."""
        if isinstance(self.curve, nn.Module):
            first = next(chain(self.curve.parameters(), self.curve.buffers()), levels)
            levels = levels.to(first.device)
        return torch.as_tensor(self.curve(levels)).cpu()


class SavePresentationStated(MapTransform):
    """Dictionary version of ``SavePresentationState``.

    Args:
        keys: keys of the images, usually the network's input.
        curve: see ``SavePresentationState``, as all further arguments.
        output_dir: folder of the new files.
        data_root: folder below which relative paths are kept.
        bundle: name and version of the method.
        weights_digest: digest of its weights.
        variant: what else decides about the pixels; see ``Maker``.
        allow_missing_keys: do not fail where a key is absent.
    """

    backend: ClassVar = SavePresentationState.backend

    def __init__(
        self,
        keys: KeysCollection,
        curve: ToneCurve,
        output_dir: str | PathLike[str],
        *,
        data_root: str | PathLike[str] | None = None,
        bundle: str = "",
        weights_digest: str = "",
        variant: str = "",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.saver = SavePresentationState(
            curve, output_dir, data_root=data_root, bundle=bundle, weights_digest=weights_digest, variant=variant
        )

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the states of an item's images."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.saver(item[key])
        return item


SavePresentationStateD = SavePresentationStateDict = SavePresentationStated
