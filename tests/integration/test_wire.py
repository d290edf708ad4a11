"""The published events are what any CloudEvents SDK and any Kafka client reads, byte for byte what was stored."""

from datetime import UTC, datetime
from typing import Any

import confluent_kafka
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from libs.events.contracts.generate import HEADERS, OPTIONAL_HEADERS
from libs.events.envelope import from_kafka
from libs.events.lanes import encode_meta
from tests.integration.logs import MORNING, NOTED, SOURCE, Log, case_in
from tests.integration.published import publish

LANE = 7


def read_with_librdkafka(bootstrap: str, partition: int, offset: int) -> confluent_kafka.Message:
    """One record through a Kafka client that shares no line with the one that wrote it."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "auditor"})
    consumer.assign([confluent_kafka.TopicPartition("case.events", partition, offset)])
    message = consumer.poll(30)
    consumer.close()
    assert message is not None
    assert message.error() is None
    return message


async def published(log: Log) -> tuple[str, Any]:
    case_id = case_in(LANE)
    await log.append(case_id, given=MORNING)
    (record,) = await publish(log, {LANE}, 1)
    return case_id, record


async def test_the_cloudevents_sdk_reads_a_published_event(relayed_log: Log) -> None:
    case_id, record = await published(relayed_log)

    event = from_binary(KafkaMessage(dict(record.headers), record.key, record.value), JSONFormat())

    assert event.get_specversion() == "1.0"
    assert (event.get_source(), event.get_subject()) == (SOURCE, case_id)
    assert event.get_type() == "intake.case-not-accepted.v1"
    assert event.get_time() == datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
    assert event.get_datacontenttype() == "application/json"
    assert event.get_dataschema() == "urn:xunban:schema:intake.case-not-accepted.v1"
    assert event.get_extension("lane") == str(LANE)
    assert event.get_extension("laneseq") == "1"
    assert event.get_extension("partitionkey") == case_id
    assert event.get_data() == NOTED.model_dump()


async def test_librdkafka_reads_the_same_record_from_the_partition_of_the_lane(relayed_log: Log) -> None:
    case_id, record = await published(relayed_log)

    message = read_with_librdkafka(relayed_log.bootstrap, LANE, record.offset)

    assert (message.key(), message.value()) == (case_id.encode(), record.value)
    assert message.headers() == list(record.headers)
    assert message.timestamp()[0] == confluent_kafka.TIMESTAMP_LOG_APPEND_TIME


async def test_the_bytes_on_the_wire_are_the_bytes_that_were_stored_and_hashed(relayed_log: Log) -> None:
    _, record = await published(relayed_log)
    (row,) = await relayed_log.chain(LANE)

    wire = from_kafka(record)

    assert (encode_meta(wire.headers), wire.body) == (row["meta"], row["body"])
    assert wire.position.hash == row["hash"] == wire.position.expected_hash(row["meta"], row["body"])


async def test_the_headers_are_those_that_the_schema_describes(relayed_log: Log) -> None:
    _, record = await published(relayed_log)

    names = {name for name, _ in record.headers}

    assert set(HEADERS) - set(OPTIONAL_HEADERS) <= names <= set(HEADERS)
