"""Certificate of an item of inference, made where the network's input and output are still on one scale."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import ImageMetaKey, TransformBackends
from numpy.typing import NDArray

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.spacing import pixel_spacing_of
from monai_harmonize.networks.site_tone_curve import SiteToneCurve
from monai_harmonize.safety.certificate import Provenance, certify_measured
from monai_harmonize.safety.thresholds import load_thresholds

__all__ = ["CERTIFICATE", "MEASUREMENT", "CertifyHarmonizedd", "stored_levels"]

# Keys under which the results travel with the item.
CERTIFICATE, MEASUREMENT = "certificate", "measurement"
# Key under which ``HiddenCodeTestd`` leaves its result.
HIDDEN_CODE = "hidden_code"
NETWORK_RANGE = (-1.0, 1.0)


class CertifyHarmonizedd(MapTransform):
    """Certify what a network made of an image. It goes before ``RestoreGreyLevelsd``.

    Adds ``certificate`` and ``measurement`` to the item, so that what follows can decide by ``certificate.verdict``
    whether to write; ``CertificateWriter`` writes both.

    Args:
        keys: the one key of the result, ``(1, W, H[, D])``, on the scale ``grey_range``.
        guarantee_class: G0 to G4, as the bundle's metadata declare.
        image_key: key of the network's input, same shape and scale, with the metadata of ``LoadRadiograph``.
        bundle: name of the method.
        version: its version.
        weights_digest: of its weights, as ``digest_of_weights`` gives it.
        thresholds: file of ``save_thresholds``; the package's own by default.
        tone_curve: curve that the method applies, on the same scale.
        grey_range: the scale; [-1, 1] of ``ScaleGreyLevelsd`` or a named range of HU. What the source holds beyond
            it counts at its ends.

    Raises:
        InputError: there is no such class or thresholds file. At the call, ``ImageFileError`` names the image.
    """

    backend = (TransformBackends.NUMPY,)

    def __init__(
        self,
        keys: KeysCollection,
        guarantee_class: str,
        *,
        image_key: str = "image",
        bundle: str | None = None,
        version: str | None = None,
        weights_digest: str | None = None,
        thresholds: str | PathLike[str] | None = None,
        tone_curve: SiteToneCurve | None = None,
        grey_range: Sequence[float] = NETWORK_RANGE,
    ) -> None:
        super().__init__(keys)
        if len(self.keys) != 1:
            raise InputError(f"CertifyHarmonizedd takes one key, the result's; got {self.keys}")
        self.guarantee_class = guarantee_class
        self.image_key = image_key
        self.bundle, self.version = bundle, version
        self.weights_digest = weights_digest
        self.thresholds = load_thresholds(thresholds)
        # Now rather than at the first image.
        self.thresholds.of(guarantee_class)
        self.tone_curve = tone_curve
        self.grey_range = (float(grey_range[0]), float(grey_range[1]))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Certify the item's result."""
        item = dict(data)
        image, result = item[self.image_key], item[self.keys[0]]
        meta: Mapping[str, Any] = image.meta if isinstance(image, MetaTensor) else {}
        path = str(meta.get(ImageMetaKey.FILENAME_OR_OBJ, "image"))
        try:
            item[CERTIFICATE], item[MEASUREMENT] = certify_measured(
                _array(image, path),
                _array(result, path),
                guarantee_class=self.guarantee_class,
                thresholds=self.thresholds,
                grey_range=self.grey_range,
                clip_source=True,
                stored_levels=stored_levels(meta if self.grey_range == NETWORK_RANGE else self._on_scale(meta)),
                spacing=pixel_spacing_of(image),
                declared_curve=self._declared_curve(),
                hidden_code=item.get(HIDDEN_CODE),
                provenance=Provenance(
                    file=Path(path).name,
                    bundle=self.bundle,
                    version=self.version,
                    weights_digest=self.weights_digest,
                    polarity_turned=meta.get("polarity_turned"),
                    polarity_corrected=meta.get("polarity_corrected"),
                    template_correlation=meta.get("template_correlation"),
                ),
            )
        except ImageFileError:
            raise
        except InputError as error:
            raise ImageFileError(path, f"its result cannot be certified: {error}") from error
        return item

    def _on_scale(self, meta: Mapping[str, Any]) -> dict[str, Any]:
        return {**meta, "grey_range": self.grey_range}

    def _declared_curve(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        if self.tone_curve is None:
            return None
        knots, values = (
            levels.detach().cpu().numpy() for levels in (self.tone_curve.source_levels, self.tone_curve.target_levels)
        )
        return knots, values


def stored_levels(meta: Mapping[str, Any]) -> int:
    """How many grey levels a file can store on the range that was scaled to [-1, 1]; at most 65536.

    ``2 ** bits_stored``, or fewer where whole numbers of a narrower ``grey_range`` (a window of HU) are all there is.
    """
    levels = int(min(2 ** int(meta.get("bits_stored", 16)), 65536))
    low, high = meta.get("grey_range", (0.0, 65535.0))
    span = float(high) - float(low)
    return min(levels, int(span) + 1) if span.is_integer() and span >= 255 else levels


def _array(image: torch.Tensor, path: str) -> NDArray[np.float32]:
    if image.shape[0] != 1:
        raise ImageFileError(path, f"an image of shape {tuple(image.shape)}; expected one channel, (1, W, H[, D])")
    array: NDArray[np.float32] = image[0].detach().cpu().float().numpy()
    return np.asarray(array)
