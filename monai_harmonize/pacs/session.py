"""The connection to a server: its address, who asks, and whom to trust."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from netrc import NetrcParseError
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth
from requests.utils import get_netrc_auth

from monai_harmonize.data.errors import InputError

__all__ = ["PacsSession", "checked_url", "open_session"]

USER, PASSWORD, TOKEN = (f"MONAI_HARMONIZE_PACS_{name}" for name in ("USER", "PASSWORD", "TOKEN"))

# Visible characters of ASCII.
PLAIN_TEXT = re.compile(r"[!-~]+")
# What needs no code in a query and what stands for a blank everywhere.
PLAIN = {"%2A": "*", "%2C": ",", "%3A": ":", "%3F": "?", "+": "%20"}


class BearerToken(AuthBase):
    """``Authorization: Bearer``; as authentication of a session it goes to no other server."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token into a request."""
        r.headers["Authorization"] = f"Bearer {self.token}"
        return r


class PacsSession(requests.Session):
    """Session whose timeout, and authorities if any are given, hold for every request; redirections are refused.

    ``dicomweb-client`` sets timeouts of its own, and a header ``Host`` without the port; ``requests`` lets the
    environment replace the authorities.

    Args:
        timeout: seconds to wait for a connection and for each part of an answer.
        authorities: file or folder of certificates to trust instead of the usual ones.
    """

    def __init__(self, timeout: float, authorities: Path | None = None) -> None:
        super().__init__()
        self.timeout = timeout
        self.authorities = authorities
        self.max_redirects = 0  # a password would go along, and a POST would become a GET

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request."""
        headers = {name: value for name, value in (kwargs.get("headers") or {}).items() if name != "Host"}
        answer: requests.Response = super().request(
            method, plain_query(url), *args, **{**kwargs, "headers": headers, "timeout": self.timeout}
        )
        return answer

    def merge_environment_settings(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Settings of a request."""
        settings: dict[str, Any] = dict(super().merge_environment_settings(*args, **kwargs))
        return settings if self.authorities is None else {**settings, "verify": str(self.authorities)}


def open_session(
    url: str,
    timeout: float,
    ca_bundle: Path | None = None,
    environment: Mapping[str, str] = os.environ,
    warn: Callable[[str], None] = lambda _: None,
) -> PacsSession:
    """Session for a server, with the credentials of the environment; without any, ``requests`` asks ``~/.netrc``.

    Args:
        url: root of the DICOMweb services, see ``checked_url``.
        timeout: see ``PacsSession``.
        ca_bundle: see ``PacsSession``.
        environment: ``MONAI_HARMONIZE_PACS_USER`` and ``_PASSWORD``, or ``_TOKEN``.
        warn: told where a secret would go over the network unencrypted.

    Raises:
        InputError: half of the credentials or two kinds are set, or there is no such file of authorities.
    """
    if ca_bundle is not None and not ca_bundle.exists():
        raise InputError(
            f"--ca-bundle {ca_bundle}: there is no such file; give the certificates of your authority (PEM)."
        )
    session = PacsSession(timeout, ca_bundle)
    user, password, token = (environment.get(name, "") for name in (USER, PASSWORD, TOKEN))
    if bool(user) != bool(password):
        raise InputError(f"{PASSWORD if user else USER}: is not set; it belongs to {USER if user else PASSWORD}.")
    if user and token:
        raise InputError(f"{TOKEN}: is set beside {USER}; set one of them.")
    if token:
        if not PLAIN_TEXT.fullmatch(token):
            raise InputError(f"{TOKEN}: holds a blank, a line break or a special character, which no token has.")
        session.auth = BearerToken(token)
    elif user:
        session.auth = HTTPBasicAuth(user.encode(), password.encode())
    else:
        check_netrc(url)
    if session.auth is not None and urlsplit(url).scheme == "http" and not is_local(urlsplit(url).hostname or ""):
        warn("The credentials go over the network unencrypted; use the server's https address.")
    return session


def check_netrc(url: str) -> None:
    """Raise ``InputError`` for a file of passwords that cannot be read: requests would be sent without.

    Nothing of the file is repeated.
    """
    try:
        get_netrc_auth(url, raise_errors=True)
    except (NetrcParseError, OSError, ValueError):
        raise InputError(
            "~/.netrc (or the file that NETRC names): cannot be read; repair it, or set NETRC to another file."
        ) from None


def plain_query(url: str) -> str:
    """An address whose query is encoded no further than RFC 3986 asks for: some servers do not decode all of it.

    Orthanc's plug-in of Debian 12 takes ``%2A`` for a text of three letters, not for a wildcard.
    """
    place, mark, query = url.partition("?")
    for code, plain in PLAIN.items():
        query = query.replace(code, plain)
    return f"{place}{mark}{query}"


def checked_url(url: str) -> str:
    """The address without a slash at its end, its scheme in small letters.

    Raises:
        InputError: it is no address of a web server, or it holds a user and a password, which others on this machine
            could read; they are not repeated.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not url.isprintable() or " " in url:
        raise InputError("--url: is no address; expected one such as http://host:8042/dicom-web.")
    if "@" in parts.netloc:
        raise InputError(
            f"--url: holds a user name or password, which others can read; set {USER} and {PASSWORD} instead."
        )
    if parts.query or parts.fragment:
        raise InputError("--url: holds a query (?) or a fragment (#); expected one such as http://host:8042/dicom-web.")
    return parts.geturl().rstrip("/")


def is_local(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
