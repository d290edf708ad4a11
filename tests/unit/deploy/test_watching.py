"""Dashboard and alerts: every query parses, and asks only for metrics and labels that a process really has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY, Histogram

from libs.service.observe import metrics
from operations.embedded.instance import TOWN_PORTS
from operations.installation import ROOT, SERVICES
from services.notify.jobs import metrics as measures
from services.supervision.jobs import metrics as supervision

ALERTS = ROOT / "deploy" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "xunban.json"
PROMETHEUS = ROOT / "deploy" / "prometheus.yml"
EVERYWHERE = {"service", "process"}
OF_PROMETHEUS = {"up": {"job", *EVERYWHERE}}
"""Made by the scraper itself, with the labels of prometheus.yml."""
LOADED = (metrics, measures, supervision)
"""The modules that make them."""


def known_metrics() -> dict[str, set[str]]:
    """Every metric that a query may name, with its labels."""
    found = dict(OF_PROMETHEUS)
    for collector, names in REGISTRY._collector_to_names.items():
        own = EVERYWHERE | set(getattr(collector, "_labelnames", ()))
        for name in names:
            buckets = {"le"} if isinstance(collector, Histogram) and name.endswith("_bucket") else set[str]()
            found[name] = own | buckets
    for family in metrics.Log().collect():
        found[f"{family.name}_total"] |= {label for sample in family.samples for label in sample.labels}
    return found


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of everything that is asked."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            # Grafana puts its variable in before it asks.
            yield f"{panel['title']} {target['refId']}", target["expr"].replace("$service", "intake|routing")


def parts(node: Any) -> Iterator[Any]:
    """A parsed query and everything in it."""
    yield node
    for name in ("lhs", "rhs", "expr", "param", "vector_selector", "args"):
        below = getattr(node, name, None)
        for one in below if isinstance(below, list) else [below]:
            if one is not None:
                yield from parts(one)


@pytest.mark.parametrize(("where", "query"), list(queries()), ids=lambda text: text[:40])
def test_a_query_asks_for_what_there_is(where: str, query: str) -> None:
    known = known_metrics()
    asked: set[str] = set()
    for part in parts(promql_parser.parse(query)):
        if isinstance(part, promql_parser.VectorSelector):
            assert part.name in known, where
            asked |= known[part.name]
            assert {matcher.name for matcher in part.matchers.matchers} <= known[part.name], where
    grouped = {name for group in re.findall(r"\bby \(([^)]*)\)", query) for name in re.split(r",\s*", group)}
    assert grouped <= asked, where


def test_every_metric_of_ours_is_looked_at_somewhere() -> None:
    text = "\n".join(query for _, query in queries())
    ours = {name for name in known_metrics() if name.startswith("xunban_") and not name.endswith("_created")}
    stems = {re.sub(r"_(bucket|sum|count)$", "", name) for name in ours if not name.endswith("_total")}
    counters = {name for name in ours if name.endswith("_total")}
    stems -= {name.removesuffix("_total") for name in counters}
    assert sorted(name for name in stems | counters if name not in text) == []


def test_every_alert_says_in_both_languages_what_is_wrong_and_what_to_do() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        said = rule["annotations"]
        assert any("一" <= letter <= "鿿" for letter in said["zh"]), rule["alert"]
        assert said["summary"].isascii(), rule["alert"]
        assert len(said["action"]) > 20, rule["alert"]


def test_the_town_is_scraped_where_it_listens() -> None:
    (job,) = yaml.safe_load(PROMETHEUS.read_text())["scrape_configs"]
    told = {(one["labels"]["service"], one["labels"]["process"]): one["targets"] for one in job["static_configs"]}
    ports = {(name, "api"): TOWN_PORTS.api(name) for name in SERVICES}
    ports |= {(name, "worker"): TOWN_PORTS.worker(name) for name in SERVICES}
    assert told == {process: [f"127.0.0.1:{port}"] for process, port in ports.items()}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
@pytest.mark.parametrize("what", [("check", "rules", ALERTS), ("check", "config", PROMETHEUS)], ids=str)
def test_promtool_accepts_it(what: tuple[str, str, Path]) -> None:
    subprocess.run(["promtool", *map(str, what)], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_the_alerts_fire_when_they_should_and_not_before() -> None:
    cases = Path(__file__).with_name("alerts_test.yml")
    done = subprocess.run(["promtool", "test", "rules", str(cases)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
