"""Reader of grey PNG (8 and 16 bit) and JPEG (8 bit) radiographs, also where grey is stored as 8-bit colour."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from monai.data import ImageReader
from monai.data.utils import is_supported_format
from numpy.typing import NDArray
from PIL import ExifTags, Image

from monai_harmonize.data.errors import ImageFileError
from monai_harmonize.data.reader_contract import planar_affine, radiograph_meta, single_path

__all__ = ["PngRadiographReader", "check_grey", "open_raster"]

MM_PER_INCH = 25.4
# The header IHDR is the first chunk: bit depth and colour type lie at fixed places (PNG 11.2.1).
IHDR_BIT_DEPTH, IHDR_COLOUR_TYPE = 24, 25
MAYBE_GREY = ("RGB", "palette")
COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}


def open_raster(path: Path) -> Image.Image:
    """Open a PNG or JPEG file without decoding it.

    Raises:
        ImageFileError: the file is neither or its header is damaged.
    """
    try:
        return Image.open(path, formats=("PNG", "JPEG"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageFileError(path, f"not a PNG or JPEG file or damaged; check or get it again: {error}") from error


def check_grey(image: Image.Image, path: Path) -> int:
    """Bits per pixel, 8 or 16, of an image that is grey or may be grey stored as 8-bit colour.

    Raises:
        ImageFileError: transparency, 16-bit colour or other bits.
    """
    colour, bits = ("grey" if image.mode == "L" else image.mode), 8
    if image.format == "PNG":
        with path.open("rb") as file:
            header = file.read(IHDR_COLOUR_TYPE + 1)
        colour, bits = COLOUR_TYPES[header[IHDR_COLOUR_TYPE]], header[IHDR_BIT_DEPTH]
    if colour not in ("grey", *MAYBE_GREY) or "transparency" in image.info or (colour != "grey" and bits != 8):
        colour = f"{colour} with a transparent level" if "transparency" in image.info else colour
        raise ImageFileError(path, f"its colour type is {colour}; expected grey: convert it to 8 or 16 bit grey")
    if bits not in (8, 16):
        raise ImageFileError(path, f"its bit depth is {bits}; expected 8 or 16: convert it to 8 bit grey")
    return bits


def grey_pixels(image: Image.Image, path: Path) -> Image.Image:
    """Decode an image and reduce 8-bit colour whose channels agree to the one grey channel that is shown.

    Public sets are passed on in this form, too; the pixels are taken as a viewer shows them.

    Raises:
        ImageFileError: the channels differ.
    """
    image.load()
    if image.mode not in ("RGB", "P"):
        return image
    red, green, blue = image.convert("RGB").split()
    if not red.tobytes() == green.tobytes() == blue.tobytes():
        raise ImageFileError(path, "its pixels are coloured; expected grey: convert it to 8 or 16 bit grey")
    red.format, red.info = image.format, image.info
    return red


class PngRadiographReader(ImageReader):
    """Read one grey PNG or JPEG image with its stored values, bright taken as dense.

    Bright is not always dense in published PNG files; a manifest then says ``inverted`` and
    ``LoadRadiograph`` turns the image. ``grey_range`` is 0 to 255 or 65535. The spacing is that of a PNG's
    pHYs chunk in pixels per metre, else 1 mm (a JPEG's density is a printing default). Metadata as in
    ``radiograph_meta``.
    """

    def verify_suffix(self, filename: Sequence[PathLike[str] | str] | PathLike[str] | str) -> bool:
        """Whether the names end in ``.png``, ``.jpg`` or ``.jpeg``."""
        return bool(is_supported_format(filename, ["png", "jpg", "jpeg"]))

    def read(self, data: Sequence[PathLike[str] | str] | PathLike[str] | str, **_kwargs: Any) -> Image.Image:
        """Open and decode one file.

        Raises:
            ImageFileError: there is no such file, or it is truncated, damaged, coloured or not upright.
        """
        path = single_path(data)
        image = open_raster(path)
        check_grey(image, path)
        try:
            grey = grey_pixels(image, path)
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        except ImageFileError:
            raise
        except (OSError, SyntaxError, ValueError) as error:
            raise ImageFileError(path, f"truncated or damaged; get it again: {error}") from error
        if orientation != 1:
            raise ImageFileError(path, f"its EXIF orientation is {orientation}; expected 1: turn it upright")
        return grey

    def get_data(self, img: Image.Image) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Convert a decoded image.

        Returns:
            Grey levels ``(W, H)``, float32, a transposed view; and the metadata.
        """
        grey = np.asarray(img).astype(np.float32)
        bits = 8 if img.mode == "L" else 16
        dpi = img.info.get("dpi", (0, 0)) if img.format == "PNG" else (0, 0)
        usable = min(dpi) > 0
        meta = radiograph_meta(
            affine=planar_affine((MM_PER_INCH / dpi[0], MM_PER_INCH / dpi[1]) if usable else (1.0, 1.0)),
            spatial_shape=img.size,
            grey_range=(0, 2**bits - 1),
            source_format=str(img.format).lower(),
            bits_stored=bits,
            spacing_known=usable,
        )
        return grey.T, meta
