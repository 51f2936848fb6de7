"""A real PACS on this machine: Orthanc with its DICOMweb plug-in, and what can stand between it and a client."""

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pydicom
import pytest
import requests

ROOTS = (Path(".orthanc"), Path("/"))
PLUGIN = "usr/share/orthanc/plugins/libOrthancDicomWeb.so"


class Orthanc:
    """A server with a folder of its own; it can be killed and started again with what it holds."""

    def __init__(self, root: Path, folder: Path, **settings) -> None:
        self.root, self.folder = root.resolve(), folder
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None
        self.auth = None
        content = {
            "StorageDirectory": str(folder / "db"),
            "IndexDirectory": str(folder / "db"),
            "HttpPort": self.port,
            "DicomServerEnabled": False,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Locale": "C.UTF-8",
            "StableAge": 1,
            "Plugins": [str(self.root / PLUGIN)],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        (folder / "orthanc.json").write_text(json.dumps({**content, **settings}))
        self.scheme = "https" if settings.get("SslEnabled") else "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/dicom-web"

    def start(self) -> "Orthanc":
        environment = dict(os.environ)
        if self.root != Path("/"):
            libraries = [*self.root.glob("usr/lib/*-linux-gnu"), *self.root.glob("lib/*-linux-gnu")]
            environment["LD_LIBRARY_PATH"] = ":".join(map(str, libraries))
            environment["DCMDICTPATH"] = str(next(self.root.glob("usr/share/libdcmtk*/dicom.dic")))
        with (self.folder / "log.txt").open("a") as log:
            self.process = subprocess.Popen(
                [self.root / "usr/sbin/Orthanc", self.folder / "orthanc.json"],
                env=environment,
                stdout=log,
                stderr=log,
            )
        for _ in range(300):
            time.sleep(0.05)
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
        raise AssertionError((self.folder / "log.txt").read_text())

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def rest(self, path: str, method: str = "get", **options):
        """Orthanc's own interface, which no command of ours uses."""
        address = f"{self.scheme}://127.0.0.1:{self.port}{path}"
        answer = requests.request(method, address, auth=self.auth, timeout=20, **options)
        answer.raise_for_status()
        return answer

    def put(self, *paths: Path) -> None:
        for path in paths:
            self.rest("/instances", "post", data=path.read_bytes())

    def empty(self) -> None:
        for name in self.rest("/patients").json():
            self.rest(f"/patients/{name}", "delete")

    def held(self) -> dict[str, list[pydicom.Dataset]]:
        """All that it holds, by Series Instance UID."""
        found: dict[str, list[pydicom.Dataset]] = {}
        for name in self.rest("/instances").json():
            content = self.rest(f"/instances/{name}/file").content
            dataset = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
            found.setdefault(str(dataset.SeriesInstanceUID), []).append(dataset)
        return found


@pytest.fixture(scope="session")
def orthanc_root() -> Path:
    """Where Orthanc lies."""
    for root in ROOTS:
        if (root / "usr/sbin/Orthanc").is_file() and (root / PLUGIN).exists():
            return root
    pytest.skip("there is no Orthanc: run `make orthanc`, or install orthanc and orthanc-dicomweb")


@pytest.fixture(scope="session")
def running_orthanc(orthanc_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    server = Orthanc(orthanc_root, tmp_path_factory.mktemp("orthanc")).start()
    yield server
    server.kill()


@pytest.fixture
def orthanc(running_orthanc: Orthanc) -> Iterator[Orthanc]:
    """An empty PACS."""
    running_orthanc.empty()
    yield running_orthanc
    running_orthanc.empty()


@pytest.fixture
def start_orthanc(orthanc_root: Path, tmp_path: Path) -> Iterator[Callable[..., Orthanc]]:
    """A PACS of a test's own, which it may kill."""
    started = []

    def start(**settings) -> Orthanc:
        started.append(Orthanc(orthanc_root, tmp_path / f"orthanc_{len(started)}", **settings).start())
        return started[-1]

    yield start
    for server in started:
        server.kill()


class Proxy:
    """Forwards requests to a server and does to some of them what a test says.

    ``rule(method, path)`` gives ``None`` to forward, a tuple of status, headers and body to answer itself,
    ``"cut answer"`` or ``"cut request"`` to break off in the middle; before that ``on_cut`` is called. Requests are
    noted in ``seen``.
    """

    def __init__(self, port: int) -> None:
        self.rule = lambda method, path: None
        self.on_cut = lambda: None
        self.seen: list[tuple[str, str]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def forward(self):
                proxy.seen.append((self.command, self.path))
                length = self.headers.get("Content-Length")
                body = self.rfile.read(int(length)) if length else b""
                action = proxy.rule(self.command, self.path)
                if isinstance(action, tuple):
                    return self.answer(*action)
                headers = {name: text for name, text in self.headers.items() if name.lower() != "connection"}
                server = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                if action == "cut request":
                    server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, text in headers.items():
                        server.putheader(name, text)
                    server.endheaders(body[: int(len(body) * 0.6)])
                    time.sleep(0.5)
                    proxy.on_cut()
                    return self.leave()
                try:
                    server.request(self.command, self.path, body, headers)
                    response = server.getresponse()
                    content = response.read()
                except OSError:
                    return self.leave()
                kept = {name: text for name, text in response.getheaders() if name.lower() in KEPT}
                if action == "cut answer":
                    self.send_response(response.status)
                    for name, text in {**kept, "Content-Length": str(len(content))}.items():
                        self.send_header(name, text)
                    self.end_headers()
                    self.wfile.write(content[: len(content) // 2])
                    self.wfile.flush()
                    proxy.on_cut()
                    return self.leave()
                return self.answer(response.status, kept, content)

            def answer(self, status, headers, content):
                self.send_response(status)
                for name, text in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(content)

            def leave(self):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            do_GET = do_POST = do_DELETE = forward

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/dicom-web"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


KEPT = ("content-type", "content-encoding")


@pytest.fixture
def proxy_of() -> Iterator[Callable[[Orthanc], Proxy]]:
    """A proxy before a PACS."""
    made = []

    def make(server: Orthanc) -> Proxy:
        made.append(Proxy(server.port))
        return made[-1]

    yield make
    for proxy in made:
        proxy.server.shutdown()
        proxy.server.server_close()


@pytest.fixture
def films(chest_data: Path, tmp_path: Path) -> list[Path]:
    """Three radiographs, each a study of its own, of patients who are named."""
    paths = []
    for number, source in enumerate(sorted((chest_data / "test" / "site_a").glob("*.dcm"))):
        dataset = pydicom.dcmread(source)
        dataset.PatientName, dataset.PatientID = "SECRET^PATIENT", f"SECRET{number}"
        dataset.PatientBirthDate, dataset.StudyDate = "19010203", f"2024010{number + 1}"
        paths.append(tmp_path / "films" / f"{number}.dcm")
        paths[-1].parent.mkdir(exist_ok=True)
        dataset.save_as(paths[-1])
    return paths


@pytest.fixture
def pacs(cli, model: Path, tmp_path: Path) -> Callable[..., object]:
    """The command with its usual arguments."""

    def run(url: str, *arguments, output: Path = tmp_path / "out", query: str = "Modality=DX"):
        given = () if "--checkpoint" in arguments else ("--checkpoint", model)
        return cli("pacs", "--url", url, "--query", query, "--output", output, *given, *arguments)

    return run


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("MONAI_HARMONIZE_PACS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
