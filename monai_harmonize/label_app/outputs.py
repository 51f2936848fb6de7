"""Which answers a model has: ``output`` of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monailabel.interfaces.datastore import Datastore

from monai_harmonize.data.errors import InputError
from monai_harmonize.label_app.infer_tasks import BundleInfer
from monai_harmonize.label_app.served_bundles import Kind, modality_of
from monai_harmonize.label_app.studies import SeriesOnDicomWeb, refuse_without_writer

__all__ = ["refuse_empty", "refuse_output"]

IMAGE, SEGMENTATION = "image", "dicom_seg"


def refuse_output(output: str | None, task: BundleInfer, store: Datastore, request: Mapping[str, Any]) -> None:
    """Refuse, before anything is computed, an answer that a model does not have.

    MONAI Label writes DICOM SEG with a tool of dcmqi from the volume of a series on a DICOMweb server.

    Args:
        output: as the client asks; ``None`` is all there is.
        task: the model.
        store: of the studies.
        request: for ``dicom_seg`` it holds ``label_info``, what the segments are.

    Raises:
        InputError: this model, here, has no such answer; the message tells what to ask for instead.
    """
    name = task.bundle.root.name
    if task.kind is Kind.classification and output in (IMAGE, SEGMENTATION):
        raise InputError(f"{name} answers with numbers, not with a file; ask with output=json.")
    if output != SEGMENTATION:
        return
    if task.kind is not Kind.segmentation:
        raise InputError(f"{name} answers with an image, not with a segmentation; ask with output=image.")
    if modality_of(task.bundle) != "CT" or not isinstance(store, SeriesOnDicomWeb):
        raise InputError(
            "DICOM SEG can be had of a segmentation of CT where the studies are on a DICOMweb server; ask with "
            "output=image."
        )
    refuse_without_writer()
    told = request.get("label_info")
    if not isinstance(told, list) or not told or not all(isinstance(segment, dict) for segment in told):
        raise InputError('DICOM SEG needs label_info in params, such as [{"name": "vertebrae"}], one for each segment.')


def refuse_empty(output: str | None, told: Mapping[str, Any]) -> None:
    """Refuse DICOM SEG of a mask in which nothing is marked; it holds at least one segment.

    Raises:
        InputError: nothing is marked.
    """
    if output == SEGMENTATION and not told["centroids"]:
        raise InputError("nothing was found in this image, and DICOM SEG cannot be empty; ask with output=image.")
