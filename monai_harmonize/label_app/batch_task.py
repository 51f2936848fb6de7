"""Inference of all images at once, as the server's ``/batch/infer`` asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from fastapi import HTTPException
from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.tasks.batch_infer import BatchInferTask

from monai_harmonize.data.errors import InputError

__all__ = ["BatchInfer"]

# Long, and beside the image anyway.
SHORTENED = ("certificates", "latencies", "centroids")


class BatchInfer(BatchInferTask):
    """MONAI Label's batch in which an image that fails does not end it, and which needs no GPU."""

    def __call__(self, request: Mapping[str, Any], datastore: Datastore, infer: Callable[..., Any]) -> dict[str, Any]:
        """Work on all images.

        Args:
            request: as of MONAI Label; ``max_batch_size`` and ``max_workers``, 0 for no limit, may be set.
            datastore: of the studies.
            infer: works on one.

        Returns:
            By image the label that was stored, its tag, and what the model tells; ``error`` where it failed.

        Raises:
            InputError: an option is none.
        """

        def one(given: dict[str, Any], store: Datastore) -> dict[str, Any]:
            try:
                return shortened(infer(given, store))
            except HTTPException as error:
                return {"error": error.detail}

        for name in ("max_batch_size", "max_workers"):
            refuse_no_count(name, request.get(name, 0))
        given = {**request, "multi_gpu": bool(request.get("multi_gpu", True)) and torch.cuda.is_available()}
        found: dict[str, Any] = super().__call__(given, datastore, one)
        return found

    def get_images(self, request: Mapping[str, Any], datastore: Datastore) -> list[str]:
        """Ids of the images that a request means.

        Raises:
            InputError: it names none.
        """
        images = super().get_images(request, datastore)
        if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
            raise InputError("images is none of all, labeled, unlabeled, and no list of ids.")
        return images


def refuse_no_count(name: str, given: object) -> None:
    """Refuse what is no whole number from 0.

    Raises:
        InputError: it is none.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise InputError(f"{name} is {given!r}; expected a whole number, 0 for no limit.")


def shortened(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the numbers that fit into a line of a log."""
    told = {name: value for name, value in result["params"].items() if name not in SHORTENED}
    return {**result, "params": told}
