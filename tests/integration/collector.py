"""A collector of traces on loopback, as OTLP/HTTP defines it: keeps the spans that processes send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """One span as it was received; ids in hex, the parent's empty at a root."""

    process: str
    name: str
    trace: str
    id: str
    parent: str
    text: str
    """All of it, for a search."""


@dataclass
class Collector:
    """What has been received so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    _changed: Condition = field(default_factory=Condition)

    def take(self, body: bytes) -> None:
        """One export."""
        with self._changed:
            for of_process in ExportTraceServiceRequest.FromString(body).resource_spans:
                attributes = {one.key: one.value.string_value for one in of_process.resource.attributes}
                for scope in of_process.scope_spans:
                    self.spans += [
                        Span(
                            attributes["service.name"].removeprefix("xunban-"),
                            span.name,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            str(span),
                        )
                        for span in scope.spans
                    ]
            self._changed.notify_all()

    def wait(self, enough: Callable[[list[Span]], bool], timeout: float = 60) -> list[Span]:
        """The spans as soon as they are enough; raises AssertionError where they do not come."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.spans), timeout), sorted(
                (span.process, span.name) for span in self.spans
            )
            return list(self.spans)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that listens while inside."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        collector.url = f"http://127.0.0.1:{server.server_port}"
        yield collector
        server.shutdown()
        thread.join()
