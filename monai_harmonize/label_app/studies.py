"""Where the images are: a folder, with DICOM files and folders of slices, or a DICOMweb server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monailabel.config import settings
from monailabel.datastore.dicom import DICOMwebClientX, DICOMWebDatastore
from monailabel.datastore.local import LocalDatastore
from monailabel.datastore.utils.dicom import dicom_web_download_series
from monailabel.interfaces.datastore import Datastore

from monai_harmonize.data.errors import InputError
from monai_harmonize.data.sniff import sniff_format
from monai_harmonize.engines.bundle import Bundle
from monai_harmonize.label_app.served_bundles import reads_dicom

__all__ = ["FolderOfStudies", "SeriesOnDicomWeb", "image_for"]

UID = set("0123456789.")


class FolderOfStudies(LocalDatastore):
    """MONAI Label's folder, in which a subfolder with DICOM files is one image, too: a series.

    Its name is the image's id, whatever dots it holds.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(
            folder,
            extensions=settings.MONAI_LABEL_DATASTORE_FILE_EXT,
            auto_reload=settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
            read_only=settings.MONAI_LABEL_DATASTORE_READ_ONLY,
        )

    def _list_files(self, path: str, patterns: Sequence[str]) -> dict[str, str]:
        files: dict[str, str] = super()._list_files(path, patterns)
        files = {name: file for name, file in files.items() if not name.startswith(".")}
        if Path(path).resolve() == Path(self._datastore.image_path()).resolve():
            files |= {name: name for name in (entry.name for entry in Path(path).iterdir() if is_series(entry))}
        return files

    def _to_id(self, file: str) -> tuple[str, str]:
        if (Path(self._datastore.image_path()) / file).is_dir():
            return file, ""
        found: tuple[str, str] = super()._to_id(file)
        return found

    def remove_image(self, image_id: str) -> None:
        """Remove an image with its labels; of a folder nobody tells the store that it is gone."""
        super().remove_image(image_id)
        self.refresh()


def is_series(entry: Path) -> bool:
    """Whether an entry of the folder is a folder with a DICOM file."""
    if not entry.is_dir() or entry.name.startswith("."):
        return False
    return any(sniff_format(file) == "dicom" for file in sorted(entry.iterdir()) if file.is_file())


class SeriesOnDicomWeb(DICOMWebDatastore):
    """MONAI Label's DICOMweb store, which may be asked for several modalities and hands out the DICOM files.

    A query of DICOMweb names one modality; a list in the search filter becomes one query for each.

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
            dicom_web_download_series(None, series, str(folder), self._client, self._fetch_by_frame)
        return folder


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
