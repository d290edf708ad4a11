"""Spans along an event's way, by its `traceparent`: HTTP → append → relay → projection → reaction. Off until `use`.

While it is off nothing of OpenTelemetry is imported by this module and a span costs two attribute reads; `traceparent`
is handed on as it came. Spans carry ids, types and lanes, never what an event says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

Kind = Literal["internal", "server", "producer", "consumer"]
About = Mapping[str, str | int]
"""Ids, types and lanes."""


class Tracing:
    """The tracer of this process, if there is one."""

    tracer: Tracer | None = None


def use(tracer: Tracer | None) -> None:
    """Make spans from now on with this tracer; None switches them off."""
    Tracing.tracer = tracer


class Here:
    """Where the trace stands inside a span: what is appended there carries `traceparent`."""

    def __init__(self, traceparent: str | None, span: Span | None = None) -> None:
        self.traceparent = traceparent
        self._span = span

    def say(self, name: str | None = None, **attributes: str | int) -> None:
        """Name the span when that is known, and add to what it says."""
        if self._span is not None:
            if name:
                self._span.update_name(name)
            self._span.set_attributes(attributes)


@contextmanager
def span(
    name: str, parent: str | None, kind: Kind = "internal", about: About | None = None, *, root: bool = False
) -> Iterator[Here]:
    """A span below `parent`; without a parent only where it may begin a trace (`root`)."""
    if Tracing.tracer is None or (parent is None and not root):
        yield Here(parent)
        return
    made = _begin(Tracing.tracer, name, parent, kind, about)
    try:
        yield Here(_traceparent(made), made)
    except BaseException as why:
        # Its type alone: the words of an exception may be a person's.
        made.set_attribute("error.type", type(why).__name__)
        raise
    finally:
        made.end()


@contextmanager
def spans(name: str, parents: Iterable[str | None], kind: Kind, about: About) -> Iterator[None]:
    """One span below each of several parents, for what is done to all of them at once."""
    with ExitStack() as open_spans:
        for parent in parents if Tracing.tracer else ():
            open_spans.enter_context(span(name, parent, kind, about))
        yield


def _begin(tracer: Tracer, name: str, parent: str | None, kind: Kind, about: About | None) -> Span:
    from opentelemetry.context import Context  # noqa: PLC0415 - only where tracing is on
    from opentelemetry.trace import SpanKind  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    context = TraceContextTextMapPropagator().extract({"traceparent": parent} if parent else {}, Context())
    return tracer.start_span(name, context, SpanKind[kind.upper()], dict(about or {}))


def _traceparent(made: Span) -> str:
    at = made.get_span_context()
    return f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}"
