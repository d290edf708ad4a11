"""What the log promises to readers: one JSON Schema per event type, and one AsyncAPI 3 document. Pure, generated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from libs.events.contracts import registry
from libs.events.event import Event
from libs.events.topics import CASE_EVENTS, DIRECTORY_EVENTS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
OWNERS = tuple(owner.__name__.rpartition(".")[2] for owner in registry.OWNERS)
ASYNCAPI = "asyncapi.yaml"

INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"}
DECIMAL = {"type": "string", "pattern": r"^\d+$"}
HASH = {"type": "string", "pattern": r"^[0-9a-f]{64}$"}
SIGNATURE = {"type": "string", "pattern": r"^[0-9a-f]{128}$"}
TEXT = {"type": "string"}
HEADERS: Mapping[str, tuple[dict[str, str], str]] = {
    "content-type": ({"const": "application/json"}, "Of the body."),
    "ce_specversion": ({"const": "1.0"}, "CloudEvents, Kafka protocol binding, binary mode."),
    "ce_id": (TEXT, "UUIDv7 of the event."),
    "ce_source": (TEXT, "`/xunban/<service>` or `/xunban/directory`."),
    "ce_type": (TEXT, "`<owner>.<name>.v<version>`."),
    "ce_subject": (TEXT, "Case id; for the directory the stream id. Also the record key."),
    "ce_time": (INSTANT, "When it happened."),
    "ce_dataschema": (TEXT, "`urn:xunban:schema:<type>`, the `$id` of the payload's schema."),
    "ce_stream": (TEXT, "`case-<id>`, `access-<id>`, `cluster-<id>` or a stream of the directory."),
    "ce_causationid": (TEXT, "Id of the newest event that the decision had applied."),
    "ce_actor": (TEXT, "Person, machine client, or `system`."),
    "ce_appointment": (TEXT, "The appointment in which the person acted."),
    "ce_directoryversion": (DECIMAL, "`laneseq` of the directory that the decision had applied."),
    "ce_traceparent": (TEXT, "W3C trace context."),
    "ce_streamversion": (DECIMAL, "Version of the stream after this event."),
    "ce_lane": (DECIMAL, "Lane = partition; 64 is the directory."),
    "ce_laneseq": (DECIMAL, "Sequence without gaps per (source, lane)."),
    "ce_recordedat": (INSTANT, "When the system recorded it; never goes back in a lane."),
    "ce_prevhash": (HASH, "Head of the chain before this event."),
    "ce_hash": (HASH, "Head of the chain with this event."),
    "ce_signature": (SIGNATURE, "On the last event of a batch: its source's Ed25519 over source, lane, seq and hash."),
}
OPTIONAL_HEADERS = ("ce_causationid", "ce_appointment", "ce_traceparent", "ce_signature")


def documents() -> dict[str, str]:
    """File name → text of everything that is generated and committed."""
    files = {f"{name}.json": _json(json_schema(kind)) for name, kind in registry.TYPES.items()}
    return {**files, ASYNCAPI: yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=120)}


def json_schema(kind: type[Event]) -> dict[str, Any]:
    """The payload of one type and version as it stands in the log: personal fields are sealed there, never plain."""
    generated = _untitled(kind.model_json_schema())
    for name, mark in kind.personal_fields().items():
        field = generated["properties"][name]
        field["anyOf"] = [option for option in field["anyOf"] if option != {"type": "string"}]
        field["x-personal"] = mark.key
    head = {"$schema": DIALECT, "$id": f"urn:xunban:schema:{kind.ce_type}", "title": kind.__name__}
    return {**head, **generated, "description": _first_sentence(kind.__doc__ or "")}


def asyncapi() -> dict[str, Any]:
    """Channels, messages and who sends them; payloads are the schema files beside it."""
    names = {"cases": CASE_EVENTS, "directory": DIRECTORY_EVENTS}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Xunban 巡办",
            "version": "1",
            "description": "Every event of the system, in order per case, kept for ever.",
        },
        "defaultContentType": "application/json",
        "channels": {
            name: {
                "address": topic.name,
                "bindings": {"kafka": {"partitions": topic.partitions}},
                "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in _types_on(name)},
            }
            for name, topic in names.items()
        },
        "operations": {
            owner: {"action": "send", "channel": {"$ref": f"#/channels/{_channel(owner)}"}, "messages": _refs(owner)}
            for owner in OWNERS
        },
        "components": {
            "messages": {name: _message(kind) for name, kind in registry.TYPES.items()},
            "schemas": {"headers": _headers()},
        },
    }


def page() -> str:
    """Every type that is written today, by its owner: title and what it says. For people."""
    parts = []
    for owner in registry.OWNERS:
        rows = [(f"`{kind.ce_type}`", *kind.title, _first_sentence(kind.__doc__ or "")) for kind in owner.EVENTS]
        table = "\n".join(
            f"| {' | '.join(row)} |" for row in (("type", "标题", "title", "what it says"), ("---",) * 4, *rows)
        )
        parts.append(f"## {owner.__name__.rpartition('.')[2]}\n\n{table}")
    return "\n\n".join(parts)


def _message(kind: type[Event]) -> dict[str, Any]:
    return {
        "name": kind.ce_type,
        "title": kind.__name__,
        "summary": _first_sentence(kind.__doc__ or ""),
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./{kind.ce_type}.json"},
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": "ce_subject"}}},
    }


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name for name in HEADERS if name not in OPTIONAL_HEADERS],
        "properties": {name: {**shape, "description": words} for name, (shape, words) in HEADERS.items()},
    }


def _channel(owner: str) -> str:
    return "directory" if owner == "directory" else "cases"


def _types_on(channel: str) -> list[str]:
    return [name for name, kind in registry.TYPES.items() if _channel(kind.owner) == channel]


def _refs(owner: str) -> list[dict[str, str]]:
    own = [name for name, kind in registry.TYPES.items() if kind.owner == owner]
    return [{"$ref": f"#/channels/{_channel(owner)}/messages/{name}"} for name in own]


def _first_sentence(docstring: str) -> str:
    text = " ".join(docstring.split())
    return text.partition(". ")[0].rstrip(".") + "."


def _untitled(node: Any) -> Any:
    """Without the titles that only repeat names."""
    if isinstance(node, dict):
        return {key: _untitled(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}
    return [_untitled(value) for value in node] if isinstance(node, list) else node


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
