"""What a server's refusals mean and what to do; addresses and queries, which may name a patient, are never repeated."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

import requests

from monai_harmonize.data.errors import InputError
from monai_harmonize.pacs.patience import BUSY

__all__ = ["PacsError", "explained", "not_taken"]

CREDENTIALS = "MONAI_HARMONIZE_PACS_USER and MONAI_HARMONIZE_PACS_PASSWORD, or MONAI_HARMONIZE_PACS_TOKEN, or ~/.netrc"
ROOT = "give the root of its DICOMweb services with --url, such as http://host:8042/dicom-web"
# What is to be done about a status; the others have their official names only.
ADVICE = {
    HTTPStatus.BAD_REQUEST: "does not understand it; check --query, or look into its log",
    HTTPStatus.UNAUTHORIZED: f"wants to know who asks, or does not know this user; set {CREDENTIALS}",
    HTTPStatus.FORBIDDEN: "does not allow it to this user; ask its administrator for the right",
    HTTPStatus.NOT_FOUND: f"finds nothing there; {ROOT}",
    HTTPStatus.METHOD_NOT_ALLOWED: "does not offer it; ask its administrator to allow it",
    HTTPStatus.NOT_ACCEPTABLE: "cannot give the images as they are stored",
    HTTPStatus.CONFLICT: "refuses these instances; its log tells why",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "takes no series of this size; ask its administrator to raise the limit",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "does not take these instances",
    HTTPStatus.INTERNAL_SERVER_ERROR: "failed; its log tells why",
    HTTPStatus.NOT_IMPLEMENTED: "does not offer it",
    **dict.fromkeys(BUSY, "is busy or away; try again later"),
}
# Failure Reason (0008,1197), PS3.18 I.2.2; of some codes the last digits are the server's own.
REASONS = {
    0x0110: "it could not process them",
    0x0122: "it does not take this kind of object",
    0x0124: "this user may not store",
    0xA700: "it is out of room",
    0xA900: "they do not fit their kind of object",
    0xC000: "it does not understand them",
}


class PacsError(InputError):
    """A server does not do what it is asked; the message tells what to do."""


def explained(error: Exception, doing: str) -> PacsError:
    """What an exception of a request means.

    Args:
        error: of ``requests``, or what a library says of an answer that it cannot read.
        doing: what was asked for, as in "the search".
    """
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return refused(error.response.status_code, doing)
    if isinstance(error, requests.exceptions.SSLError):
        return PacsError(
            f"{doing}: the server's certificate is not trusted; give the authority that issued it with --ca-bundle."
        )
    if isinstance(error, requests.TooManyRedirects):
        return PacsError(f"{doing}: the server sends elsewhere; {ROOT}, as it is after the redirection.")
    if isinstance(error, requests.Timeout):
        return PacsError(f"{doing}: the server gave no answer in time; try again, or wait longer with --timeout.")
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return PacsError(
            f"{doing}: there is no connection to the server, or it broke off; check --url and whether the server runs. "
            "The same command goes on where it was."
        )
    return PacsError(f"{doing}: the answer is no DICOMweb; {ROOT}.")


def not_taken(reasons: Sequence[int]) -> PacsError:
    """What Failure Reasons (0008,1197) of instances in an answer mean; its UIDs stay untold."""
    texts = []
    for code in sorted(set(reasons)):
        family = code & 0xF000 if code >= 0xC000 else code & 0xFF00 if code >= 0xA000 else code
        texts.append(f"{REASONS.get(family, 'its log tells why')} ({code:04X}H)")
    return PacsError(f"the storage: the server refuses {len(reasons)} instance(s): {'; '.join(texts)}.")


def refused(status: int, doing: str) -> PacsError:
    """What a status of an answer means."""
    known = status in HTTPStatus._value2member_map_
    name = HTTPStatus(status).phrase if known else "unknown status"
    advice = ADVICE.get(HTTPStatus(status), "does not do it") if known else "does not do it"
    return PacsError(f"{doing}: the server {advice} ({status} {name}).")
