"""What went wrong as an answer that a client can show."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from errno import EACCES, EDQUOT, EIO, ENOSPC, EROFS
from json import JSONDecodeError
from typing import Any
from urllib.parse import parse_qs

from fastapi import HTTPException
from fastapi.middleware import Middleware
from fastapi.responses import JSONResponse
from monailabel.interfaces.exception import MONAILabelException
from requests import RequestException

from monai_harmonize.engines.plain_errors import input_error_in

__all__ = ["ABSENT", "WRONG", "asked_output", "explain_errors", "http_errors"]

logger = logging.getLogger(__name__)

WRONG, ABSENT, BROKEN, BEHIND = 400, 404, 500, 502
SERVER = "monailabel.app"
# What an end point itself cannot do with a request is the request's fault; all else happens behind.
SERVERS = ("monailabel.", "monai_harmonize.")
END_POINTS = ("monailabel.endpoints", "monailabel.utils.sessions", "monailabel.datastore.utils.convert")
DISK = (EACCES, EDQUOT, EIO, ENOSPC, EROFS)
# ``output`` of the request that is being answered.
asked_output: ContextVar[str | None] = ContextVar("asked_output", default=None)


def http_error(error: Exception) -> HTTPException:
    """An exception as status and words.

    What the client gave is told with status 400 in our words, an unknown model or image with 404, what a DICOMweb
    server does not do with 502. Anything else is 500; its place goes to the log, its message does not: a library's
    message may quote a header.
    """
    cause = input_error_in(error)
    if isinstance(error, HTTPException):
        return error
    if cause is not None:
        return HTTPException(WRONG, str(cause))
    if isinstance(error, MONAILabelException):
        return HTTPException(ABSENT, error.msg)
    if isinstance(error, RequestException):
        return HTTPException(BEHIND, f"the DICOMweb server refuses or does not answer ({type(error).__name__}).")
    if is_of_the_request(error):
        no_json = "params is no JSON object"
        told = no_json if isinstance(error, JSONDecodeError) else f"{no_json}, or a name or file is unfit"
        return HTTPException(WRONG, f"{told}.")
    places = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s\n%s", type(error).__name__, places)
    return HTTPException(BROKEN, f"{type(error).__name__} on the server; its log tells where.")


def is_of_the_request(error: Exception) -> bool:
    """Whether an end point itself, not what it calls of MONAI Label or of ours, could not do with a request."""
    modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    innermost = next((module for module in reversed(modules) if module.startswith(SERVERS)), "")
    of_the_disk = isinstance(error, OSError) and error.errno in DISK
    return innermost.startswith(END_POINTS) and not of_the_disk


@contextmanager
def http_errors() -> Iterator[None]:
    """Turn exceptions of the block into ``HTTPException``; see ``http_error``."""
    try:
        yield
    except HTTPException:
        raise
    except Exception as error:
        raise http_error(error) from None


class Explained:
    """ASGI middleware by which no exception of an end point leaves the server without words.

    Args:
        app: the application within.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, and answer in the place of what fails."""
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        asked_output.set(query.get("output", [None])[0])
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            await (await answer(None, error))(scope, receive, send)


def explain_errors() -> None:
    """Let the running server, if there is one, explain errors of its own end points as ``http_error`` does.

    The server builds its chain of handlers before it loads an app; without it, it builds another at the next request.
    ``Explained`` is the innermost, so that a browser, which wants headers of the others, gets the answer.
    """
    if SERVER in sys.modules:
        app = sys.modules[SERVER].app
        app.add_exception_handler(HTTPException, answer)
        app.user_middleware.append(Middleware(Explained))
        app.middleware_stack = None


async def answer(_: Any, error: Exception) -> JSONResponse:
    """The answer to an exception; MONAI Label calls some wrong requests 500."""
    found = http_error(error)
    wrong = found.status_code == BROKEN and is_of_the_request(error)
    return JSONResponse({"detail": found.detail}, WRONG if wrong else found.status_code, found.headers)
