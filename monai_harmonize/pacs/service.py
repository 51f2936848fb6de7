"""A server's DICOMweb services (PS3.18): search (QIDO-RS), fetch (WADO-RS), store (STOW-RS), delete."""

from __future__ import annotations

import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any, TypeVar

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from monai_harmonize.data.errors import InputError
from monai_harmonize.pacs.errors import PacsError, explained, not_taken
from monai_harmonize.pacs.patience import Patience
from monai_harmonize.pacs.session import PacsSession

__all__ = ["RemoteSeries", "Service"]

Result = TypeVar("Result")
Record = Mapping[str, Any]

STUDY, SERIES, INSTANCE, MODALITY = "0020000D", "0020000E", "00080018", "00080060"
SOP_CLASS, MANUFACTURER, EQUIPMENT = "00080016", "00080070", "0018A001"
FAILED, FAILURE_REASON = "FailedSOPSequence", "FailureReason"
# Instances come as they are stored: transcoding, the default, loses nothing less, and some servers cannot.
AS_STORED = (("application/dicom", "*"),)
# Digits and dots by the standard; what would be another part of an address is none.
UID = re.compile(r"\w([\w.-]{0,62}\w)?", re.ASCII)
# PS3.5 6.2; anything else in its place could be a name.
CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
PAGE = 100
# What libraries raise where they cannot read an answer.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, SyntaxError, TypeError, ValueError)


@dataclass(frozen=True)
class RemoteSeries:
    """A series on a server.

    Args:
        study: Study Instance UID (0020,000D).
        uid: Series Instance UID (0020,000E).
        modality: Modality (0008,0060), or nothing where the server tells no code.
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
        for record in self._pages("the search", SERIES, self.client.search_for_series, search_filters=dict(query)):
            modality = value(record, MODALITY)
            code = modality if CODE.fullmatch(modality) else ""
            one = RemoteSeries(value(record, STUDY), value(record, SERIES), code)
            found.setdefault(one.uid, one)
        return list(found.values())

    def instances(self, study: str, series: str) -> dict[str, str]:
        """SOP Class UIDs (0008,0016) by SOP Instance UID (0008,0018) of a series; none where there is no such series.

        The class is empty where the server does not tell it.
        """
        search = self.client.search_for_instances
        given = {"study_instance_uid": study, "series_instance_uid": series}
        try:
            records = list(self._pages("the search for instances", INSTANCE, search, **given))
        except PacsError as error:
            if is_missing(error):
                return {}
            raise
        # Servers that do not know the series may answer for the study.
        own = [record for record in records if value(record, SERIES) in ("", series)]
        return {value(record, INSTANCE): value(record, SOP_CLASS) for record in own}

    def makers(self, study: str, series: str, instance: str) -> list[str]:
        """Manufacturers in Contributing Equipment Sequence (0018,A001), of an instance's header alone.

        None where the server gives no headers without pixels.
        """
        header = partial(self.client.retrieve_instance_metadata, study, series, instance)
        try:
            items = self._do("the header", lambda: header()[EQUIPMENT]["Value"])
        except PacsError:
            return []
        return [value(item, MANUFACTURER) for item in items] if isinstance(items, list) else []

    def fetch(self, series: RemoteSeries, begin: Callable[[], Callable[[Dataset], None]]) -> None:
        """Get the instances of a series as they are stored, one after the other.

        Args:
            series: the series.
            begin: called before every try; what it returns takes the instances.
        """

        def request() -> None:
            take = begin()
            ask = partial(self.client.iter_series, series.study, series.uid, media_types=AS_STORED)
            for dataset in readable(ask):
                take(dataset)

        self._do("the fetch", request)

    def store(self, study: str, instances: Sequence[Any]) -> None:
        """Store files of instances in one request. What a server takes only ``instances`` tells.

        Args:
            study: Study Instance UID of all of them.
            instances: paths.

        Raises:
            PacsError: the server says that it does not take all of them.
        """
        with disable_value_validation():
            datasets = [dcmread(path) for path in instances]

        def request() -> list[int]:
            answer = self.storer.store_instances(datasets, study)
            return [int(item.get(FAILURE_REASON) or 0) for item in answer.get(FAILED) or []]

        reasons = self._do("the storage", request)
        if reasons:
            raise not_taken(reasons)

    def delete(self, study: str, series: str) -> bool:
        """Delete a series where the server can do that; most do not offer it."""
        try:
            self._do("the deletion", lambda: self.client.delete_series(study, series))
        except PacsError:
            return False
        return True

    def answers(self, study: str) -> bool:
        """Whether the server tells this user now which series a study has; not every server lists all that it has."""
        try:
            self._records("a search", SERIES, partial(self.client.search_for_series, study or None, limit=1), 1)
        except PacsError as error:
            return is_missing(error)
        return True

    def _pages(self, doing: str, named: str, search: Callable[..., Any], **given: Any) -> Iterator[Record]:
        """Results of a search until a page brings none that is new: servers may ignore limit or offset."""
        seen: set[tuple[str, str]] = set()
        while True:
            records = self._records(doing, named, partial(search, **given, limit=self.page, offset=len(seen)))
            new = {name: record for name, record in records.items() if name not in seen}
            if not new:
                return
            seen |= set(new)
            yield from new.values()

    def _records(
        self, doing: str, named: str, search: Callable[[], Any], attempts: int | None = None
    ) -> dict[tuple[str, str], Record]:
        """Results of one search by their identity, see ``identity_of``."""
        return self._do(doing, lambda: {identity_of(record, named): record for record in search()}, attempts)

    def _do(self, doing: str, request: Callable[[], Result], attempts: int | None = None) -> Result:
        try:
            return (self.patience if attempts is None else replace(self.patience, attempts=attempts))(request)
        except InputError:
            raise
        except (requests.RequestException, *UNREADABLE) as error:
            raise explained(error, doing) from error


def is_missing(error: PacsError) -> bool:
    """Whether the server does not know what was asked for."""
    cause = error.__cause__
    return isinstance(cause, requests.HTTPError) and cause.response.status_code == requests.codes.not_found


def readable(ask: Callable[[], Iterator[Dataset]]) -> Iterator[Dataset]:
    """Instances of an answer, parsed.

    Raises:
        PacsError: one of them cannot be parsed.
    """
    answer: Iterator[Dataset] | None = None
    for number in count(1):
        try:
            with disable_value_validation():  # its warnings show values, which may be the patient's
                answer = ask() if answer is None else answer
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


def identity_of(record: Any, named: str) -> tuple[str, str]:
    """UIDs by which a result differs from others.

    Args:
        record: what the server says.
        named: tag of the UID that it must name.

    Raises:
        TypeError: it is no result of a search.
    """
    names = value(record, SERIES), value(record, INSTANCE)
    if not value(record, named) or not all(UID.fullmatch(name) for name in (*names, value(record, STUDY)) if name):
        raise TypeError
    return names


def value(record: Any, tag: str) -> str:
    """First value of an attribute in DICOM JSON (PS3.18 F.2), as text; empty where it is absent."""
    element = record.get(tag) if isinstance(record, Mapping) else None
    values = element.get("Value") if isinstance(element, Mapping) else None
    return str(values[0] or "") if isinstance(values, list) and values else ""
