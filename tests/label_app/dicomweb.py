"""As much of a DICOMweb server (PS3.18) as MONAI Label asks for: search for series, retrieve a series."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pydicom

SHOWN = ("Modality", "PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "StudyDate")
BOUNDARY = "part"


class Archive(ThreadingHTTPServer):
    """A server on a free port.

    Args:
        files: what it holds.

    Attributes:
        asked: queries for series.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.datasets = [pydicom.dcmread(path) for path in files]
        self.asked: list[dict[str, str]] = []
        super().__init__(("127.0.0.1", 0), Handler)

    def search(self, query: dict[str, str]) -> bytes:
        """Series that fit a query, as DICOM JSON."""
        self.asked.append(query)
        wanted = {name: value for name, value in query.items() if name in SHOWN}
        series = {}
        for dataset in self.datasets:
            if all(str(dataset.get(name)) == value for name, value in wanted.items()):
                shown = pydicom.Dataset()
                for name in SHOWN:
                    setattr(shown, name, dataset.get(name, ""))
                series[dataset.SeriesInstanceUID] = shown.to_json_dict()
        return json.dumps(list(series.values())).encode()

    def retrieve(self, study: str, series: str) -> bytes:
        """Files of a series as parts of one message."""
        body = b""
        for dataset in self.datasets:
            if (dataset.StudyInstanceUID, dataset.SeriesInstanceUID) == (study, series):
                content = BytesIO()
                dataset.save_as(content)
                head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
                body += head + content.getvalue() + b"\r\n"
        return body + f"--{BOUNDARY}--\r\n".encode()


class Handler(BaseHTTPRequestHandler):
    """Answers of an ``Archive``."""

    server: Archive

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/series":
            self.answer("application/dicom+json", self.server.search(dict(parse_qsl(parts.query))))
        elif found := re.fullmatch(r"/studies/([\d.]+)/series/([\d.]+)", parts.path):
            kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
            self.answer(kind, self.server.retrieve(*found.groups()))
        else:
            self.send_error(404)

    def answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def dicomweb(files: Sequence[Path]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Serve files; yields the address and the queries for series that were asked."""
    archive = Archive(files)
    Thread(target=archive.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{archive.server_port}", archive.asked
    finally:
        archive.shutdown()
        archive.server_close()
