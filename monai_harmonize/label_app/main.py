"""What ``monailabel start_server --app monai_harmonize/label_app --studies DIR`` loads."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monailabel.config import settings
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
from monailabel.interfaces.exception import MONAILabelError, MONAILabelException
from monailabel.tasks.activelearning.first import First
from monailabel.tasks.activelearning.random import Random

from monai_harmonize import __version__
from monai_harmonize.data.errors import InputError
from monai_harmonize.engines.plain_errors import plain_errors
from monai_harmonize.label_app.batch_task import BatchInfer
from monai_harmonize.label_app.http_errors import asked_output, explain_errors, http_errors
from monai_harmonize.label_app.infer_tasks import BundleInfer, infer_tasks
from monai_harmonize.label_app.look_strategy import FarthestLook
from monai_harmonize.label_app.modality_check import refuse_other_modality
from monai_harmonize.label_app.outputs import refuse_empty, refuse_output
from monai_harmonize.label_app.own_settings import keep_patients_out_of_logs, set_defaults, unpack_safely
from monai_harmonize.label_app.served_bundles import Kind, reads_dicom, served_bundles
from monai_harmonize.label_app.studies import SEGMENTATION_WRITER, FolderOfStudies, SeriesOnDicomWeb, has_writer
from monai_harmonize.label_app.train_task import BundleTrain, train_tasks

__all__ = ["HarmonizeApp"]

logger = logging.getLogger(__name__)


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
        unpack_safely()
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

    def init_batch_infer(self) -> BatchInfer:
        """Batches of ours."""
        return BatchInfer()

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
        if not has_writer():
            logger.warning(
                "%s (of dcmqi) is not on the PATH: final labels cannot be saved to the DICOMweb server, and output="
                "dicom_seg is refused. Nothing is downloaded.",
                SEGMENTATION_WRITER,
            )

    def infer(self, request: dict[str, Any], datastore: Datastore | None = None) -> dict[str, Any]:
        """Inference of one image; what a client did wrong is told by status and ``detail``."""
        with http_errors():
            output, store = asked_output.get(), datastore or self.datastore()
            given = self.with_image(request, store)
            task, image = self._infers[given["model"]], request["image"]
            refuse_output(output, task, store, given)
            keep = given.pop("save_label", False) and not self.is_upload(image)
            found = dict(super().infer(given, store))
            refuse_empty(output, found["params"])
            if keep and found["file"]:
                # What a harmonizer makes is no label, and never among those of annotators.
                own = task.bundle.root.name if task.kind is Kind.harmonizer else None
                found["tag"] = own or given.get("label_tag") or DefaultLabelTag.ORIGINAL
                told = {"model": task.bundle.root.name, "params": found["params"]}
                found["label"] = store.save_label(image, found["file"], found["tag"], told)
            return found

    def infer_wsi(self, *_: Any) -> dict[str, Any]:
        """Whole slides: none."""
        raise InputError("whole slides are none of the images that this app works on.")

    def scoring(self, *_: Any) -> dict[str, Any]:
        """Scores of labels: none."""
        raise InputError("this app does not score labels; its trainings tell theirs.")

    def train(self, request: dict[str, Any]) -> dict[str, Any]:
        """Train; a model that is not trained on labels is told."""
        if request.get("model") not in list(self._trainers):
            known = ", ".join(self._trainers)
            raise InputError(f"{request.get('model')!r} is not trained on labels; those that can be: {known}.")
        return dict(super().train(request))

    def with_image(self, request: dict[str, Any], store: Datastore) -> dict[str, Any]:
        """The request, its image known; a series of a DICOMweb server as its DICOM files where the model reads these.

        MONAI Label takes every name of a file on the server for an image. Here only uploads are.

        Raises:
            MONAILabelException: there is no such image.
        """
        image, name = request.get("image"), request.get("model")
        if not isinstance(name, str) or name not in self._infers:
            known = ", ".join(self._infers)
            raise MONAILabelException(MONAILabelError.INVALID_INPUT, f"there is no model {name!r}; there are {known}.")
        if not isinstance(image, str) or not image:
            raise MONAILabelException(MONAILabelError.INVALID_INPUT, "no image is named; give its id or a file.")
        if self.is_upload(image):
            return dict(request)
        if isinstance(store, SeriesOnDicomWeb):
            folder = store.dicom_folder(image)
            refuse_other_modality(self.bundles[name], folder)  # a conversion no longer tells
            return {**request, "image": str(folder)} if reads_dicom(self.bundles[name]) else dict(request)
        path = store.get_image_uri(image)
        if not path:
            told = f"there is no image {image!r:.200} among the studies."
            raise MONAILabelException(MONAILabelError.INVALID_INPUT, told)
        # An id that is also the name of a file beside the server.
        return {**request, "image": path} if os.path.exists(image) else dict(request)

    def is_upload(self, image: str) -> bool:
        """Whether an image is a file that the server itself stored for a request or a session."""
        if not os.path.isabs(image) or not os.path.exists(image):
            return False
        path = Path(image).resolve()
        temporary = path.parent == Path(tempfile.gettempdir()).resolve()
        of_session = self._sessions is not None and path.is_relative_to(Path(self._sessions.store_path).resolve())
        return of_session or (temporary and path.name.startswith(tempfile.gettempprefix()))

    def next_sample(self, request: dict[str, Any]) -> dict[str, Any]:
        """The next image to label; errors as of ``infer``."""
        with http_errors():
            strategy = request.get("strategy")
            if not isinstance(strategy, str):
                raise InputError(f"strategy is {strategy!r}; expected one of {', '.join(self._strategies)}.")
            return dict(super().next_sample(request))

    def bundle_path(self, model: object) -> str | None:
        """Folder for the path of a new process; asked before a training or batch, so that a wrong name is told at once.

        A bundle holds no Python. Without a folder of ours that of the request is taken, from where a client could run
        whatever it has uploaded.
        """
        if model is None:
            return os.devnull
        with http_errors():
            if not isinstance(model, str) or model not in self.bundles:
                known = ", ".join(self.bundles)
                raise MONAILabelException(
                    MONAILabelError.INVALID_INPUT, f"there is no model {model!r}; there are {known}."
                )
        return str(self.bundles[model].root)

    def model_file(self, model: str, validate: bool = True) -> str | None:
        """File of a model's weights, ``None`` where there are none."""
        found = super().model_file(model, validate)
        return found if found and Path(found).is_file() else None
