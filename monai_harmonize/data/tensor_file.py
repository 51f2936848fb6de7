"""Read what ``torch.save`` wrote, checked to be what was written."""

from __future__ import annotations

import zipfile
from os import PathLike
from typing import Any

import torch

__all__ = ["read_tensors"]

ZIP_START = b"PK\x03\x04"


def read_tensors(path: str | PathLike[str]) -> Any:
    """Content of a file, tensors and plain types only, no pickled code; on the processor.

    ``torch.load`` does not look at the checksums that its zip format holds, so changed bytes would become weights.
    Files of before PyTorch 1.6 have none. ``torch.serialization.set_crc32_options(False)`` writes wrong ones.

    Raises:
        ValueError: a checksum differs.
        Exception: there is no such file, or whatever else the bytes of a damaged one lead to.
    """
    with open(path, "rb") as file:
        zipped = file.read(len(ZIP_START)) == ZIP_START
    if zipped:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"the checksum of its part {damaged} differs")
    return torch.load(path, map_location="cpu", weights_only=True)
