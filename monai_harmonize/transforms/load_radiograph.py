"""Load a radiograph or volume of any supported format, bright = dense, in the file's own grey unit."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from os import PathLike, fspath
from typing import Any, ClassVar

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import ImageMetaKey, MetaKeys, TransformBackends

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.formats import reader_for
from monai_harmonize.data.polarity import INVERTED, NORMAL, turn_polarity

__all__ = ["LoadRadiograph", "LoadRadiographD", "LoadRadiographDict", "LoadRadiographd"]


class LoadRadiograph(Transform):
    """Read one DICOM, PNG, JPEG or NIfTI file, the format told by its content, or a folder with one DICOM series.

    The image is ``(1, W, H)`` or ``(1, W, H, D)``, float32, in the file's own unit (after the modality LUT;
    HU in CT), bright = dense, all values finite. Its metadata are those of ``radiograph_meta``:
    ``grey_range`` gives the unit's nominal bounds, ``polarity_turned`` what ``SaveLikeSource`` turns back.

    Args:
        apply_voi: apply the VOI LUT or window of DICOM files; such images cannot be saved like their source.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(self, apply_voi: bool = False) -> None:
        self.apply_voi = apply_voi

    def __call__(self, filename: str | PathLike[str], polarity: str = NORMAL) -> MetaTensor:
        """Load a file.

        Args:
            filename: path of a file, or of the folder of a series.
            polarity: ``"inverted"`` where the file was published with dense structures dark against its
                format's own rule, else ``"normal"``.

        Raises:
            ImageFileError: the file cannot be read rightly (see the readers), holds NaN or infinity, or the
                polarity is none of the two.
        """
        if polarity not in (NORMAL, INVERTED):
            raise ImageFileError(filename, f"its polarity is {polarity!r}; expected {NORMAL!r} or {INVERTED!r}")
        reader = reader_for(filename, self.apply_voi)
        array, meta = reader.get_data(reader.read(filename))
        wrong = array.size - int(np.count_nonzero(np.isfinite(array)))
        if wrong:
            raise ImageFileError(filename, f"{wrong} of {array.size} values are NaN or infinite; repair it")
        image = torch.from_numpy(array)[None]
        if polarity == INVERTED:
            image = turn_polarity(image, meta["grey_range"])
            meta["polarity_turned"] = not meta["polarity_turned"]
        meta[ImageMetaKey.FILENAME_OR_OBJ] = fspath(filename)
        meta[MetaKeys.ORIGINAL_AFFINE.value] = torch.as_tensor(meta[MetaKeys.ORIGINAL_AFFINE.value])
        return MetaTensor(image, meta=meta)


class LoadRadiographd(MapTransform):
    """Dictionary version of ``LoadRadiograph``: paths in, images out.

    Args:
        keys: keys of the paths.
        polarity_key: key of the polarity that a manifest gives, for all ``keys``; absent means normal.
        apply_voi: see ``LoadRadiograph``.
        allow_missing_keys: do not fail where a key is absent.
    """

    backend: ClassVar = LoadRadiograph.backend

    def __init__(
        self,
        keys: KeysCollection,
        polarity_key: Hashable = "polarity",
        apply_voi: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.polarity_key = polarity_key
        self.loader = LoadRadiograph(apply_voi=apply_voi)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Load the files of an item; the item itself is not changed."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.loader(item[key], item.get(self.polarity_key) or NORMAL)
        return item


LoadRadiographD = LoadRadiographDict = LoadRadiographd
