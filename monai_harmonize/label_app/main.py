"""What ``monailabel start_server --app monai_harmonize/label_app --studies DIR`` loads."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monailabel.config import settings
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.exception import MONAILabelError, MONAILabelException
from monailabel.tasks.activelearning.first import First
from monailabel.tasks.activelearning.random import Random

from monai_harmonize import __version__
from monai_harmonize.engines.plain_errors import plain_errors
from monai_harmonize.label_app.http_errors import explain_errors, http_errors
from monai_harmonize.label_app.infer_tasks import BundleInfer, infer_tasks
from monai_harmonize.label_app.look_strategy import FarthestLook
from monai_harmonize.label_app.own_settings import keep_patients_out_of_logs, set_defaults
from monai_harmonize.label_app.served_bundles import reads_dicom, served_bundles
from monai_harmonize.label_app.studies import FolderOfStudies, SeriesOnDicomWeb
from monai_harmonize.label_app.train_task import BundleTrain, train_tasks

__all__ = ["HarmonizeApp"]

logger = logging.getLogger(__name__)

# What saving a final label to a DICOMweb server, and an answer as DICOM SEG, needs.
SEGMENTATION_WRITER = "itkimage2segimage"


class HarmonizeApp(MONAILabelApp):
    """Trained bundles of this package as models of MONAI Label; nothing is fetched from the internet.

    Args:
        app_dir: this folder.
        studies: folder of images, or address of a DICOMweb server.
        conf: ``bundles``, folder of the bundles; ``models``, names of those to serve, separated by commas; ``look``,
            the model whose training ``farthest_look`` compares with.
    """

    def __init__(self, app_dir: str, studies: str, conf: Mapping[str, str]) -> None:
        plain_errors()
        explain_errors()
        set_defaults()
        keep_patients_out_of_logs()
        self.bundles = served_bundles(conf)
        super().__init__(
            app_dir=app_dir,
            studies=studies,
            conf=dict(conf),
            name="monai_harmonize",
            description="Brings images to the look a model was trained on, and runs that model",
            version=__version__,
        )

    def init_infers(self) -> dict[str, BundleInfer]:
        """Every bundle; those without weights become valid as soon as they have some."""
        return infer_tasks(self.bundles)

    def init_trainers(self) -> dict[str, BundleTrain]:
        """Segmentations and classifications."""
        return train_tasks(self.bundles)

    def init_strategies(self) -> dict[str, Any]:
        """The farthest look, and two of MONAI Label's own."""
        farthest = FarthestLook(self.bundles, self.conf.get("look"))
        return {"farthest_look": farthest, "random": Random(), "first": First()}

    def init_datastore(self) -> Datastore:
        """A folder with DICOM in it, too; other stores as MONAI Label has them."""
        remote = self.studies.startswith(("http://", "https://"))
        return super().init_datastore() if remote else FolderOfStudies(self.studies)

    def _init_dicomweb_datastore(self) -> Datastore:
        # The client, with whatever credentials it needs, is of MONAI Label's making.
        plain = super()._init_dicomweb_datastore()
        plain._observer.stop()
        return SeriesOnDicomWeb(plain._client, settings.MONAI_LABEL_DICOMWEB_SEARCH_FILTER)

    def _download_dcmqi_tools(self) -> None:
        if shutil.which(SEGMENTATION_WRITER) is None:
            logger.warning(
                "%s (of dcmqi) is not on the PATH: final labels cannot be saved to the DICOMweb server, and output="
                "dicom_seg is refused. Nothing is downloaded.",
                SEGMENTATION_WRITER,
            )

    def infer(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """Inference of one image; what a client did wrong is told by status and ``detail``."""
        with http_errors():
            given = self.with_image(request, datastore or self.datastore())
            return dict(super().infer(given, datastore))

    def with_image(self, request: dict[str, Any], store: Datastore) -> dict[str, Any]:
        """The request, its image known; a series of a DICOMweb server as its DICOM files where the model reads these.

        MONAI Label takes every name of a file on the server for an image. Here only uploads are.

        Raises:
            MONAILabelException: there is no such image.
        """
        image, task = request.get("image"), self._infers.get(request.get("model"))
        if not isinstance(image, str) or not image:
            raise MONAILabelException(MONAILabelError.INVALID_INPUT, "no image is named; give its id or a file.")
        if task is None or self.is_upload(image):
            return request
        if isinstance(store, SeriesOnDicomWeb):
            folder = store.dicom_folder(image)
            return {**request, "image": str(folder)} if reads_dicom(task.bundle) else request
        path = store.get_image_uri(image)
        if not path:
            raise MONAILabelException(MONAILabelError.INVALID_INPUT, f"there is no image {image!r} among the studies.")
        # An id that is also the name of a file beside the server.
        return {**request, "image": path} if os.path.exists(image) else request

    def is_upload(self, image: str) -> bool:
        """Whether an image is a file that the server itself stored for a request or a session."""
        path = Path(image)
        if not path.is_absolute() or not path.exists():
            return False
        path = path.resolve()
        temporary = path.parent == Path(tempfile.gettempdir()).resolve()
        of_session = self._sessions is not None and path.is_relative_to(Path(self._sessions.store_path).resolve())
        return of_session or (temporary and path.name.startswith(tempfile.gettempprefix()))

    def next_sample(self, request: dict[str, Any]) -> dict[str, Any]:
        """The next image to label; errors as of ``infer``."""
        with http_errors():
            return dict(super().next_sample(request))

    def bundle_path(self, model: str | None) -> None:
        """Nothing to add to the path of a training; asked before it starts, so that a wrong name is told at once."""
        with http_errors():
            if model and model not in {**self._trainers, **self._infers}:
                known = ", ".join(self._trainers)
                raise MONAILabelException(
                    MONAILabelError.INVALID_INPUT, f"there is no model {model!r}; those that can be trained: {known}."
                )

    def model_file(self, model: str, validate: bool = True) -> str | None:
        """File of a model's weights, ``None`` where there are none."""
        found = super().model_file(model, validate)
        return found if found and Path(found).is_file() else None
