"""A department's own system, in short: follows the unit's feed, and proves by reconciliation that it misses nothing.

client = Department("http://127.0.0.1:8102", "county-housing", token)   # scope `unit:county-housing`
client.pull()                                                           # again and again
for bucket in client.reconcile("2026-11-02T00:00:00+08:00", "2026-11-03T00:00:00+08:00"):
    client.repair(bucket)                                               # what differs, nothing else
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx


class Gap(RuntimeError):
    """The feed left out a sequence number: it must not be trusted any further."""


@dataclass
class Department:
    """What a department's system keeps: the entries it has received, by lane and sequence, and its cursor."""

    url: str
    unit: str
    token: str
    cursor: str | None = None
    received: dict[tuple[int, int], dict[str, Any]] = field(default_factory=dict)

    def pull(self, limit: int = 200) -> int:
        """Read everything that is new; raises `Gap`. The cursor moves after the entries are kept."""
        got = 0
        while True:
            page = self._get("feed", limit=limit, **({"after": self.cursor} if self.cursor else {}))
            for entry in page["items"]:
                lane, sequence = entry["lane"], entry["sequence"]
                if sequence > 1 and (lane, sequence - 1) not in self.received:
                    raise Gap(f"lane {lane}: {sequence} without {sequence - 1}")
                self.received[lane, sequence] = entry
            self.cursor, got = page["next_cursor"], got + len(page["items"])
            if not page["more"]:
                return got

    def reconcile(self, begin: str, end: str, by: str = "lane") -> list[str]:
        """The buckets in which this system and the city differ; one that can still grow is left for the next time."""
        answer = self._get("reconciliation", **{"from": begin, "to": end, "by": by})
        complete = {one["bucket"]: one["digest"] for one in answer["buckets"] if one["complete"]}
        return [name for name, digest in complete.items() if self.digest(name) != digest]

    def digest(self, bucket: str) -> str:
        """SHA-256 over the lines `<case id> <version>` of what is kept here, in the order of the sequence."""
        lane, since, to = map(int, bucket.split("."))
        kept = [
            f"{entry['case_id']} {entry['version']}\n"
            for (of_lane, _), entry in sorted(self.received.items())
            if of_lane == lane and since <= microseconds(entry["recorded_at"]) < to
        ]
        return sha256("".join(kept).encode()).hexdigest()

    def repair(self, bucket: str) -> None:
        """Fetch the entries of one bucket and keep those that are missing."""
        cursor: dict[str, str] = {}
        while True:
            page = self._get(f"reconciliation/{bucket}", **cursor)
            self.received |= {(one["lane"], one["sequence"]): one for one in page["items"]}
            if not page["next_cursor"]:
                return
            cursor = {"cursor": page["next_cursor"]}

    def _get(self, path: str, **query: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.get(f"{self.url}/units/{self.unit}/{path}", params=query, headers=headers, trust_env=False)
        return answer.raise_for_status().json()


def microseconds(at: str) -> int:
    """Since 1970, exactly."""
    return (datetime.fromisoformat(at) - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
