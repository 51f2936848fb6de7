"""Fingerprint of trained weights, by which an image names what made it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from os import PathLike
from typing import Any

import torch
from torch import Tensor

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.tensor_file import read_tensors

__all__ = ["digest_of_weights", "state_of_file"]


def digest_of_weights(weights: str | PathLike[str] | Mapping[str, Tensor], digits: int = 16) -> str:
    """First digits of the SHA-256 of a state dict: names, types, shapes and values in order of the names.

    The container does not count, so a state dict in memory and every file that it is saved to agree.

    Args:
        weights: flat state dict, or a file that holds one.
        digits: hexadecimal digits, 12 to 64.

    Raises:
        InputError: another number of digits, or no flat state dict.
    """
    if not 12 <= digits <= 64:
        raise InputError(f"digits is {digits}; expected 12 to 64.")
    name, state = ("weights", weights) if isinstance(weights, Mapping) else (str(weights), state_of_file(weights))
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InputError(f"{name}: is no flat state dict; expected names and tensors only.")
    digest = hashlib.sha256()
    for key in sorted(state):
        value = state[key].detach().cpu().contiguous()
        digest.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:digits]


def state_of_file(path: str | PathLike[str]) -> Any:
    """Content of a weights file, tensors and plain types only.

    Raises:
        InputError: there is no such file, or it is damaged or holds more.
    """
    try:
        return read_tensors(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such weights file; train first or name another one.") from error
    except Exception as error:  # unpickling a damaged file raises whatever its bytes lead to
        raise InputError(f"{path}: is damaged or holds more than tensors; get the weights again.") from error
