"""Settings of MONAI Label that suit this app, wherever the user set none."""

from __future__ import annotations

import json
import logging
import os
import tarfile
from typing import Any

from monailabel.config import settings

__all__ = ["keep_patients_out_of_logs", "set_defaults", "unpack_safely"]

DEFAULTS: dict[str, Any] = {
    # MONAI Label's own default is CT alone.
    "MONAI_LABEL_DICOMWEB_SEARCH_FILTER": {"Modality": ["CR", "DX", "CT"]},
    # What our readers read; MONAI Label's own list has no DICOM and two formats of microscopes.
    "MONAI_LABEL_DATASTORE_FILE_EXT": [
        *("*.nii.gz", "*.nii", "*.png", "*.jpg", "*.jpeg", "*.dcm"),
        *("*.PNG", "*.JPG", "*.JPEG", "*.DCM"),
    ],
}
# They log requests and the tags of series, PatientID among them, at the level INFO.
TALKATIVE = (
    "monailabel.datastore",
    "monailabel.endpoints",
    "monailabel.interfaces.app",
    "monailabel.utils.async_tasks.utils",
)


def set_defaults() -> None:
    """Set what the user left at MONAI Label's default: neither in the environment nor in ``.env``.

    The settings were read when the server was imported, before any app. They are asked again when the data store is
    made, and by the processes of trainings, which get the environment of the server.
    """
    for name, value in DEFAULTS.items():
        if name not in settings.model_fields_set:
            setattr(settings, name, value)
            os.environ[name] = json.dumps(value)


def unpack_safely() -> None:
    """Let archives of clients, which become sessions, be unpacked without what leads out of their folder.

    It is what Python itself does from 3.14 on.
    """
    tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter)


def keep_patients_out_of_logs() -> None:
    """Let loggers that write headers or whatever a client sent only warn."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Warns at every inference that no logging.conf is used.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
