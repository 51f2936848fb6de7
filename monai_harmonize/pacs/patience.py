"""Tries again what a busy or restarting server did not do, with growing pauses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from random import SystemRandom
from typing import TypeVar

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

__all__ = ["BUSY", "Patience"]

Result = TypeVar("Result")

BUSY = (
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
# What breaks off; certificates do not become good by waiting.
BROKEN = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
RANDOM = SystemRandom()
LARGEST_POWER = 64


@dataclass(frozen=True)
class Patience:
    """How often a request is tried and how long the pauses are.

    The pause doubles from try to try and is shortened at random by up to a half, so that many clients do not come
    back at once. Where the server names a time (``Retry-After``), it is waited for; if that is longer than
    ``longest``, the request is given up.

    Args:
        attempts: tries in all.
        first: seconds of the first pause.
        longest: seconds of the longest one.
        tell: told of every pause.
        sleep: waits.
    """

    attempts: int = 5
    first: float = 1.0
    longest: float = 120.0
    tell: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, request: Callable[[], Result]) -> Result:
        """Do a request, again where it makes sense; exceptions of the last try go through."""
        for attempt in range(1, self.attempts):
            try:
                return request()
            except requests.RequestException as error:
                pause = self.pause(error, attempt)
                if pause is None:
                    raise
                self.tell(f"The server is busy or away; next try in {pause:.0f} s ({attempt + 1} of {self.attempts}).")
            self.sleep(pause)
        return request()

    def pause(self, error: requests.RequestException, attempt: int) -> float | None:
        """Seconds to wait after a failed try (1 is the first), or ``None`` where another one would fail, too."""
        if isinstance(error, requests.exceptions.SSLError):
            return None
        busy = error.response is not None and error.response.status_code in BUSY
        if not busy and not isinstance(error, BROKEN):
            return None
        own = min(self.first * 2.0 ** min(attempt - 1, LARGEST_POWER), self.longest) * RANDOM.uniform(0.5, 1.0)
        asked = asked_pause(error.response)
        return None if asked > self.longest else max(own, asked)


def asked_pause(response: requests.Response | None) -> float:
    """Seconds that an answer's ``Retry-After`` (a number or a date) asks for; 0 without a readable one."""
    header = None if response is None else response.headers.get("Retry-After")
    if header is None:
        return 0.0
    try:
        return max(0.0, Retry().parse_retry_after(header))
    except (InvalidHeader, ValueError, OverflowError):  # a date may be none
        return 0.0
