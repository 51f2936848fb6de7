"""A real PACS on this machine: Orthanc with its DICOMweb plug-in, and what can stand between it and a client."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
import requests
from monai.bundle import ConfigParser

from monai_harmonize.engines.weights import save_weights
from monai_harmonize.phantoms.ct_dicom import Acquisition, Geometry, write_ct_series
from tests.pacs.proxy import Proxy
from tests.tools import MACHINE, UNPACKED, environment_of

PLUGIN = "usr/share/orthanc/plugins/libOrthancDicomWeb.so"


class Orthanc:
    """A server with a folder of its own; it can be killed and started again with what it holds."""

    def __init__(self, root: Path, folder: Path, **settings) -> None:
        self.root, self.folder = root, folder
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

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/dicom-web"

    def start(self) -> "Orthanc":
        with (self.folder / "log.txt").open("a") as log:
            self.process = subprocess.Popen(
                [self.root / "usr/sbin/Orthanc", self.folder / "orthanc.json"],
                env=environment_of(self.root),
                stdout=log,
                stderr=log,
            )
        for _ in range(300):
            time.sleep(0.05)
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                    continue
            time.sleep(0.1)  # another process may have taken the port; then ours ends
            assert self.process.poll() is None, (self.folder / "log.txt").read_text()
            return self
        raise AssertionError((self.folder / "log.txt").read_text())

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def rest(self, path: str, method: str = "get", **options):
        """Orthanc's own interface, which no command of ours uses."""
        address = f"http://127.0.0.1:{self.port}{path}"
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


def started(root: Path, folder: Path, tries: int = 3, **settings) -> Orthanc:
    """A running server; with another port where somebody else took the first one."""
    try:
        return Orthanc(root, folder, **settings).start()
    except AssertionError:
        if tries == 1:
            raise
        return started(root, folder, tries - 1, **settings)


@pytest.fixture(scope="session")
def orthanc_root() -> Path:
    """Where Orthanc lies."""
    for root in (UNPACKED, MACHINE):
        if (root / "usr/sbin/Orthanc").is_file() and (root / PLUGIN).exists():
            return root
    pytest.skip("there is no Orthanc: run `make tools`, or install orthanc and orthanc-dicomweb")


@pytest.fixture(scope="session")
def running_orthanc(orthanc_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    server = started(orthanc_root, tmp_path_factory.mktemp("orthanc"))
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
    servers = []

    def start(**settings) -> Orthanc:
        servers.append(started(orthanc_root, tmp_path / f"orthanc_{len(servers)}", **settings))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def proxy_of() -> Iterator[Callable[..., Proxy]]:
    """A proxy before a PACS."""
    made = []

    def make(server: Orthanc, **options) -> Proxy:
        made.append(Proxy(server.port, **options))
        return made[-1]

    yield make
    for proxy in made:
        proxy.close()


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
def volume(tmp_path: Path) -> list[Path]:
    """A CT series of six slices."""
    folder = tmp_path / "volume"
    folder.mkdir()
    random = np.random.default_rng(3)
    voxels = random.integers(-900, 1200, (12, 10, 6)).astype(np.int16)
    acquisition = Acquisition("site_a", "SECRET^CT", 120, "CHEST")
    return write_ct_series(folder, voxels, acquisition, Geometry((1, 1, 2), (0, 0, 0)), "a volume")


@pytest.fixture
def curve(tmp_path: Path) -> Path:
    """Weights of site_curve_ct that change every level."""
    parser = ConfigParser()
    parser.read_config("bundles/site_curve_ct/configs/inference.json")
    network = parser.get_parsed_content("network_def")
    levels = network.curve.source_levels.double().numpy()
    network.curve.set_knots(levels, 0.6 * levels + 0.1)
    return save_weights(network, tmp_path / "curve" / "model.pt")


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
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
