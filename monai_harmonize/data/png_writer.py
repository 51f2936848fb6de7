"""Writer of PNG and JPEG images like their source."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from monai_harmonize.data.atomic import atomic_path
from monai_harmonize.data.png_reader import check_grey, open_raster
from monai_harmonize.data.polarity import turn_polarity
from monai_harmonize.data.writer_contract import UNKNOWN, Maker, check_writable, source_path

__all__ = ["write_like_png"]


def write_like_png(
    image: NDArray[np.floating[Any]],
    meta: Mapping[str, Any],
    destination: str | PathLike[str],
    maker: Maker = UNKNOWN,
) -> None:
    """Write an image with format, size, bit depth, spacing and polarity of the PNG or JPEG it was read from.

    Grey levels are rounded and clipped to the bit depth. A PNG names the software in its ``Software`` text.
    JPEG stays JPEG and therefore lossy, at the best quality. The file appears whole or not at all.

    Args:
        image: grey levels ``(W, H)`` in the unit and polarity in which the source was read.
        meta: metadata as ``LoadRadiograph`` gives them; ``filename_or_obj`` names the source file.
        destination: path of the new file; missing folders are made.
        maker: who makes it.

    Raises:
        ImageFileError: the source cannot be read or is the destination, or the image has another size or NaN.
    """
    source = source_path(meta)
    with open_raster(source) as original:
        bits = check_grey(original, source)
        check_writable(image, original.size, source, Path(destination))
        file_format, dpi = original.format, original.info.get("dpi")
    highest = 2**bits - 1
    grey = np.asarray(image, dtype=np.float32).T
    if meta["polarity_turned"]:
        grey = turn_polarity(grey, (0, highest))
    stored = np.rint(grey).clip(0, highest).astype(np.uint8 if bits == 8 else np.uint16)
    options: dict[str, Any] = {"dpi": dpi} if dpi else {}
    if file_format == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Software", str(maker))
    else:
        options["quality"] = 100
    with atomic_path(Path(destination)) as temporary:
        Image.fromarray(stored).save(temporary, format=file_format, **options)
