"""docker-compose.yml and the Dockerfile, without an engine: well-formed, and the servers are those that are tested."""

import importlib
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator

from libs.service import settings
from operations.embedded import kafka, keys, postgres, programs
from operations.embedded.instance import TOWN_PORTS, Instance
from operations.embedded.issue import issue
from operations.embedded.programs import COMMANDS, key_files, names
from operations.installation import EVERYTHING, ROOT
from operations.installation import SERVICES as OUR_SERVICES

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


# Who is given which secrets ------------------------------------------------------------------------------------------


def mounts(name: str) -> dict[str, bool]:
    """What a container of ours sees of volumes: volume → whether it may only read."""
    parts = [one.split(":") for one in SERVICES[name].get("volumes", ())]
    return {part[0]: part[-1] == "ro" for part in parts}


def test_a_process_sees_the_secrets_of_its_own_service_alone_and_may_only_read_them() -> None:
    for process in names(OUR_SERVICES):
        service = process.partition("-")[0]
        disk = {"outbox": False} if process == "notify-worker" else {}
        assert mounts(process) == {f"{service}-secrets": True} | disk, process
        assert SERVICES[process]["environment"]["PROCESS"] == process
    assert mounts("console") == {}


def test_only_the_setup_sees_the_whole_instance_and_fills_the_volume_of_each_service() -> None:
    assert [name for name, one in SERVICES.items() if "instance" in str(one.get("volumes", ""))] == ["setup"]
    filled = {one.split(":")[0]: one.split(":")[1] for one in SERVICES["setup"]["volumes"]}
    assert filled == {"instance": "/xunban/.local"} | {
        f"{one}-secrets": f"/xunban/secrets/{one}" for one in OUR_SERVICES
    }
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    assert "ISSUED=/xunban/secrets" in image
    for made in [*list(filled.values())[1:], "/xunban/outbox"]:
        assert made in image, "else it would belong to root, and nobody of ours could write it"


@pytest.mark.parametrize("service", OUR_SERVICES)
def test_a_service_is_given_the_key_files_that_its_settings_read_and_no_other(service: str) -> None:
    module = importlib.import_module(f"services.{service}.config") if service in ("intake", "notify") else settings
    fields = module.Settings.model_fields.items()
    read = {name.upper() for name, field in fields if name.endswith("_file") and field.is_required()}
    given = key_files(service)
    assert given.keys() == read
    strangers = {f"checkpoint-{other}.pem" for other in OUR_SERVICES if other != service} | {"signing.json"}
    assert not strangers & {*given.values()}


def test_what_is_issued_is_one_folder_per_service_that_names_nothing_outside_itself(tmp_path: Path) -> None:
    instance = Instance(f"test-issue-{secrets.token_hex(4)}")
    instance.make_folders()
    try:
        keys.create(instance.keys)
        stack = Mock(instance=instance, service_env=lambda name: programs.settings(instance, name.partition("-")[0]))
        issue(stack, tmp_path)
    finally:
        instance.forget()
    for service in OUR_SERVICES:
        own = tmp_path / service
        processes = {f"{service}-api.env", f"{service}-worker.env"}
        assert {one.name for one in own.iterdir()} == {*key_files(service).values()} | processes
        assert {one.stat().st_mode & 0o777 for one in own.iterdir()} == {0o600}
        for name in processes:
            said = dict(line.split("=", 1) for line in (own / name).read_text().splitlines())
            files = {value.strip("'") for key, value in said.items() if key.endswith("_FILE")}
            assert files == {str(own / file) for file in key_files(service).values()}
