"""What a failed run leaves in `.local/results/test/<name>/`: `failed.txt`, and the logs of the instances concerned.

An instance concerns a test that failed while it was there. Under xdist the processes that run tests keep the logs, and
the one that started them writes the names.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from operations.embedded import instance
from operations.embedded.instance import Instance
from operations.installation import LOCAL

RESULTS = LOCAL / "results" / "test"


class Kept:
    """The logs of this process's instances: their removal leaves them behind until it is known which test failed."""

    def __init__(self, folder: Path) -> None:
        self.logs = folder / "logs"
        self.gone: set[str] = set()
        """Forgotten by now."""
        self.before: frozenset[str] = frozenset()
        """Forgotten before the test that runs began."""
        self.wanted: set[str] = set()
        """There when a test failed."""

    def forget(self, gone: Instance) -> None:
        """Instead of `Instance.forget`."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.move(gone.logs, self.logs / gone.name)
            self.gone.add(gone.name)
        _forget(gone)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        self.before = frozenset(self.gone)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Iterator[None]:
        report = yield
        assert isinstance(report, pytest.TestReport)
        if report.failed:
            there = (self.gone - self.before) | instance._owned.keys()
            self.wanted |= there
            report.user_properties.append(("instances", " ".join(sorted(there))))
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        for name in self.gone - self.wanted:
            shutil.rmtree(self.logs / name, ignore_errors=True)


_forget = Instance.forget


class Failed:
    """The names of the tests that failed, as the process that was started by hand hears of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[str] = []
        shutil.rmtree(folder / "logs", ignore_errors=True)
        (folder / "failed.txt").unlink(missing_ok=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.note(report, f"{report.nodeid} ({report.when})")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.note(report, f"{report.nodeid} (collect)")

    def note(self, report: pytest.TestReport | pytest.CollectReport, what: str) -> None:
        """A line of `failed.txt`."""
        if report.failed:
            there = dict(getattr(report, "user_properties", ())).get("instances", "")
            self.lines.append(f"{what}  {there}".rstrip())

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.lines:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / "failed.txt").write_text("".join(f"{line}\n" for line in self.lines))
            terminalreporter.write_line(f"失败的测试与其实例的日志 / names and logs of what failed: {self.folder}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--results", default="pytest", metavar="NAME", help=f"where failures are kept: {RESULTS}/NAME")


def pytest_configure(config: pytest.Config) -> None:
    folder = RESULTS / config.getoption("results")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Failed(folder))
    kept = Kept(folder)
    config.pluginmanager.register(kept)

    def forget(self: Instance) -> None:
        kept.forget(self)

    Instance.forget = forget  # type: ignore[method-assign]
