"""A server's DICOMweb services (PS3.18): search (QIDO-RS), fetch (WADO-RS), store (STOW-RS), delete."""

from __future__ import annotations

import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, TypeVar

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from monai_harmonize.data.errors import InputError
from monai_harmonize.pacs.errors import PacsError, explained
from monai_harmonize.pacs.patience import Patience
from monai_harmonize.pacs.session import PacsSession

__all__ = ["RemoteSeries", "Service"]

Result = TypeVar("Result")
Record = Mapping[str, Any]

STUDY, SERIES, INSTANCE, MODALITY = "0020000D", "0020000E", "00080018", "00080060"
# Instances come as they are stored: transcoding, the default, loses nothing less, and some servers cannot.
AS_STORED = (("application/dicom", "*"),)
# Digits and dots by the standard; what would be another part of an address is none.
UID = re.compile(r"[\w.-]{1,64}")
PAGE = 100


@dataclass(frozen=True)
class RemoteSeries:
    """A series on a server.

    Args:
        study: Study Instance UID (0020,000D).
        uid: Series Instance UID (0020,000E).
        modality: Modality (0008,0060), or nothing.
    """

    study: str
    uid: str
    modality: str = ""


class Service:
    """The services of one server. A busy or broken connection is tried again; every error is a ``PacsError``.

    Args:
        url: root of the services, see ``checked_url``.
        session: see ``open_session``.
        patience: how often and how long.
        page: results that a search asks for at once; servers may give fewer.
    """

    def __init__(self, url: str, session: PacsSession, patience: Patience | None = None, page: int = PAGE) -> None:
        # Warnings of libraries repeat what servers say, which may name patients; what matters is told by errors.
        for library in ("dicomweb_client", "retrying", "urllib3"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        known = inspect.signature(DICOMwebClient).parameters
        # Of old archives many UIDs have leading zeros.
        options = {"permissive_uid": True} if "permissive_uid" in known else {}
        self.client = DICOMwebClient(url, session=session, **options)
        self.storer = DICOMwebClient(url, session=session, **options)
        # In chunks a body cannot be sent a second time, and not every server takes it.
        self.storer.set_chunk_size(sys.maxsize)
        for client in (self.client, self.storer):
            client.set_http_retry_params(retry=False)
        self.patience = patience or Patience()
        self.page = page

    def series(self, query: Mapping[str, str]) -> list[RemoteSeries]:
        """All series that match, page by page, each once.

        Args:
            query: of ``parse_query``.
        """
        found: dict[str, RemoteSeries] = {}
        for record in self._pages("the search", self.client.search_for_series, search_filters=dict(query)):
            one = RemoteSeries(value(record, STUDY), value(record, SERIES), value(record, MODALITY))
            found.setdefault(one.uid, one)
        return list(found.values())

    def instances(self, study: str, series: str) -> list[str]:
        """SOP Instance UIDs (0008,0018) of a series; none where there is no such series."""
        search = self.client.search_for_instances
        given = {"study_instance_uid": study, "series_instance_uid": series}
        try:
            records = list(self._pages("the search for instances", search, **given))
        except PacsError as error:
            cause = error.__cause__
            if isinstance(cause, requests.HTTPError) and cause.response.status_code == requests.codes.not_found:
                return []
            raise
        # Servers that do not know the series may answer for the study.
        own = [record for record in records if value(record, SERIES) in ("", series)]
        return list(dict.fromkeys(value(record, INSTANCE) for record in own))

    def fetch(self, series: RemoteSeries, begin: Callable[[], Callable[[Dataset], None]]) -> None:
        """Get the instances of a series as they are stored, one after the other.

        Args:
            series: the series.
            begin: called before every try; what it returns takes the instances.
        """

        def request() -> None:
            take = begin()
            for dataset in readable(self.client.iter_series(series.study, series.uid, media_types=AS_STORED)):
                take(dataset)

        self._do("the fetch", request)

    def store(self, study: str, instances: Sequence[Any]) -> None:
        """Store files of instances in one request. What a server takes only ``instances`` tells.

        Args:
            study: Study Instance UID of all of them.
            instances: paths.
        """
        with disable_value_validation():
            datasets = [dcmread(path) for path in instances]
        self._do("the storage", lambda: self.storer.store_instances(datasets, study))

    def delete(self, study: str, series: str) -> bool:
        """Delete a series where the server can do that; most do not offer it."""
        try:
            self._do("the deletion", lambda: self.client.delete_series(study, series))
        except PacsError:
            return False
        return True

    def answers(self) -> bool:
        """Whether the server does anything for this user now."""
        try:
            for record in self.client.search_for_series(limit=1):
                identity_of(record, "a search")
        except (requests.RequestException, ValueError):
            return False
        return True

    def _pages(self, doing: str, search: Callable[..., Any], **given: Any) -> Iterator[Record]:
        """Results of a search until a page brings none that is new: servers may ignore limit or offset."""
        seen: set[tuple[str, str]] = set()
        while True:
            page = self._do(doing, partial(search, **given, limit=self.page, offset=len(seen)))
            records = {identity_of(record, doing): record for record in page}
            new = {name: record for name, record in records.items() if name not in seen}
            if not new:
                return
            seen |= set(new)
            yield from new.values()

    def _do(self, doing: str, request: Callable[[], Result]) -> Result:
        try:
            return self.patience(request)
        except InputError:
            raise
        except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise explained(error, doing) from error


def readable(answer: Iterator[Dataset]) -> Iterator[Dataset]:
    """Instances of an answer, parsed.

    Raises:
        PacsError: one of them cannot be parsed.
    """
    for number in count(1):
        try:
            with disable_value_validation():  # its warnings show values, which may be the patient's
                dataset = next(answer, None)
        except requests.RequestException:
            raise
        except Exception as error:  # parsing damaged bytes raises whatever they lead to
            raise PacsError(
                f"the fetch: part {number} of the answer is no DICOM instance or a damaged one; look at the series "
                "with the archive's own tools."
            ) from error
        if dataset is None:
            return
        yield dataset


def identity_of(record: Any, doing: str) -> tuple[str, str]:
    """UIDs by which a result differs from others.

    Raises:
        PacsError: it is no result of a search.
    """
    names = value(record, SERIES), value(record, INSTANCE)
    if not any(names) or not all(UID.fullmatch(name) for name in (*names, value(record, STUDY)) if name):
        raise explained(ValueError(), doing)
    return names


def value(record: Any, tag: str) -> str:
    """First value of an attribute in DICOM JSON (PS3.18 F.2), as text; empty where it is absent."""
    element = record.get(tag) if isinstance(record, Mapping) else None
    values = element.get("Value") if isinstance(element, Mapping) else None
    return str(values[0] or "") if isinstance(values, list) and values else ""
