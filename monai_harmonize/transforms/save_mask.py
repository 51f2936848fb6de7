"""Save the mask of a radiograph: PNG, or NIfTI where the radiograph is one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

import nibabel
import numpy as np
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import MetaKeys, TransformBackends
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from monai_harmonize import __version__
from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.data.writer_contract import check_writable, source_path

__all__ = ["SaveMask", "SaveMaskD", "SaveMaskDict", "SaveMaskd"]

INSIDE = 255


def write_mask_png(mask: NDArray[np.floating[Any]], meta: Mapping[str, Any], destination: Path, *, bundle: str) -> None:
    """Write a mask ``(W, H)`` of zeros and ones as an 8-bit PNG, 255 inside."""
    check_writable(mask, native_size(meta), source_path(meta), destination)
    software = PngInfo()
    software.add_text("Software", f"monai-harmonize {__version__} {bundle}".rstrip())
    with atomic_path(destination) as temporary:
        pixels = np.where(mask.T > 0, INSIDE, 0).astype(np.uint8)
        Image.fromarray(pixels).save(temporary, format="PNG", pnginfo=software)


def write_mask_nifti(
    mask: NDArray[np.floating[Any]], meta: Mapping[str, Any], destination: Path, *, bundle: str
) -> None:
    """Write a mask of zeros and ones as uint8 NIfTI with the source's shape and affine."""
    source = source_path(meta)
    check_writable(mask, native_size(meta), source, destination)
    shape, affine = native_size(meta), np.asarray(meta[MetaKeys.ORIGINAL_AFFINE.value], dtype=np.float64)
    if source.is_file():  # which may have further axes of length 1; a DICOM series is a folder
        original = nibabel.load(source)
        shape, affine = original.shape, original.affine
    result = nibabel.Nifti1Image((mask > 0).astype(np.uint8).reshape(shape, order="F"), affine)
    result.header["descrip"] = f"monai-harmonize {__version__} {bundle}".rstrip().encode()[:79]
    with atomic_path(destination) as temporary:
        nibabel.save(result, temporary)


def native_size(meta: Mapping[str, Any]) -> tuple[int, ...]:
    """Size ``(W, H)`` or ``(W, H, D)`` of the source."""
    return tuple(int(length) for length in meta[MetaKeys.SPATIAL_SHAPE.value])


class SaveMask(Transform):
    """Write a mask under its source's name: of NIfTI and DICOM series as NIfTI (1 inside), else as PNG (255 inside).

    DICOM segmentation objects are not written.

    Args:
        output_dir: folder of the masks; made if missing.
        data_root: folder below which the sources' relative paths are kept, see ``OutputPaths``.
        bundle: name and version of the method, written into the file's provenance.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self, output_dir: str | PathLike[str], *, data_root: str | PathLike[str] | None = None, bundle: str = ""
    ) -> None:
        self.png_paths = OutputPaths(output_dir, data_root, extension=".png")
        self.nifti_paths = OutputPaths(output_dir, data_root)
        self.series_paths = OutputPaths(output_dir, data_root, extension=".nii.gz")
        self.bundle = bundle

    def __call__(self, mask: MetaTensor) -> MetaTensor:
        """Write one mask.

        Args:
            mask: ``(1, W, H)`` or ``(1, W, H, D)``, 0 or 1, with the metadata of ``LoadRadiograph``.

        Returns:
            The same mask; ``meta["saved_to"]`` is the path of the new file.

        Raises:
            ValueError: more than one channel.
            ImageFileError: the size is not the source's, or another source has been written to the same path.
        """
        source = source_path(mask.meta)
        if mask.shape[0] != 1:
            raise ValueError(f"{source}: its mask has shape {tuple(mask.shape)}; expected one channel, (1, W, H[, D])")
        volumes = {"nifti": self.nifti_paths, "dicom_series": self.series_paths}
        paths = volumes.get(mask.meta["source_format"], self.png_paths)
        destination = paths.path_for(source)
        write = write_mask_png if paths is self.png_paths else write_mask_nifti
        write(mask[0].detach().cpu().float().numpy(), mask.meta, destination, bundle=self.bundle)
        mask.meta[MetaKeys.SAVED_TO.value] = str(destination)
        return mask


class SaveMaskd(MapTransform):
    """Dictionary version of ``SaveMask``.

    Args:
        keys: keys of the masks, ``(1, W, H[, D])``, 0 or 1.
        output_dir: see ``SaveLikeSource``, as the next argument.
        data_root: folder below which relative paths are kept.
        bundle: name and version of the method, written into the file's provenance.
        reference_key: item whose metadata tell the source, usually the network's input.
        allow_missing_keys: do not fail where a key is absent.
    """

    backend: ClassVar = SaveMask.backend

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | PathLike[str],
        *,
        data_root: str | PathLike[str] | None = None,
        bundle: str = "",
        reference_key: str = "image",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.reference_key = reference_key
        self.saver = SaveMask(output_dir, data_root=data_root, bundle=bundle)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the masks of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.saver(MetaTensor(item[key], meta=dict(item[self.reference_key].meta)))
        return item


SaveMaskD = SaveMaskDict = SaveMaskd
