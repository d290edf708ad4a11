"""Ends what a killed runner left behind, so that the next start, of whichever instance, leaves no orphan."""

from operations.embedded import postgres, processes
from operations.embedded.instance import Instance
from operations.installation import LOCAL, CannotStart


def sweep() -> None:
    """Stop the processes of every instance of this clone whose runner is dead; remove dead test instances."""
    for lock in sorted((LOCAL / "locks").glob("*")):
        left = Instance(lock.name)
        try:
            left.acquire()
        except CannotStart:
            continue
        stop_all(left)
        if left.is_throwaway:
            left.forget()
        left.release()


def stop_all(instance: Instance) -> None:
    """Stop every recorded process of this instance that still runs: services first, then Kafka, then PostgreSQL."""
    for record in sorted(instance.pids.glob("*"), key=lambda path: path.name == "kafka"):
        processes.stop(int(record.read_text() or "0"), instance.dir, patience=0 if instance.is_throwaway else 20)
        record.unlink(missing_ok=True)
    postgres.stop(instance.dir, "immediate" if instance.is_throwaway else "fast")
