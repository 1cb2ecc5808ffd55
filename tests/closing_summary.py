"""Owns the end of a test run: every skipped test by name with what it wanted, and in CI a failure if there is one.

A test may be skipped only because the machine lacks something. In CI the machine lacks nothing but perhaps the folder
``../shared``, which is not ours to ship; a skip whose reason does not name that folder makes the run fail.
"""

import os
from collections.abc import Iterator, Sequence

import pytest

SHARED_ABSENT = "../shared is absent"
"""The reason to give where a test reads the shared folder and it is not there."""


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    where = report.longrepr
    text = where[2] if isinstance(where, tuple) else str(where)
    return text.removeprefix("Skipped: ")


def _wants(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, str]]:
    """Yield (test, reason) for each skip."""
    reports: Sequence[pytest.TestReport | pytest.CollectReport] = reporter.stats.get("skipped", [])
    for report in reports:
        yield report.nodeid, _reason(report)


def _reporter(config: pytest.Config) -> pytest.TerminalReporter | None:
    """The controller's own reporter; a worker of pytest-xdist has none that counts."""
    if hasattr(config, "workerinput"):
        return None
    plugin = config.pluginmanager.get_plugin("terminalreporter")
    return plugin if isinstance(plugin, pytest.TerminalReporter) else None


def _forbidden(reporter: pytest.TerminalReporter) -> list[str]:
    return [test for test, reason in _wants(reporter) if "../shared" not in reason] if os.environ.get("CI") else []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a green run with a skip that CI does not allow into a failed one."""
    reporter = _reporter(session.config)
    if reporter is not None and session.exitstatus == pytest.ExitCode.OK and _forbidden(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the skipped tests, each with its reason."""
    reporter = _reporter(config)
    wants = [] if reporter is None else sorted(_wants(reporter))
    if not wants:
        return
    terminalreporter.write_sep("=", "skipped for want of")
    for test, reason in wants:
        terminalreporter.write_line(f"{reason}: {test}")
    forbidden = _forbidden(terminalreporter)
    if forbidden:
        terminalreporter.write_line(f"CI is set: {len(forbidden)} skipped where nothing may be skipped; the run fails", red=True)
