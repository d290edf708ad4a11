"""Settings, metrics and endpoints as tables, made from the code that reads and keeps them. Writes no file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from prometheus_client.metrics_core import Metric
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings


def settings_table(settings: type[BaseSettings], beyond: type[BaseSettings] = BaseSettings) -> str:
    """One row per environment variable that `beyond` does not read already: name, type, default, meaning."""
    own = {name: field for name, field in settings.model_fields.items() if name not in beyond.model_fields}
    rows = [_setting(name, field) for name, field in own.items()]
    return _table(("variable", "type", "default", "what it does"), rows)


def metrics_table(families: Iterable[Metric]) -> str:
    """One row per metric of ours: name as it is asked for, kind, meaning."""
    rows = [(f"`{metric_name(one)}`", one.type, one.documentation) for one in families]
    return _table(("metric", "kind", "what it says"), sorted(row for row in rows if row[0].startswith("`xunban_")))


def endpoints_table(openapi: Mapping[str, Any]) -> str:
    """One row per operation of an OpenAPI document that acts: method and path, what it does, the fields of its body."""
    schemas = openapi.get("components", {}).get("schemas", {})
    rows = [
        (f"`{method.upper()} {path}`", operation["summary"], _fields(operation, schemas))
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
        if method != "get"
    ]
    return _table(("endpoint", "what it does", "body"), sorted(rows))


def _fields(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """The names of a body's fields; those that may be left out with a question mark."""
    content = operation.get("requestBody", {}).get("content", {})
    schema: Mapping[str, Any] = next(iter(content.values()))["schema"] if content else {}
    body = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    required = body.get("required", ())
    return ", ".join(f"`{name}`" + ("" if name in required else "?") for name in body.get("properties", ())) or "–"


def metric_name(family: Metric) -> str:
    """The name that a query uses; of a histogram the stem of `_bucket`, `_sum` and `_count`."""
    return f"{family.name}_total" if family.type == "counter" else family.name


def _setting(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    default = "**required**" if field.is_required() else "–" if field.default is None else f"`{field.default}`"
    return f"`{name.upper()}`", _kind(field.annotation), default, field.description or ""


def _kind(annotation: Any) -> str:
    parts = [one for one in get_args(annotation) if one is not type(None)]
    if not parts:
        return "secret" if annotation is SecretStr else str(getattr(annotation, "__name__", annotation)).lower()
    return " / ".join(f"`{one}`" if isinstance(one, str) else _kind(one) for one in parts)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in row) + " |" for row in lines
    )
