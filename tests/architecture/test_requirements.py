"""`requirements.txt`: every package that the gateway and its tests ask for, each in one version."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement

from tests.architecture.sources import text


def _pins() -> list[str]:
    return [line for line in text("requirements.txt").splitlines() if line and not line.startswith("#")]


def test_the_requirements_are_pinned_and_name_no_address() -> None:
    pinned = re.compile(r"[a-z0-9][a-z0-9\-]*==[\w.]+(; [\w.]+ [!=<>]+ '[\w.]+')?")
    assert _pins() != []
    assert [line for line in _pins() if not pinned.fullmatch(line)] == []


def test_what_the_gateway_and_its_tests_ask_for_is_pinned() -> None:
    """A package that is asked for and not pinned is missing on a new machine, and its tests are skipped there."""
    project = tomllib.loads(text("pyproject.toml"))["project"]
    missing = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    seen: set[str] = set()
    while missing:
        asked = Requirement(missing.pop())
        name = re.sub(r"[-_.]+", "-", asked.name).lower()
        if name not in seen and (asked.marker is None or asked.marker.evaluate({"extra": ""})):
            seen.add(name)
            missing += _asked_by(name)
    assert seen - {line.partition("==")[0] for line in _pins()} == set()


def _asked_by(name: str) -> list[str]:
    """What an installed package asks for. One that is not installed asks for nothing here: its own line is still missed."""
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []
