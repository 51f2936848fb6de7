"""Where the images are: a folder, with DICOM files and folders of slices, or a DICOMweb server."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monailabel.config import settings
from monailabel.datastore.dicom import DICOMwebClientX, DICOMWebDatastore
from monailabel.datastore.utils.dicom import dicom_web_download_series
from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
from monailabel.utils.others.generic import file_ext

from monai_harmonize.data.errors import ImageFileError, InputError
from monai_harmonize.data.sniff import sniff_format
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.served_bundles import reads_dicom
from monai_harmonize.label_app.store_guard import GuardedStore, plain_info
from monai_harmonize.label_app.train_records import digest

__all__ = [
    "SEGMENTATION_WRITER",
    "FolderOfStudies",
    "SeriesOnDicomWeb",
    "has_writer",
    "image_for",
    "refuse_without_writer",
]

logger = logging.getLogger(__name__)

# Of what trainings read, and of what else inference may leave; a harmonized series is a ZIP archive.
FINAL_SUFFIXES = (".nii.gz", ".nii", ".png", ".jpg", ".jpeg", ".json")
RESULT_SUFFIXES = (".nrrd", ".mha", ".dcm", ".zip")
# What saving a final label to a DICOMweb server, and an answer as DICOM SEG, needs; it comes with dcmqi.
SEGMENTATION_WRITER = "itkimage2segimage"
UID = set("0123456789.")
# How MONAI Label notes a patient whose number is not told.
NOBODY = ("", "UNK")


class FolderOfStudies(GuardedStore):
    """MONAI Label's folder, in which a subfolder with DICOM files is one image, too: a series.

    Its name is the image's id, whatever dots it holds; that of a file is its name without the suffix.
    """

    def __init__(self, folder: str) -> None:
        self.told: set[str] = set()
        super().__init__(
            folder,
            extensions=settings.MONAI_LABEL_DATASTORE_FILE_EXT,
            auto_reload=settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
            read_only=settings.MONAI_LABEL_DATASTORE_READ_ONLY,
        )

    def _list_files(self, path: str, patterns: Sequence[str]) -> dict[str, str]:
        files: dict[str, str] = super()._list_files(path, patterns)
        files = {name: file for name, file in files.items() if not name.startswith(".")}
        if Path(path).resolve() != Path(self._datastore.image_path()).resolve():
            return files
        files |= {name: name for name in (entry.name for entry in Path(path).iterdir() if is_series(entry))}
        return self.first_of_each_id(files)

    def first_of_each_id(self, files: Mapping[str, str]) -> dict[str, str]:
        """Files whose ids differ; of equals the first by name, the others are named in the log."""
        first: dict[str, str] = {}
        for name in sorted(files):
            taken = first.setdefault(self._to_id(name)[0], name)
            if taken != name and name not in self.told:
                self.told.add(name)
                logger.warning("%r is not listed, since %r has the same name; rename one of them.", name, taken)
        return {name: files[name] for name in first.values()}

    def _to_id(self, file: str) -> tuple[str, str]:
        if (Path(self._datastore.image_path()) / file).is_dir():
            return file, ""
        suffixes = [pattern.removeprefix("*") for pattern in self._extensions]
        suffix = next((end for end in sorted(suffixes, key=len, reverse=True) if file.endswith(end)), file_ext(file))
        return file.removesuffix(suffix), suffix

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Store an image that a client sent; errors as of ``refuse_upload``."""
        self.refuse_upload(image_id, image_filename)
        found: str = super().add_image(image_id, image_filename, plain_info(image_info))
        return found

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: Any, **options: Any) -> str:
        """Save a label.

        Raises:
            InputError: a file of a format in which there are no labels.
        """
        suffix = self._to_id(Path(label_filename).name)[1]
        known = FINAL_SUFFIXES if label_tag == DefaultLabelTag.FINAL else (*FINAL_SUFFIXES, *RESULT_SUFFIXES)
        if suffix.lower() not in known:
            raise InputError(f"a file {suffix or 'without suffix'} is no label; expected {', '.join(known)}.")
        return super().save_label(image_id, label_filename, label_tag, label_info, **options)


def is_series(entry: Path) -> bool:
    """Whether an entry of the folder is a folder with a DICOM file."""
    if not entry.is_dir() or entry.name.startswith("."):
        return False
    try:
        return any(sniff_format(file) == "dicom" for file in sorted(entry.iterdir()) if file.is_file())
    except (OSError, ImageFileError) as error:
        logger.warning("%r cannot be opened and is not listed: %s", entry.name, type(error).__name__)
        return False


