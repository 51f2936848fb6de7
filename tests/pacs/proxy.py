"""What can stand between a PACS and its clients: a server that is busy, restarts or breaks off."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEPT = ("content-type", "content-encoding")
CUT_ANSWER, CUT_REQUEST = "cut answer", "cut request"


class Proxy:
    """Forwards requests to a server on this machine and does to some of them what a test says.

    ``rule(method, path)`` gives ``None`` to forward, a tuple of status, headers and body to answer itself, or
    ``CUT_ANSWER`` or ``CUT_REQUEST`` to break off in the middle; then ``on_cut`` is called. ``seen`` notes requests.
    With a certificate and its key (PEM) it speaks TLS.
    """

    def __init__(self, port: int, certificate: Path | None = None) -> None:
        self.port = port
        self.rule: Callable[[str, str], tuple[int, dict[str, str], bytes] | str | None] = lambda method, path: None
        self.on_cut: Callable[[], None] = lambda: None
        self.seen: list[tuple[str, str]] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, self))
        self.server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}/dicom-web"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def __init__(self, proxy: Proxy, *arguments) -> None:
        self.proxy = proxy
        super().__init__(*arguments)

    def __getattr__(self, name: str):
        if name in ("do_GET", "do_POST", "do_DELETE"):
            return self.forward
        raise AttributeError(name)

    def log_message(self, *_) -> None:
        """Tell nothing."""

    def forward(self) -> None:
        self.proxy.seen.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        action = self.proxy.rule(self.command, self.path)
        if isinstance(action, tuple):
            self.answer(*action)
            return
        headers = {name: text for name, text in self.headers.items() if name.lower() != "connection"}
        server = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=20)
        try:
            if action == CUT_REQUEST:
                self.send_a_part(server, headers, body)
                self.leave()
                return
            server.request(self.command, self.path, body, headers)
            response = server.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):  # it is away
            self.leave()
            return
        kept = {name: text for name, text in response.getheaders() if name.lower() in KEPT}
        self.answer(response.status, kept, content, share=0.5 if action == CUT_ANSWER else 1)
        if action == CUT_ANSWER:
            self.proxy.on_cut()
            self.leave()

    def send_a_part(self, server: http.client.HTTPConnection, headers: dict[str, str], body: bytes) -> None:
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, text in headers.items():
            server.putheader(name, text)
        server.endheaders(body[: int(len(body) * 0.6)])
        time.sleep(0.5)
        self.proxy.on_cut()
        server.close()

    def answer(self, status: int, headers: dict[str, str], content: bytes, share: float = 1) -> None:
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content[: int(len(content) * share)])
        self.wfile.flush()

    def leave(self) -> None:
        """Break the connection off."""
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
