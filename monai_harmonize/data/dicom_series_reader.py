"""Reader of a folder of DICOM slices as one volume."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ImageReader
from monai.utils import ensure_tuple
from numpy.typing import NDArray

from monai_harmonize.data.dicom_greyscale import GreyScale, is_ct, shown_inverted
from monai_harmonize.data.dicom_header import PixelFormat, damaged_values_named
from monai_harmonize.data.dicom_pixels import stored_values
from monai_harmonize.data.dicom_reader import read_dicom
from monai_harmonize.data.dicom_series import Series, read_series
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.polarity import turn_polarity
from monai_harmonize.data.reader_contract import radiograph_meta

__all__ = ["DicomSeriesReader"]


class DicomSeriesReader(ImageReader):
    """Read the slices of a folder as a volume, each through its own rescale, in the file's unit (HU in CT).

    One slice is decoded at a time, so that little more than the volume itself is in memory. Metadata: those of
    ``radiograph_meta``, ``voi_applied`` and ``is_ct``; ``grey_range`` spans that of all slices.

    Args:
        apply_voi: as for ``DicomRadiographReader``.
    """

    def __init__(self, apply_voi: bool = False) -> None:
        super().__init__()
        self.apply_voi = apply_voi

    def verify_suffix(self, filename: Sequence[PathLike[str] | str] | PathLike[str] | str) -> bool:
        """Whether the name is that of one folder."""
        names = ensure_tuple(filename)
        return len(names) == 1 and Path(names[0]).is_dir()

    def read(self, data: Sequence[PathLike[str] | str] | PathLike[str] | str, **_kwargs: Any) -> Series:
        """Read the headers of a folder.

        Args:
            data: path.

        Raises:
            ImageFileError: there is no such folder, or it does not hold the slices of one volume (``read_series``).
        """
        names = ensure_tuple(data)
        if not self.verify_suffix(data):
            raise ImageFileError(names[0] if names else "", "there is no such folder; give one folder of DICOM slices")
        return read_series(names[0])

    def get_data(self, img: Series) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Decode the slices.

        Returns:
            Grey levels ``(W, H, D)``, float32, each slice in one piece of memory; and the metadata.

        Raises:
            ImageFileError: a slice cannot be decoded; see ``DicomRadiographReader``.
        """
        columns, rows, number = img.shape
        volume = np.empty((number, rows, columns), np.float32)
        lows, highs, bits, turned, ct = [], [], 0, False, False
        for place, header in enumerate(img.slices):
            dataset = read_dicom(header.path)
            with damaged_values_named(header.path):
                pixels = PixelFormat.of(dataset, header.path)
                scale = GreyScale.of(dataset, pixels, header.path, self.apply_voi)
                grey = scale.to_grey(stored_values(dataset, pixels, header.path))
            turned = shown_inverted(dataset, pixels)
            ct = ct or is_ct(dataset)
            volume[place] = turn_polarity(grey, scale.grey_range) if turned else grey
            lows.append(scale.grey_range[0])
            highs.append(scale.grey_range[1])
            bits = max(bits, pixels.bits_stored)
        meta = radiograph_meta(
            affine=img.affine,
            spatial_shape=img.shape,
            grey_range=(min(lows), max(highs)),
            source_format="dicom_series",
            bits_stored=bits,
            polarity_turned=turned,
            spacing_known=True,
        )
        meta["voi_applied"] = self.apply_voi
        meta["is_ct"] = ct
        return volume.transpose(2, 1, 0), meta
