"""The proxy of docker-compose.yml: the processes it leads to, what it bounds; run where there is an nginx."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from socket import create_connection, socket
from threading import Thread
from time import sleep
from typing import Any

import httpx
import pytest

from operations.installation import ROOT
from tests.unit.deploy.test_compose import COMPOSE, SERVICES

CONFIG = (ROOT / "deploy" / "nginx.conf").read_text()
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ELSEWHERE = "127.0.0.2"
SHARE = int(re.findall(r"limit_conn share (\d+);", CONFIG)[0])


class Seen(BaseHTTPRequestHandler):
    """A process behind the proxy, which tells what it is told of its caller."""

    def do_GET(self) -> None:
        told = self.headers.get("X-Forwarded-For", "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_POST = do_GET  # noqa: N815 - so it is called

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an nginx with this configuration, one process behind it."""
    if NGINX is None:
        pytest.skip("no nginx on this machine (Debian: nginx)")
    folder = tmp_path_factory.mktemp("nginx")
    with ThreadingHTTPServer(("127.0.0.1", 0), Seen) as behind:
        Thread(target=behind.serve_forever, daemon=True).start()
        port = free_port()
        said = re.sub(r"listen 8115;", f"listen 127.0.0.1:{port};", re.sub(r" +listen 81(?!15)\d\d;\n", "", CONFIG))
        said = said.replace("8115 console:8000;", f"{port} 127.0.0.1:{behind.server_port};").replace(
            "/tmp/",  # noqa: S108 - the container's own
            f"{folder}/",
        )
        (folder / "nginx.conf").write_text(said)
        running = subprocess.Popen([NGINX, "-c", folder / "nginx.conf", "-p", folder, "-g", "daemon off;"])
        try:
            wait_for(port)
            yield port
        finally:
            running.terminate()
            running.wait(20)
            behind.shutdown()


def free_port() -> int:
    with closing(socket()) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), create_connection(("127.0.0.1", port), 1):
            return
        sleep(0.05)


def test_every_process_with_an_api_is_behind_the_proxy_and_nobody_else_is_open() -> None:
    led_to = dict(re.findall(r"^ +(\d+) ([a-z-]+):8000;$", CONFIG, re.M))
    assert sorted(led_to.values()) == sorted(name for name in SERVICES if name.endswith("-api") or name == "console")
    assert SERVICES["proxy"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in led_to]
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["proxy"]
    assert re.findall(r"listen (\d+);", CONFIG) == [*led_to]


def test_the_processes_believe_the_proxy_and_nobody_else() -> None:
    own = SERVICES["proxy"]["networks"]["default"]["ipv4_address"]
    for name in (*(one for one in SERVICES if one.endswith("-api")), "console"):
        command = SERVICES[name]["command"]
        assert command[command.index("--trusted-proxies") + 1] == f"${{TRUSTED_PROXIES:-{own}}}"


def test_nobody_else_can_be_given_the_address_of_the_proxy() -> None:
    (net,) = COMPOSE["networks"]["default"]["ipam"]["config"]
    own = ip_address(SERVICES["proxy"]["networks"]["default"]["ipv4_address"])
    assert own in ip_network(net["subnet"])
    assert own not in ip_network(net["ip_range"])
    assert own != ip_address(net["gateway"])


def test_nobody_looks_into_a_process_and_what_a_caller_says_of_himself_is_not_handed_on(proxy: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{proxy}", trust_env=False) as client:
        for path in ("/metrics", "/readyz", "/healthz"):
            assert client.get(path).status_code == 404
        assert client.get("/", headers={"X-Forwarded-For": "203.0.113.9"}).text == "127.0.0.1"


async def test_beside_a_hundred_slow_connections_of_one_address_a_neighbour_is_served(proxy: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"
    opened = [await asyncio.open_connection("127.0.0.1", proxy, local_addr=(ELSEWHERE, 0)) for _ in range(100)]
    for _, writer in opened:
        writer.write(head)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{proxy}", trust_env=False) as neighbour:
        assert (await neighbour.post("/", content=b"{}")).status_code == 200
    told = await asyncio.gather(*(first_line(reader) for reader, _ in opened))
    for _, writer in opened:
        writer.transport.abort()
    assert (told.count(b"503"), told.count(b"")) == (100 - SHARE, SHARE)


async def first_line(reader: asyncio.StreamReader) -> bytes:
    try:
        return (await asyncio.wait_for(reader.readline(), 3))[9:12]
    except TimeoutError:
        return b""
