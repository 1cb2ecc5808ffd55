"""Owns what all tests share: hypothesis profiles, the shared folder, the browser, the closing summary. Nothing of one room."""

import asyncio
import gc
import logging
import os
import shutil
import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.closing_summary"]

_ROOT = Path(__file__).resolve().parent.parent

# The slowest tests come first: if they came last, one worker would run them alone. Before the folders whose tests start browsers or
# processes come some files that mostly wait.
_SLOW = (
    *("field/test_x1_sessions_that_begin_without_a_token.py", "attacks/test_shared.py", "edge/test_slow_clients.py", "shared_state"),
    *("browser", "workers", "commands", "journeys", "field", "seeds", "dev", "deploy", "fronts"),
)

# jsonschema imports this package if it is there, and builds 38 grammars, to check internationalised addresses. No schema of ours has any,
# and each process of the tests would spend five seconds on it.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # Python's sign that a module cannot be imported

# "ci" gives the same examples in every run; "search" looks for new ones: HYPOTHESIS_PROFILE=search make test
# "covered" tries a fifth of the examples: for a run that measures coverage, which takes twice the time.
settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=100, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("covered", settings.get_profile("ci"), max_examples=20)
settings.register_profile("search", deadline=None, max_examples=5000, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Find the tests without the garbage collector: what they import stays. That takes half the time.

    Later it does not look at all of this again. Before, it took a tenth of the tests' time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(50_000, 20, 20)  # tests that read all sources keep a million objects


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several workers run the tests, the slowest tests come first (with `--no-loadscope-reorder`)."""
    if not hasattr(config, "workerinput"):
        return
    places = {_ROOT / "tests" / name: place for place, name in enumerate(_SLOW)}

    def place(item: pytest.Item) -> int:
        return next((places[path] for path in (item.path, *item.path.parents) if path in places), len(places))

    items.sort(key=place)


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop on which the command line serves: aiohttp's and uvloop's transports differ in small things."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder beside the repository with raw messages of other projects and Okta's own API description."""
    folder = _ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is absent")
    return folder


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Debian's Chromium as people have it."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    return Path(found)


@pytest.fixture(scope="session")
def chromium_shell_path(chromium_path: Path) -> Path:
    """The same Chromium without windows, settings and the memory of whole pages. It takes less than half of the processor time."""
    found = shutil.which("chromium-headless-shell")
    return chromium_path if found is None else Path(found)


@pytest.fixture(scope="session")
def saml() -> Any:
    """The service provider of PyPI's python3-saml."""
    return pytest.importorskip("onelogin.saml2.auth", reason="needs PyPI's python3-saml")


@pytest.fixture
def okta_client(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Any]:
    """Okta's own client for Python: a function of the org's address and an API token. Imported here: that takes six seconds."""
    monkeypatch.setenv("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")  # the client's own switch: without it, it insists on https
    library = pytest.importorskip("okta.client")

    def opened(address: str, token: str) -> Any:
        return library.Client({"orgUrl": address, "token": token, "logging": {"enabled": False, "logLevel": logging.ERROR}})

    return opened
