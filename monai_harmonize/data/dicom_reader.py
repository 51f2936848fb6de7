"""Reader of single-frame grey DICOM images: CR, DX, digitised film and CT slices."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
from monai.data import ImageReader
from monai.utils import ensure_tuple
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from monai_harmonize.data.dicom_geometry import image_affine, pixel_spacing
from monai_harmonize.data.dicom_greyscale import GreyScale, is_ct, shown_inverted
from monai_harmonize.data.dicom_header import PixelFormat, damaged_values_named
from monai_harmonize.data.dicom_pixels import stored_values
from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.polarity import turn_polarity
from monai_harmonize.data.reader_contract import radiograph_meta, single_path

__all__ = ["DicomRadiographReader", "read_dicom"]

DICOM_SUFFIXES = (".dcm", ".dicom", ".dic", ".ima")


def read_dicom(path: str | PathLike[str], header_only: bool = False) -> Dataset:
    """Parse a DICOM file; the preamble may be missing where the file name ends in ``.dcm`` or the like.

    Args:
        path: file.
        header_only: leave out Pixel Data (7FE0,0010) and what follows.

    Raises:
        ImageFileError: the file is no DICOM file or is too damaged to be parsed.
    """
    headerless = str(path).lower().endswith(DICOM_SUFFIXES)
    try:
        with disable_value_validation():  # its warnings show values, which may be the patient's
            dataset = dcmread(path, force=headerless, stop_before_pixels=header_only)
            known = "Rows" in dataset or "SOPClassUID" in dataset or "PixelData" in dataset
    except (
        InvalidDicomError,
        BytesLengthException,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        NotImplementedError,
    ) as error:
        raise ImageFileError(path, f"not a DICOM file or damaged; check or get it again: {error}") from error
    if not known:
        raise ImageFileError(path, "not a DICOM file, or truncated within its header; check or get it again")
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if not dataset.file_meta.get("TransferSyntaxUID"):
        # Files of the ACR-NEMA age and bare data sets are uncompressed; pydicom has found out the encoding.
        implicit = dataset.is_implicit_VR
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return dataset


class DicomRadiographReader(ImageReader):
    """Read one grey frame as MONAI expects, in the MONOCHROME2 sense (bright = dense), in the file's unit.

    Modality LUT or rescale, then VOI LUT or window on request, then the turn of MONOCHROME1 (``shown_inverted``; not
    in CT): a value becomes ``low + high - value`` in the nominal ``grey_range`` that the stored bits allow (with a
    LUT: in the range of its entries). Pixels of Pixel Padding Value (0028,0120) are read like all others; the writer
    gives them back untouched.

    Metadata: those of ``radiograph_meta``, ``voi_applied`` and ``is_ct``; nothing of the patient.

    Args:
        apply_voi: apply the first VOI LUT (0028,3010) or window (0028,1050), if there is one. Such an image
            is for viewing: it cannot be written back.
    """

    def __init__(self, apply_voi: bool = False) -> None:
        super().__init__()
        self.apply_voi = apply_voi

    def verify_suffix(self, filename: Sequence[PathLike[str] | str] | PathLike[str] | str) -> bool:
        """Whether the names can be DICOM, which often have no suffix: not of another image format."""
        others = (
            ".png",
            ".jpg",
            ".jpeg",
            ".nii",
            ".nii.gz",
            ".bmp",
            ".tif",
            ".tiff",
            ".npy",
            ".npz",
            ".nrrd",
        )
        return not any(str(name).lower().endswith(others) for name in ensure_tuple(filename))

    def read(self, data: Sequence[PathLike[str] | str] | PathLike[str] | str, **_kwargs: Any) -> Dataset:
        """Parse one file.

        Args:
            data: path.

        Raises:
            ImageFileError: there is no such file or it is no DICOM file.
        """
        return read_dicom(single_path(data))

    def get_data(self, img: Dataset) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Decode an image.

        Returns:
            Grey levels ``(W, H)``, float32, a transposed view without a copy; and the metadata.

        Raises:
            ImageFileError: colour, several frames, missing, truncated or undecodable pixel data, an unknown
                photometric interpretation, bits beyond 16, or a grey scale that cannot be applied.
        """
        with damaged_values_named(img.filename):
            return self.decode(img, img.filename)

    def decode(self, img: Dataset, path: str) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Grey levels and metadata of a parsed file."""
        pixels = PixelFormat.of(img, path)
        scale = GreyScale.of(img, pixels, path, self.apply_voi)
        grey = scale.to_grey(stored_values(img, pixels, path))
        turned = shown_inverted(img, pixels)
        if turned:
            grey = turn_polarity(grey, scale.grey_range)
        meta = radiograph_meta(
            affine=image_affine(img, path),
            spatial_shape=(pixels.columns, pixels.rows),
            grey_range=scale.grey_range,
            source_format="dicom",
            bits_stored=pixels.bits_stored,
            polarity_turned=turned,
            spacing_known=pixel_spacing(img, path) is not None,
        )
        meta["voi_applied"] = self.apply_voi
        meta["is_ct"] = is_ct(img)
        return grey.T, meta
