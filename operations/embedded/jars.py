"""The jars of the pinned Apache Kafka: resolved once into kafka.lock.toml, downloaded and verified by it. Runs no Java.

`python -m operations.embedded.jars` resolves again (after a change of WANTED) and rewrites the lock file.
"""

import fcntl
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import stamina
from jgo.env import LockedDependency, LockFile
from jgo.maven import MavenContext
from jgo.parse import Coordinate
from requests import RequestException
from rich.console import Console
from rich.progress import track

from operations.installation import LOCAL, CannotStart

# "!" when resolving: take the versions that Kafka was built with, not those that log4j's parent would manage.
WANTED = ("org.apache.kafka:kafka_2.13:4.3.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")
LOCK = Path(__file__).with_name("kafka.lock.toml")
CACHE = LOCAL / "cache" / "maven"


def classpath() -> str:
    """The verified jars as a Java class path, downloading what is missing. Raises CannotStart."""
    CACHE.mkdir(parents=True, exist_ok=True)
    context = MavenContext(repo_cache=CACHE, timeout=60)
    locked = LockFile.load(LOCK).dependencies
    with (CACHE / "lock").open("w") as alone, ThreadPoolExecutor(4) as downloads:
        fcntl.lockf(alone, fcntl.LOCK_EX)
        missing = [jar for jar in locked if not _path(context, jar).exists()]
        fetched = downloads.map(lambda jar: _download(context, jar), missing)
        try:
            if missing:
                list(track(fetched, "下载 Kafka / downloading Kafka", total=len(missing), console=Console(stderr=True)))
        except (RequestException, RuntimeError) as why:
            raise CannotStart(
                f"Kafka 下载失败, 请检查网络与代理后重来 (已下载的保留) / downloading Kafka failed, see to the"
                f" network and its proxy and run this again (what is here stays): {why}"
            ) from why
    return ":".join(str(_path(context, jar)) for jar in locked)


def _path(context: MavenContext, jar: LockedDependency) -> Path:
    return Path(context.create_dependency(_coordinate(jar)).artifact.cached_path or "")


def _coordinate(jar: LockedDependency) -> Coordinate:
    return Coordinate(jar.groupId, jar.artifactId, jar.version, packaging=jar.packaging, classifier=jar.classifier)


def _download(context: MavenContext, jar: LockedDependency) -> None:
    """Fetch into a folder beside the cache, verify, then move: what the cache holds has been verified."""
    final = _path(context, jar)
    draft = MavenContext(repo_cache=CACHE.with_name("unverified"), timeout=context.timeout)
    for attempt in stamina.retry_context(on=(RequestException, RuntimeError), attempts=4):
        with attempt:
            _path(draft, jar).unlink(missing_ok=True)
            fetched: Path = draft.create_dependency(_coordinate(jar)).artifact.resolve()
    with fetched.open("rb") as content:
        verified = hashlib.file_digest(content, "sha256").hexdigest() == jar.sha256
    if not verified:
        raise CannotStart(f"校验和不符 / checksum differs: {jar.groupId}:{jar.artifactId}:{jar.version}")
    final.parent.mkdir(parents=True, exist_ok=True)
    fetched.replace(final)


def resolve() -> None:
    """Resolve WANTED with everything needed at run time and write the lock file: coordinates and SHA-256 only."""
    context = MavenContext(repo_cache=CACHE, timeout=60)
    inputs, transitive = context.resolver.resolve([context.create_dependency(f"{name}!") for name in WANTED])
    LockFile.from_resolved_dependencies([*inputs, *transitive], environment_name="kafka").save(LOCK)


if __name__ == "__main__":
    resolve()
