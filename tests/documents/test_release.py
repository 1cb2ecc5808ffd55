"""One version everywhere, and a section of the changelog for each."""

import re
import subprocess
from datetime import date
from pathlib import Path

from gateway import __version__

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"^## (?P<version>\d+\.\d+\.\d+) \((?P<day>\d{4}-\d\d-\d\d)\)$", re.MULTILINE)
IMAGE = re.compile(r"\bsession-gateway:(\d+\.\d+\.\d+)\b")
CHART = ROOT / "deploy/helm/session-gateway/Chart.yaml"


def sections() -> list[tuple[tuple[int, ...], date]]:
    """Version and day of each released section, as the changelog has them."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    return [(numbers(found["version"]), date.fromisoformat(found["day"])) for found in SECTION.finditer(text)]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_the_newest_section_is_about_this_version_and_older_ones_follow() -> None:
    found = sections()
    assert found[0][0] == numbers(__version__)
    assert found == sorted(found, reverse=True) and len(set(found)) == len(found)


def test_what_is_not_released_yet_stands_above_all_versions() -> None:
    headings = re.findall(r"^## .*$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "## Unreleased"
    assert all(SECTION.fullmatch(heading) for heading in headings[1:])


def test_every_recipe_names_the_image_of_this_version() -> None:
    old = {
        f"{path.relative_to(ROOT)}: {version}"
        for path in (ROOT / "deploy").rglob("*")
        if path.is_file() and path.suffix in {"", ".md", ".yaml", ".sh"}
        for version in IMAGE.findall(path.read_text(encoding="utf-8", errors="replace"))
        if version != __version__
    }
    assert old == set()
    assert f'appVersion: "{__version__}"' in CHART.read_text(encoding="utf-8")


def test_a_tag_of_this_version_is_about_a_commit_with_this_version() -> None:
    """Where the repository has tags: a released version does not change any more without a new number."""
    tag, git = f"v{__version__}", ["git", "-C", str(ROOT)]
    if not (ROOT / ".git").exists() or not _said([*git, "tag", "--list", tag]).strip():
        return
    assert f'__version__ = "{__version__}"' in _said([*git, "show", f"{tag}:gateway/__init__.py"])


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
