"""A pytest plugin: a test that is skipped, and is not on a list of those that may be, fails the run.

    pytest -p tests.allowed_skips --allowed-skips FILE

A line of FILE is a pattern of test ids, a bar, and a pattern of reasons; * stands for anything. Empty lines and those
that begin with # say nothing.
"""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --allowed-skips."""
    parser.addoption("--allowed-skips", type=Path, metavar="FILE", help="skips that are not listed in FILE fail")


def pytest_configure(config: pytest.Config) -> None:
    """Watch the reports where they come together: in the only process, or in the one that starts the workers."""
    path: Path | None = config.getoption("--allowed-skips")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(AllowedSkips(read(path)))


def read(path: Path) -> list[tuple[str, str]]:
    """Patterns of test ids and of reasons. Raises UsageError for a line without a bar."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except OSError as error:
        raise pytest.UsageError(f"--allowed-skips: {error}") from error
    pairs = [line.partition("|") for line in lines if line and not line.startswith("#")]
    for test, bar, reason in pairs:
        if not bar or not reason.strip():
            raise pytest.UsageError(f"{path}: expected 'TEST | REASON', not {test!r}")
    return [(test.strip(), reason.strip()) for test, _, reason in pairs]


class AllowedSkips:
    """Gathers the skips that are not allowed, and fails the session if there are any."""

    def __init__(self, allowed: list[tuple[str, str]]) -> None:
        self._allowed = allowed
        self._others: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of a test."""
        self._look(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Of a file that is skipped as a whole."""
        self._look(report)

    def _look(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        if not any(fnmatchcase(report.nodeid, test) and fnmatchcase(reason, why) for test, why in self._allowed):
            self._others.append(f"{report.nodeid}: {reason}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail what would otherwise pass."""
        if self._others and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name them."""
        if self._others:
            terminalreporter.section("skips that are not allowed", red=True)
            for line in self._others:
                terminalreporter.line(line)
