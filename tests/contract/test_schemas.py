"""What the log promises to readers is generated from the contracts, committed, and valid."""

import jsonschema
import pytest
import yaml

from cli.schemas import FOLDER, differences
from libs.events.contracts import registry
from libs.events.contracts.generate import HEADERS, asyncapi, documents, json_schema


def test_the_committed_schemas_are_those_of_the_contracts() -> None:
    assert differences(documents()) == [], "contracts changed: run `make schemas` and review the difference"


@pytest.mark.parametrize("ce_type", registry.TYPES)
def test_each_schema_is_valid_and_named_as_the_events_say(ce_type: str) -> None:
    schema = json_schema(registry.TYPES[ce_type])

    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:xunban:schema:{ce_type}"
    assert len(schema["description"]) > 20


def test_a_schema_admits_personal_values_only_when_they_are_sealed() -> None:
    schema = json_schema(registry.TYPES["intake.appeal-received.v1"])
    appeal = {"channel": "phone", "kind": "help", "grid": "G03", "reporter_kind": "NAMED"}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**appeal, "content": "小区门口路灯不亮"}, schema)


def test_every_message_is_sent_by_its_owner_alone_and_its_payload_file_exists() -> None:
    document = asyncapi()
    sent = [message["$ref"] for operation in document["operations"].values() for message in operation["messages"]]
    files = [message["payload"]["schema"]["$ref"] for message in document["components"]["messages"].values()]

    assert len(sent) == len(set(sent)) == len(registry.TYPES)
    assert all((FOLDER / file).exists() for file in files)
    assert yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8")) == document


def test_every_header_is_described() -> None:
    headers = asyncapi()["components"]["schemas"]["headers"]

    assert set(headers["required"]) | {"ce_causationid", "ce_appointment", "ce_traceparent", "ce_signature"} == set(
        HEADERS
    )
