"""What every process measures of itself, and how it is told to Prometheus. Names no case and no person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from libs.log.process.counters import COUNTERS

disable_created_metrics()  # type: ignore[no-untyped-call]
REASONS = ("FOREIGN", "CONTENT", "UNSIGNED", "FORGED", "BEAT")
"""Why a record is passed over (libs/events/proof.py); the last: a heartbeat that is none."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

HTTP_REQUESTS = Counter(
    "xunban_http_requests", "Requests answered, by route template and status.", ["method", "route", "status"]
)
HTTP_SECONDS = Histogram(
    "xunban_http_request_seconds",
    "From the first byte of a request to the last of its answer.",
    ["method", "route"],
    buckets=SECONDS,
)
HTTP_IN_FLIGHT = Gauge("xunban_http_in_flight", "Requests being worked on now.")
HTTP_OVERLOADED = Counter("xunban_http_overloaded", "Requests turned away because too many were being worked on.")
PROBLEMS = Counter("xunban_problems", "Problem documents answered, by their stable code.", ["code"])
POOL = Gauge("xunban_pool_connections", "Connections to the service's database.", ["state"])
DATABASE_UP = Gauge("xunban_database_up", "1 where the service's database answered while being measured.")
FRESHNESS = Gauge(
    "xunban_freshness_lag_seconds", "API: how far the lists are behind real time, per source they show.", ["source"]
)

LANES = Gauge("xunban_lanes_owned", "Worker: case lanes that this worker holds; 64 over all workers of a service.")
HALTED = Gauge("xunban_partitions_halted", "Worker: partitions that do not go on by themselves.", ["what"])
CASES_WAITING = Gauge(
    "xunban_cases_waiting", "Worker: cases of the owned lanes that cannot be judged by the rules in force, and wait."
)
WATERMARK_LAG = Gauge(
    "xunban_watermark_lag_seconds",
    "Worker: real time since the newest heartbeat wholly applied, of the source's slowest owned lane.",
    ["source"],
)
RELAY_BACKLOG = Gauge("xunban_relay_backlog_events", "Worker: events of the owned lanes that are not in the log yet.")
BATCH_EVENTS = Histogram(
    "xunban_projection_batch_events",
    "Worker: events of one lane applied together.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
)
BATCH_SECONDS = Histogram(
    "xunban_projection_batch_seconds",
    "Worker: projection and reactions of one batch, without the commit.",
    buckets=SECONDS,
)
VISIBLE_SECONDS = Histogram(
    "xunban_projection_delay_seconds",
    "Worker: from recording an event to its projection, newest event of a batch; real mode only.",
    buckets=(*SECONDS, 30.0, 60.0, 300.0),
)
CHECKPOINT = Gauge(
    "xunban_checkpoint_signed_timestamp_seconds", "Worker with the single jobs: when it last signed its lane heads."
)
ANSWERS_FORGOTTEN = Counter(
    "xunban_answers_forgotten", "Worker with the single jobs: answers of Idempotency-Keys dropped because they are old."
)
TABLE_DIFFERS = Gauge(
    "xunban_event_table_differs", "Worker: owned lanes whose event table is not what was appended or what the log says."
)


class Log:
    """The counters of the log itself, which knows no metrics."""

    def collect(self) -> Iterator[Metric]:
        """Read when asked."""
        yield CounterMetricFamily("xunban_events_appended", "Events appended.", value=COUNTERS.appended)
        yield CounterMetricFamily(
            "xunban_append_conflicts", "Appends that found the stream moved on.", value=COUNTERS.conflicts
        )
        passed_over = CounterMetricFamily(
            "xunban_records_passed_over",
            "Records of the log that no source signed: applied by nobody.",
            labels=["reason"],
        )
        for reason in REASONS:
            passed_over.add_metric([reason], COUNTERS.passed_over[reason])
        yield passed_over


REGISTRY.register(Log())


@dataclass(frozen=True)
class Named:
    """Everything registered, each sample saying whose it is: rules and dashboards need no more than that."""

    service: str
    process: str

    def collect(self) -> Iterator[Metric]:
        """All families with two labels more."""
        whose = {"service": self.service, "process": self.process}
        for family in REGISTRY.collect():
            family.samples = [sample._replace(labels={**whose, **sample.labels}) for sample in family.samples]
            yield family


def exposition(service: str, process: str) -> Response:
    """The answer of `GET /metrics`."""
    return Response(generate_latest(Named(service, process)), media_type=CONTENT_TYPE_LATEST)
