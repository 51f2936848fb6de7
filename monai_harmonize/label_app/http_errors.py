"""What went wrong as an answer that a client can show."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from monailabel.interfaces.exception import MONAILabelException

from monai_harmonize.engines.plain_errors import input_error_in

__all__ = ["explain_errors", "http_errors"]

logger = logging.getLogger(__name__)

WRONG, ABSENT, BROKEN = 400, 404, 500
SERVER = "monailabel.app"


def http_error(error: Exception) -> HTTPException:
    """An exception as status and words.

    What the client gave is told with status 400 in our words, an unknown model or image with 404. Anything else is 500;
    its place goes to the log, its message does not: a library's message may quote a header.
    """
    cause = input_error_in(error)
    if cause is not None:
        return HTTPException(WRONG, str(cause))
    if isinstance(error, MONAILabelException):
        return HTTPException(ABSENT, error.msg)
    if isinstance(error, JSONDecodeError):
        return HTTPException(WRONG, "params is no JSON object.")
    places = "".join(traceback.format_tb(error.__traceback__))
    logger.error("%s\n%s", type(error).__name__, places)
    return HTTPException(BROKEN, f"{type(error).__name__} on the server; its log tells where.")


@contextmanager
def http_errors() -> Iterator[None]:
    """Turn exceptions of the block into ``HTTPException``; see ``http_error``."""
    try:
        yield
    except HTTPException:
        raise
    except Exception as error:
        raise http_error(error) from None


def explain_errors() -> None:
    """Let the running server, if there is one, explain errors of its own end points as ``http_error`` does.

    The server builds its chain of handlers before it loads an app; without it, it builds another at the next request.
    """
    if SERVER in sys.modules:
        app = sys.modules[SERVER].app
        for kind in (MONAILabelException, JSONDecodeError):
            app.add_exception_handler(kind, answer)
        app.middleware_stack = None


async def answer(_: Request, error: Exception) -> JSONResponse:
    """The answer to an exception."""
    found = http_error(error)
    return JSONResponse({"detail": found.detail}, found.status_code)
