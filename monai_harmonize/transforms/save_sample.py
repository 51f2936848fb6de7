"""Save a synthetic image, under a name and with a note that say so."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import nibabel
import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import TransformBackends
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from monai_harmonize import __version__
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.hounsfield import Window, hounsfield_range
from monai_harmonize.data.spacing import checked_spacing

logger = logging.getLogger(__name__)

__all__ = ["NOTE", "SaveSampleD", "SaveSampleDict", "SaveSampled", "sample_name"]

# An image that looks like a patient's must not be taken for one.
NOTE = "Synthetic image, of no patient"
HIGHEST = 2**16 - 1


class SaveSampled(MapTransform):
    """Write generated images as ``sample_0000.png`` of 16 bits, volumes as ``sample_0000.nii.gz``.

    The files say that they are synthetic and by what they were made: PNG in ``Description`` and ``Software``, NIfTI in
    ``descrip``. DICOM is not written, as it would enter archives among patients.

    Args:
        keys: of the images, ``(1, W, H[, D])`` in [-1, 1], which is black to white.
        output_dir: folder of the files; made if missing.
        number_key: entry with the number of the sample.
        bundle: name and version of the method.
        window: of volumes that are CT: -1 and 1 become its lowest and highest HU, stored as whole numbers of 16 bits.
            ``None``: volumes stay in [-1, 1], float32.
        spacing: mm along the axes of volumes, which run to the right, to the front and to the head; ``None``: 1 mm.

    Raises:
        InputError: no such window, or no spacing.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | PathLike[str],
        number_key: Hashable = "number",
        bundle: str = "",
        window: Window | None = None,
        spacing: Sequence[float] | None = None,
    ) -> None:
        super().__init__(keys)
        self.output_dir = Path(output_dir)
        self.number_key = number_key
        self.started = False
        self.maker = f"monai-harmonize {__version__} {bundle}".rstrip()
        self.hounsfield = None if window is None else hounsfield_range(window)
        self.affine = np.diag([*(checked_spacing(spacing, optional=True) or [1.0] * 3), 1.0])

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the images of an item, which stays as it is.

        Raises:
            ValueError: an image has more than one channel, or is neither an image nor a volume.
        """
        item = dict(data)
        if not self.started:
            self.started = True
            self.tell_others()
        for key in self.keys:
            self.save(item[key], int(item[self.number_key]))
        return item

    def tell_others(self) -> None:
        """Warn of samples that are there already: such of other numbers stay among the new ones."""
        others = len(list(self.output_dir.glob("sample_*.*")))
        if others:
            logger.warning(
                "%s: holds %d samples of an earlier run; those of other numbers stay. Take a new folder to keep apart "
                "what different weights or seeds drew.",
                self.output_dir,
                others,
            )

    def save(self, image: Tensor, number: int) -> Path:
        """Write one image; the file appears whole or not at all."""
        if image.ndim not in (3, 4) or image.shape[0] != 1:
            raise ValueError(f"a sample has shape {tuple(image.shape)}; expected (1, W, H) or (1, W, H, D)")
        grey = image[0].detach().cpu().float().clamp(-1, 1).numpy()
        path = self.output_dir / sample_name(number, grey.ndim)
        with atomic_path(path) as temporary:
            if grey.ndim == 2:
                text = PngInfo()
                text.add_text("Description", NOTE)
                text.add_text("Software", self.maker)
                stored = np.rint((grey.T + 1) / 2 * HIGHEST).astype(np.uint16)
                Image.fromarray(stored).save(temporary, format="PNG", pnginfo=text)
            else:
                nibabel.save(self.volume(grey), temporary)
        return path

    def volume(self, grey: NDArray[np.float32]) -> nibabel.Nifti1Image:
        """NIfTI image of a volume ``(W, H, D)`` in [-1, 1]."""
        stored: NDArray[np.generic] = grey
        if self.hounsfield is not None:
            low, high = self.hounsfield
            stored = np.rint(low + (grey.astype(np.float64) + 1) / 2 * (high - low)).astype(np.int16)
        volume = nibabel.Nifti1Image(stored, self.affine)
        volume.header.set_xyzt_units("mm")
        volume.header["descrip"] = f"{NOTE}; {self.maker}".encode()[:79]
        return volume


def sample_name(number: int, spatial_dims: int) -> str:
    """Name of the file of a sample."""
    return f"sample_{number:04d}{'.png' if spatial_dims == 2 else '.nii.gz'}"


SaveSampleD = SaveSampleDict = SaveSampled
