"""How often and after which pauses a request is tried again."""

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import requests

from monai_harmonize.pacs.patience import Patience, asked_pause


def answer(status: int, **headers: str) -> requests.HTTPError:
    response = requests.Response()
    response.status_code = status
    response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    return requests.HTTPError(response=response)


def pauses(*troubles: Exception, **settings) -> list[float]:
    """Pauses of a request that fails with these and then succeeds."""
    left, slept = list(troubles), []

    def request() -> str:
        if left:
            raise left.pop(0)
        return "done"

    assert Patience(sleep=slept.append, **settings)(request) == "done"
    return slept


def test_pauses_double_and_are_shortened_at_random() -> None:
    runs = [pauses(*[requests.ConnectionError()] * 4) for _ in range(50)]
    for number in range(4):
        taken = [run[number] for run in runs]
        assert all(0.5 * 2**number <= pause <= 2**number for pause in taken)
        assert len(set(taken)) > 10
    assert max(pauses(*[requests.ConnectionError()] * 9, attempts=10, longest=4)) <= 4
    assert max(pauses(*[requests.ConnectionError()] * 2000, attempts=2001, longest=4)) <= 4


def test_the_server_may_name_the_pause() -> None:
    assert pauses(answer(503, Retry_After="7"), answer(429, Retry_After="3")) == [7, 3]
    assert pauses(answer(503, Retry_After="0"))[0] >= 0.5
    for unreadable in ("soon", "-3", "Fri, 31 Dec 99999 23:59:59 GMT"):
        assert pauses(answer(503, Retry_After=unreadable))[0] <= 1
    later = datetime.now(timezone.utc) + timedelta(seconds=30)
    assert 25 < pauses(answer(503, Retry_After=format_datetime(later, usegmt=True)))[0] <= 30
    assert asked_pause(None) == 0


def test_a_pause_that_is_too_long_is_not_made() -> None:
    with pytest.raises(requests.HTTPError):
        pauses(answer(503, Retry_After="86400"))


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_busy_servers_are_asked_again(status: int) -> None:
    assert len(pauses(answer(status))) == 1


@pytest.mark.parametrize(
    "trouble",
    [answer(400), answer(401), answer(404), answer(409), answer(500), requests.exceptions.SSLError(), ValueError()],
)
def test_what_does_not_become_better_is_not_tried_again(trouble: Exception) -> None:
    with pytest.raises(type(trouble)):
        pauses(trouble)


def test_tries_are_counted() -> None:
    told: list[str] = []
    with pytest.raises(requests.Timeout):
        pauses(*[requests.Timeout()] * 3, attempts=3, tell=told.append)
    assert ["2 of 3" in told[0], "3 of 3" in told[1]] == [True, True]
    assert len(told) == 2
    with pytest.raises(requests.Timeout):
        pauses(requests.Timeout(), attempts=1)
