"""docker-compose.yml and the Dockerfile, without an engine: well-formed, and the servers are those that are tested."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator

from operations.embedded import kafka, postgres
from operations.embedded.instance import TOWN_PORTS
from operations.embedded.programs import COMMANDS, names
from operations.installation import EVERYTHING, ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent))
ADDRESSES = {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs"}
SMALL = {"num.network.threads", "num.io.threads", "log.cleaner.dedupe.buffer.size"}
"""What the embedded broker does with less of, on a machine that it shares with everything else."""


def test_the_compose_file_keeps_to_the_compose_specification() -> None:
    found = Draft7Validator(get_builtin_schema("vendor.compose-spec")).iter_errors(COMPOSE)
    assert [f"{list(one.path)}: {one.message}" for one in found] == []


@pytest.mark.skipif(HADOLINT is None, reason="no hadolint for this machine")
def test_hadolint_has_nothing_to_say_about_the_dockerfile() -> None:
    said = subprocess.run([str(HADOLINT), str(ROOT / "deploy" / "Dockerfile")], capture_output=True, check=False)
    assert said.stdout.decode() == ""


def test_every_process_has_a_container_that_starts_the_same_program() -> None:
    containers = {name: " ".join(one["command"]) for name, one in SERVICES.items() if one["image"] == "xunban"}
    del containers["setup"]
    for process in names(EVERYTHING):
        program = COMMANDS[process].partition(" --port")[0]
        assert containers.pop(process.removesuffix("-api") if process == "console-api" else process).startswith(program)
    assert containers == {}


def test_the_broker_is_set_up_as_the_one_that_is_tested() -> None:
    tested = dict(kafka.properties(TOWN_PORTS, Path()))
    said = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in SERVICES["kafka"]["environment"].items()
    }
    assert {name: value for name, value in said.items() if name not in ADDRESSES} == {
        name: value for name, value in tested.items() if name not in ADDRESSES | SMALL
    }
    assert said.keys() >= ADDRESSES
    jars = (ROOT / "operations" / "embedded" / "kafka.lock.toml").read_text()
    assert f'version = "{SERVICES["kafka"]["image"].partition(":")[2]}"' in jars


def test_the_database_is_set_up_as_the_one_that_is_tested() -> None:
    image = SERVICES["postgres"]
    assert image["environment"]["POSTGRES_INITDB_ARGS"].split() == [*postgres.LOCALE, "--data-checksums"]
    settings = dict(one.split("=") for one in image["command"][1:] if one != "-c")
    own = {"listen_addresses", "unix_socket_directories", "log_timezone", "log_line_prefix"}
    assert settings == {name: value for name, value in postgres.SETTINGS.items() if name not in own}


def test_nothing_of_an_instance_reaches_a_build() -> None:
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in kept
    assert not [line for line in kept if line.startswith("!") and ".local" in line]
    copied = [line.split() for line in (ROOT / "deploy" / "Dockerfile").read_text().splitlines()]
    sources = {
        source for words in copied if words[:1] == ["COPY"] and "--from=build" not in words for source in words[1:-1]
    }
    assert sources == {line.removeprefix("!") for line in kept if line.startswith("!")}
