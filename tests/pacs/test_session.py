"""Addresses, credentials and whom to trust."""

import subprocess
from pathlib import Path

import pytest
import requests

from monai_harmonize.data import InputError
from monai_harmonize.pacs.session import PacsSession, checked_url, open_session

URL = "http://127.0.0.1:8042/dicom-web"


@pytest.mark.parametrize("url", [URL, f"{URL}/", "https://pacs.example/a/b//", "http://[::1]:80/x"])
def test_addresses(url: str) -> None:
    assert checked_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "pacs",
        "pacs:8042/dicom-web",
        "ftp://pacs/x",
        "file:///etc",
        "http://",
        "http://a:b/",
        "http://a b/",
        f"{URL}\n",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InputError, match="expected one such as"):
        checked_url(url)


@pytest.mark.parametrize("url", ["http://me:hush@pacs/x", "http://hush@pacs/x", "https://:hush@pacs/x"])
def test_a_password_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match="PASSWORD instead") as caught:
        checked_url(url)
    assert "hush" not in str(caught.value)


def authorization(session: PacsSession, url: str = URL) -> str | None:
    return session.prepare_request(requests.Request("GET", url)).headers.get("Authorization")


def test_credentials_come_from_the_environment() -> None:
    given = {"MONAI_HARMONIZE_PACS_USER": "me", "MONAI_HARMONIZE_PACS_PASSWORD": "hush"}
    assert authorization(open_session(URL, 5, environment=given)) == "Basic bWU6aHVzaA=="
    assert authorization(open_session(URL, 5, environment={"MONAI_HARMONIZE_PACS_TOKEN": "abc"})) == "Bearer abc"
    assert authorization(open_session(URL, 5, environment={})) is None


def test_netrc_is_asked_where_the_environment_says_nothing(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "other").write_text("machine 127.0.0.1 login me password hush\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "other"))
    assert authorization(open_session(URL, 5, environment={})) == "Basic bWU6aHVzaA=="
    assert authorization(open_session(URL, 5, environment={}), "http://elsewhere/x") is None
    # A token of the environment is not replaced.
    assert authorization(open_session(URL, 5, environment={"MONAI_HARMONIZE_PACS_TOKEN": "abc"})) == "Bearer abc"


def test_a_scheme_in_capital_letters_is_one() -> None:
    assert checked_url("HTTPS://Pacs.example/Dicom-Web/") == "https://Pacs.example/Dicom-Web"


@pytest.mark.parametrize("token", ["abc\n", " abc", "a c", "\u00e4bc", "\x00"])
def test_what_is_no_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(InputError, match="which no token has") as caught:
        open_session(URL, 5, environment={"MONAI_HARMONIZE_PACS_TOKEN": token})
    assert token not in str(caught.value)


@pytest.mark.parametrize("content", [b"machine", b"hush hush", b"machine 127.0.0.1 login me password \xff\xfe"])
def test_a_netrc_that_cannot_be_read_is_told_and_not_repeated(tmp_path: Path, monkeypatch, content: bytes) -> None:
    """Requests would be sent without credentials, or fail for what looks like another reason."""
    (tmp_path / "netrc").write_bytes(content)
    with pytest.raises(InputError, match=r"netrc.*cannot be read") as caught:
        open_session(URL, 5, environment={})
    assert "hush" not in str(caught.value)
    assert caught.value.__suppress_context__
    open_session(URL, 5, environment={"MONAI_HARMONIZE_PACS_TOKEN": "abc"})


@pytest.mark.parametrize(
    ("names", "message"),
    [(["USER"], "PASSWORD: is not set"), (["PASSWORD"], "USER: is not set"), (["USER", "PASSWORD", "TOKEN"], "beside")],
)
def test_half_or_double_credentials_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        open_session(URL, 5, environment={f"MONAI_HARMONIZE_PACS_{name}": "hush" for name in names})
    assert "hush" not in str(caught.value)


def test_a_secret_that_would_be_readable_is_told() -> None:
    token = {"MONAI_HARMONIZE_PACS_TOKEN": "abc"}
    for url, count in [(URL, 0), ("http://localhost/x", 0), ("http://pacs/x", 1), ("https://pacs/x", 0)]:
        told: list[str] = []
        open_session(url, 5, environment=token, warn=told.append)
        assert len(told) == count, url
        assert "abc" not in "".join(told)
    told = []
    open_session("http://pacs/x", 5, environment={}, warn=told.append)
    assert told == []


def test_authorities_are_not_replaced_by_the_environment(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/elsewhere")
    (tmp_path / "own.pem").write_text("")
    settings = open_session(URL, 5, tmp_path / "own.pem").merge_environment_settings(URL, {}, None, None, None)
    assert settings["verify"] == str(tmp_path / "own.pem")
    assert open_session(URL, 5).merge_environment_settings(URL, {}, None, None, None)["verify"] == "/elsewhere"
    with pytest.raises(InputError, match="no such file"):
        open_session(URL, 5, tmp_path / "missing.pem")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of this machine, signed by itself; and the same with its key."""
    key, own, both = (tmp_path / name for name in ("key.pem", "own.pem", "both.pem"))
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    try:
        subprocess.run(
            ["openssl", *options.split(), "-keyout", key, "-out", own],
            check=True,
            capture_output=True,
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl is needed for a certificate")
    both.write_text(own.read_text() + key.read_text())
    return own, both


def test_an_unknown_certificate_is_refused_and_a_named_one_trusted(
    orthanc, proxy_of, certificate: tuple[Path, Path], pacs
) -> None:
    own, both = certificate
    server = proxy_of(orthanc, certificate=both)
    done = pacs(server.url)
    assert done.exit_code == 2
    assert "--ca-bundle" in done.output
    done = pacs(server.url, "--ca-bundle", own)
    assert done.exit_code == 0, done.output
    assert "No series matches" in done.output
