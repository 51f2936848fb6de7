"""Save a harmonized image as the file it came from: format, size, bit depth, spacing and polarity."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from os import PathLike
from typing import Any, ClassVar

from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import MetaKeys, TransformBackends

from monai_harmonize.data.dicom_series_writer import write_derived_series
from monai_harmonize.data.dicom_writer import write_derived_dicom
from monai_harmonize.data.nifti import write_like_nifti
from monai_harmonize.data.output_paths import OutputPaths
from monai_harmonize.data.png_writer import write_like_png
from monai_harmonize.data.writer_contract import Maker, source_path

__all__ = ["SaveLikeSource", "SaveLikeSourceD", "SaveLikeSourceDict", "SaveLikeSourced"]

WRITERS = {
    "dicom": write_derived_dicom,
    "dicom_series": write_derived_series,
    "png": write_like_png,
    "jpeg": write_like_png,
    "nifti": write_like_nifti,
}


class SaveLikeSource(Transform):
    """Write an image that was loaded by ``LoadRadiograph`` in its source's format.

    The new file, or the new folder of a DICOM series, has the source's name, with ``suffix`` before the extension, and
    the source's place below ``data_root``. No part of a path comes from a header.

    Args:
        output_dir: folder of the new files; made if missing.
        data_root: folder below which the sources' relative paths are kept; without it, and for sources outside it,
            files go into ``output_dir`` itself, and two sources of the same name are an error.
        suffix: text between name and extension.
        bundle: name and version of the method, written into the file's provenance and, for DICOM, its UIDs.
        weights_digest: as ``digest_of_weights`` gives it, written likewise: other weights make another image.
        variant: what else decides about the pixels; see ``Maker``.

    Raises:
        InputError: the digest is none.
        ValueError: the suffix holds a path separator.
    """

    backend: ClassVar = [TransformBackends.TORCH]

    def __init__(
        self,
        output_dir: str | PathLike[str],
        *,
        data_root: str | PathLike[str] | None = None,
        suffix: str = "",
        bundle: str = "",
        weights_digest: str = "",
        variant: str = "",
    ) -> None:
        self.paths = OutputPaths(output_dir, data_root, suffix)
        self.maker = Maker(bundle, weights_digest, variant=variant)

    def __call__(self, image: MetaTensor) -> MetaTensor:
        """Write one image.

        Args:
            image: ``(1, W, H)`` or ``(1, W, H, D)``, grey levels in the source's own unit, bright = dense,
                with the metadata of ``LoadRadiograph``.

        Returns:
            The same image; ``meta["saved_to"]`` is the path of the new file.

        Raises:
            ValueError: more than one channel, or metadata of another loader.
            ImageFileError: see the writers; or another source has
                been written to the same path.
        """
        source = source_path(image.meta)
        if image.shape[0] != 1:
            raise ValueError(
                f"{source}: its result has shape {tuple(image.shape)}; expected one channel, (1, W, H[, D])"
            )
        destination = self.paths.path_for(source)
        write = WRITERS[image.meta["source_format"]]
        pixels = image[0].detach().cpu().float().numpy()
        write(pixels, image.meta, destination, self.maker)
        image.meta[MetaKeys.SAVED_TO.value] = str(destination)
        return image


class SaveLikeSourced(MapTransform):
    """Dictionary version of ``SaveLikeSource``.

    Args:
        keys: keys of the images.
        output_dir: see ``SaveLikeSource``, as all further arguments.
        data_root: folder below which relative paths are kept.
        suffix: text between name and extension.
        bundle: name and version of the method.
        weights_digest: digest of its weights.
        variant: what else decides about the pixels; see ``Maker``.
        allow_missing_keys: do not fail where a key is absent.
    """

    backend: ClassVar = SaveLikeSource.backend

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | PathLike[str],
        *,
        data_root: str | PathLike[str] | None = None,
        suffix: str = "",
        bundle: str = "",
        weights_digest: str = "",
        variant: str = "",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.saver = SaveLikeSource(
            output_dir,
            data_root=data_root,
            suffix=suffix,
            bundle=bundle,
            weights_digest=weights_digest,
            variant=variant,
        )

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the images of an item."""
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.saver(item[key])
        return item


SaveLikeSourceD = SaveLikeSourceDict = SaveLikeSourced
