"""Several messages to one recipient as one: which belong together, and what is handed to the channel. Sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from libs.events.contracts.directory import ContactPoint
from services.notify.channels.channel import Parcel
from services.notify.texts.rendering import Letter, Rendering


def gathered(rows: Sequence[Any]) -> list[list[Any]]:
    """The messages of each digest: one recipient, one channel, one instant until which they were held."""
    together: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        if row["digest"]:
            together.setdefault((row["recipient"], row["channel"], row["send_at"]), []).append(row)
    return list(together.values())


def bundle(several: Sequence[tuple[Any, Letter]], point: ContactPoint, rendering: Rendering) -> Parcel:
    """One parcel whose id follows from those of its messages; raises `jinja2.TemplateError`."""
    rows = [row for row, _ in several]
    text = rendering.digest([letter for _, letter in several], several[0][1].language)
    names = ("message_id", "case_id", "event_id", "event_type", "template")
    return Parcel(
        sha256("/".join(sorted(row["message_id"] for row in rows)).encode()).hexdigest()[:32],
        rows[0]["recipient"],
        text.subject,
        text.body,
        point.address,
        {
            "type": "notify.digest",
            "timestamp": rows[0]["send_at"].isoformat(),
            "data": {"recipient": rows[0]["recipient"], "messages": [{n: row[n] for n in names} for row in rows]},
        },
        point.secret_generation,
    )
