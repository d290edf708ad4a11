"""Traces leave the process by OTLP/HTTP where an address is set; elsewhere nothing of it is even imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from libs.log.process import tracing
from libs.service.settings import Settings


@contextmanager
def traced(settings: Settings, process: str) -> Iterator[None]:
    """Trace while inside; what is left is sent at the end. The SDK reads its own `OTEL_…` variables beside ours."""
    if settings.otel_exporter_otlp_endpoint is None:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - 0.1 s
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({"service.name": f"xunban-{settings.service}-{process}"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    # A collector that is away costs dropped spans and two seconds at the end, never a request.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=2)))
    tracing.use(provider.get_tracer("xunban"))
    try:
        yield
    finally:
        tracing.use(None)
        provider.shutdown()
