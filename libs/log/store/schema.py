"""Runs the SQL files of `libs/log/store/migrations` inside an Alembic revision. No table of a service lives here."""

from hashlib import sha256
from pathlib import Path

from alembic import op

FOLDER = Path(__file__).with_name("migrations")


def create_event_store(service: str, last_lane: int = 63) -> None:
    """Create schemas `log` and `read` for the role `service`; lane 64 exists only where the directory is hosted."""
    script = (FOLDER / "event_store.sql").read_text().replace(":service", service)
    run_script(script.replace(":last_lane", str(last_lane)) + f"comment on schema log is '{fingerprint()}';")


def fingerprint() -> str:
    """Of which event store this code is: what stands as a comment on every schema `log` that it made."""
    return sha256((FOLDER / "event_store.sql").read_bytes()).hexdigest()


def create_signing(service: str) -> None:
    """Where the lanes of all sources stood before their events were signed; filled by the admin step."""
    run_script((FOLDER / "signing.sql").read_text().replace(":service", service))


def create_forgetting(service: str) -> None:
    """What drops stored answers that are old."""
    run_script((FOLDER / "answers.sql").read_text().replace(":service", service))


def create_waiting(service: str) -> None:
    """Where the cases of a service that reacts wait to be judged."""
    run_script((FOLDER / "waiting.sql").read_text().replace(":service", service))


def loosen(*tables: str) -> None:
    """Room on their pages for the rows of a case that change with it, as of the case itself."""
    more = "".join(f"alter table read.{table} set (fillfactor = 50);" for table in tables)
    run_script((FOLDER / "storage.sql").read_text() + more)


def create_vault() -> None:
    """Create the table of wrapped keys; the roles `keys_reader` and `keys_intake` must exist."""
    run_script((FOLDER / "keys.sql").read_text())


def run_script(script: str) -> None:
    """Execute many statements at once in the revision's transaction (asyncpg prepares only single ones)."""
    op.get_bind().connection.run_async(lambda connection: connection.execute(script))
