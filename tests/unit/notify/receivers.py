"""Servers that take messages: an HTTP receiver and a mail server on loopback, which fail when told to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from threading import Event, Thread
from typing import Any

from aiosmtpd.controller import Controller


@dataclass
class Got:
    """One request or mail that arrived, whatever was answered."""

    headers: dict[str, str]
    body: bytes
    status: int
    to: tuple[str, ...] = ()


@dataclass
class Receiver:
    """What arrived, and what is answered: a status for all, or for the next ones in turn."""

    url: str = ""
    port: int = 0
    status: int = 200
    then: list[int] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    hangs: Event | None = None
    """Answers wait for it."""
    endless: bool = False
    """An answer goes on until whoever reads it goes away."""

    def take(self, headers: dict[str, str], body: bytes, to: tuple[str, ...] = ()) -> int:
        """Note it; the status to answer."""
        status = self.then.pop(0) if self.then else self.status
        self.got.append(Got(headers, body, status, to))
        if self.hangs:
            self.hangs.wait(30)
        return status


@contextmanager
def http_receiver(answer: bytes = b"{}") -> Iterator[Receiver]:
    """A webhook receiver, or an SMS gateway."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver, answer))
    receiver.port = server.server_port
    receiver.url = f"http://127.0.0.1:{receiver.port}/messages"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(receiver: Receiver, answer: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            if not receiver.endless:
                self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            while receiver.endless:
                self.wfile.write(answer * 1000)

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
            pass

    return Handler


@contextmanager
def mail_server() -> Iterator[Receiver]:
    """A mail server."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        receiver = Receiver(port=free.getsockname()[1], status=250)

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
            status = receiver.take({}, envelope.content, tuple(envelope.rcpt_tos))
            return f"{status} {'OK' if status == 250 else 'not now'}"

    controller = Controller(Handler(), hostname="127.0.0.1", port=receiver.port)
    controller.start()
    try:
        yield receiver
    finally:
        controller.stop()