class SeriesOnDicomWeb(GuardedStore, DICOMWebDatastore):
    """MONAI Label's DICOMweb store, which may be asked for several modalities and hands out the DICOM files.

    A query of DICOMweb names one modality; a list in the search filter becomes one query for each. What MONAI Label
    notes of series and tells its clients has a digest in the place of the patient's number.

    Args:
        client: of the server.
        search_filter: tags and values by which series are found; a value may be a list.
    """

    def __init__(self, client: DICOMwebClientX, search_filter: Mapping[str, Any]) -> None:
        cache = settings.MONAI_LABEL_DATASTORE_CACHE_PATH or settings.MONAI_LABEL_DICOMWEB_CACHE_PATH
        super().__init__(
            client=client,
            search_filter=dict(search_filter),
            cache_path=cache.strip() or None,
            fetch_by_frame=settings.MONAI_LABEL_DICOMWEB_FETCH_BY_FRAME,
            convert_to_nifti=settings.MONAI_LABEL_DICOMWEB_CONVERT_TO_NIFTI,
        )

    def list_images(self) -> list[str]:
        """Ids of the series that fit the search filter, sorted."""
        found: set[str] = set()
        for query in single_queries(self._search_filter):
            found |= {series["0020000E"]["Value"][0] for series in self._client.search_for_series(search_filters=query)}
        return sorted(found)

    def _dicom_info(self, series_id: str) -> dict[str, Any]:
        info: dict[str, Any] = super()._dicom_info(series_id)
        patient = info.pop("PatientID")
        return info if patient in NOBODY else {**info, "PatientID": digest(patient)}

    def add_image(self, *_: Any) -> str:
        """Nobody's: images are on the DICOMweb server.

        Raises:
            InputError: always.
        """
        raise InputError("the images are on a DICOMweb server; store new ones there, or ask with a file.")

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: Any, **options: Any) -> str:
        """Save a label, a final one as DICOM SEG on the DICOMweb server.

        Raises:
            InputError: it is a class, or the writer is not there.
        """
        if label_tag == DefaultLabelTag.FINAL:
            refuse_without_writer()
            if label_filename.lower().endswith(".json"):
                raise InputError("a class cannot be saved on a DICOMweb server; use a folder of studies.")
        return super().save_label(image_id, label_filename, label_tag, label_info, **options)

    def dicom_folder(self, series: str) -> Path:
        """Folder with the files of a series, fetched where they are not there yet.

        Raises:
            InputError: the server has no such series.
        """
        if not set(series) <= UID:
            raise InputError(f"{series!r} is no unique identifier of a series.")
        folder = Path(self._datastore.image_path()).resolve() / series
        if not folder.is_dir() or not any(folder.iterdir()):
            if series not in self.list_images():
                raise InputError(
                    f"{series}: the DICOMweb server has no such series, or the search filter leaves it out."
                )
            with TemporaryDirectory(dir=folder.parent, prefix=".") as part:
                # A download that is cut off is never taken for the series.
                fetched = Path(part) / series
                dicom_web_download_series(None, series, str(fetched), self._client, self._fetch_by_frame)
                shutil.rmtree(folder, ignore_errors=True)
                fetched.rename(folder)
        return folder

    def get_image_uri(self, image_id: str) -> str:
        """File or folder of a series; errors as of ``dicom_folder``."""
        self.dicom_folder(image_id)
        found: str = super().get_image_uri(image_id)
        return found


def has_writer() -> bool:
    """Whether DICOM SEG can be written here."""
    return shutil.which(SEGMENTATION_WRITER) is not None


def refuse_without_writer() -> None:
    """Refuse what needs DICOM SEG.

    Raises:
        InputError: the writer is not there.
    """
    if not has_writer():
        raise InputError(f"this server cannot write DICOM SEG: {SEGMENTATION_WRITER} is missing (pip install dcmqi).")


def image_for(bundle: Bundle, datastore: Datastore, image: str) -> Path:
    """File or folder of an image as a model wants it: see ``reads_dicom``.

    Raises:
        InputError: there is no such image.
    """
    if isinstance(datastore, SeriesOnDicomWeb) and reads_dicom(bundle):
        return datastore.dicom_folder(image)
    path = datastore.get_image_uri(image)
    if not path:
        raise InputError(f"there is no image {image!r} among the studies.")
    return Path(path)


def single_queries(search_filter: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Filters with one value for every tag, which together find what a filter with lists means."""
    queries: list[dict[str, Any]] = [{}]
    for tag, value in search_filter.items():
        values = value if isinstance(value, list) else [value]
        queries = [{**query, tag: one} for query in queries for one in values]
    return queries
