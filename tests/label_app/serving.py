"""The real MONAI Label server as a process of its own, without a way to the internet."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

requests: Any = pytest.importorskip("requests")

APP = "monai_harmonize/label_app"
STARTUP, SHUTDOWN, TRAINING = 240, 60, 300
# Where nobody listens: whatever asks the internet fails at once.
NOWHERE = "http://127.0.0.1:9"


@dataclass
class Server:
    """A running server.

    Args:
        address: of its API.
        process: the server.
        log: what it printed.
        bundles: folder of its bundles.
    """

    address: str
    process: subprocess.Popen
    log: Path
    bundles: Path

    def infer(self, model: str, image: str, output: str = "json", files: Any = None, **params: Any) -> Any:
        """``POST /infer/MODEL``."""
        return requests.post(
            f"{self.address}/infer/{model}",
            params={"image": image, "output": output},
            data={"params": json.dumps(params)},
            files=files,
            timeout=120,
        )

    def post(self, path: str, **body: Any) -> Any:
        """``POST`` with a JSON object."""
        return requests.post(f"{self.address}/{path}", json=body, timeout=120)

    def get(self, path: str) -> Any:
        """JSON of a ``GET``."""
        return requests.get(f"{self.address}/{path}", timeout=60).json()

    def upload(self, image: str, file: Path) -> None:
        """``PUT /datastore/image``."""
        with file.open("rb") as content:
            done = requests.put(
                f"{self.address}/datastore/image", params={"image": image}, files={"file": content}, timeout=60
            )
        assert done.json() == {"image": image}

    def label(self, image: str, file: Path) -> None:
        """``PUT /datastore/label``, final."""
        with file.open("rb") as content:
            parameters = {"image": image, "tag": "final"}
            done = requests.put(
                f"{self.address}/datastore/label", params=parameters, files={"label": content}, timeout=60
            )
        assert done.status_code == 200, done.text

    def stop_training(self) -> None:
        """``DELETE /train/``."""
        requests.delete(f"{self.address}/train/", timeout=60)

    def wait_for_training(self, *states: str) -> dict[str, Any]:
        """Status of the last training once it is one of some states."""
        until = monotonic() + TRAINING
        while monotonic() < until:
            task: dict[str, Any] = self.get("train/")
            if task["status"] in states:
                return task
            sleep(0.5)
        raise AssertionError(f"the training is {task['status']}: {task['details']}")

    def stop(self) -> int:
        """Interrupt the server as Ctrl+C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(SHUTDOWN)


@contextmanager
def serving(folder: Path, studies: str | Path, bundles: Path, **conf: str) -> Iterator[Server]:
    """Start a server on a free port of this machine, and stop it.

    Args:
        folder: for its log and whatever it caches.
        studies: folder or address.
        bundles: folder.
        conf: further ``--conf``.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = [part for name, value in {"bundles": str(bundles), **conf}.items() for part in ("--conf", name, value)]
    command = [sys.executable, "-m", "monailabel.main", "start_server", "--app", APP, "--studies", str(studies)]
    command += [*given, "--host", "127.0.0.1", "--port", str(port)]
    own = {"HOME": str(folder), "OMP_NUM_THREADS": "1", "http_proxy": NOWHERE, "https_proxy": NOWHERE}
    environment = {**os.environ, **own, "no_proxy": "127.0.0.1"}
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        server = Server(f"http://127.0.0.1:{port}", process, log, bundles)
        wait_until_up(server)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def until(true: Callable[[], bool]) -> None:
    """Return when something has become true; the server looks after its folder in its own time."""
    end = monotonic() + STARTUP
    while not true():
        assert monotonic() < end
        sleep(0.2)


def wait_until_up(server: Server) -> None:
    """Return when the server answers."""
    until = monotonic() + STARTUP
    while monotonic() < until:
        assert server.process.poll() is None, server.log.read_text()[-3000:]
        try:
            requests.get(f"{server.address}/info/", timeout=60)
        except requests.ConnectionError:
            sleep(0.5)
        else:
            return
    raise AssertionError(server.log.read_text()[-3000:])
