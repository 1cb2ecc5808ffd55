"""`requirements.txt`: every package that the gateway and its tests ask for, each in one version."""

import re
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata, requires

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

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
    seen: set[tuple[str, str]] = set()
    while missing:
        asked = Requirement(missing.pop())
        name = re.sub(r"[-_.]+", "-", asked.name).lower()
        for extra in ("", *asked.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                missing += _asked_by(name, extra)
    assert {name for name, _ in seen} - {line.partition("==")[0] for line in _pins()} == set()


def test_every_pinned_package_runs_on_the_oldest_python_of_the_readme() -> None:
    """Debian 12 has 3.11.2. A package that needs a later 3.11 cannot be installed there, and with it none of the others."""
    too_new = []
    for pin in _pins():
        with suppress(PackageNotFoundError):  # not installed here, by its marker
            needed = str(metadata(pin.partition("==")[0]).json.get("requires_python", ""))
            too_new += [f"{pin}: {needed}"] if "3.11.2" not in SpecifierSet(needed) else []
    assert too_new == []


def _asked_by(name: str, extra: str) -> list[str]:
    """What an installed package asks for, for one of its extras. One that is not installed asks for nothing: its own line is missed."""
    try:
        asked = requires(name) or []
    except PackageNotFoundError:
        return []
    markers = {text: Requirement(text).marker for text in asked}
    return [text for text, marker in markers.items() if marker is None or marker.evaluate({"extra": extra})]
