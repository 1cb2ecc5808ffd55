"""What docstrings, comments and documents cite can be opened by every reader: a file of this repository, an RFC, a public page."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from urllib.parse import urlsplit

import pytest

from tests.architecture.sources import ROOT, comments, files, python_files, text, tree
from tests.documents.keys import table_of

_PAPERS = re.compile(
    r"\b(?:DESIGN|ATTACKS|PEERS)\b|\b(?:STYLE|FIELD|SEEDS)(?:\.md\b| (?:sections?|rows?|groups?)\b| [A-Z]?\d| \")|\bOKTA (?:sections? )?\d"
)
"""Papers that some of us have beside the repository, and other readers have not."""
_CASES = re.compile(r"(?:[(,;]|\bsee|\brows?) ?[A-Z]\d{1,2}(?=[,;)]| to [A-Z]\d)")
"""Ids of cases in tests/attacks and tests/field, as in "(X1, X2)": they say nothing to a reader of the product."""
_RFC = re.compile(r"\bRFCs?[\s-]*\d\w*")
_GOOD_RFC = re.compile(r"RFCs? [1-9]\d{2,3}(?:bis)?")
_URL = re.compile(r"https?://(?=[^\s,.;:`])[^\s\"'<>`)\]}|]+")
_FILE = re.compile(r"(?<![\w/.{-])(?:gateway|tests|deploy|config)/[\w./-]*\w\.(?:py|md|toml|cjs|c|html|yaml)\b")
_MODULE = re.compile(r"``([a-z_]+(?:\.[a-z_]+)+)(?:\(\))?``")
_FORMER_ROOMS = {"core", "proxy", "standin", "demo"}
_NOT_PROSE = (".json", ".svg", ".png", "LICENSE", ".pem")


@cache
def _prose(name: str) -> tuple[tuple[int, str], ...]:
    """What people read in a file, with its lines: docstrings and comments of a program, all of any other text."""
    if not name.endswith(".py"):
        return () if name.endswith(_NOT_PROSE) else tuple(enumerate(text(name).splitlines(), start=1))
    return (*comments(name), *_docstrings(name))


def _docstrings(name: str) -> Iterator[tuple[int, str]]:
    """Every text that stands by itself as a statement, line by line."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield from enumerate(node.value.value.splitlines(), start=node.lineno)


def _matches(pattern: re.Pattern[str], names: Iterable[str]) -> Iterator[tuple[str, int, re.Match[str]]]:
    """(file, line, match) wherever the pattern stands in prose. A program that has it nowhere is not parsed."""
    for name in names:
        if pattern.search(text(name)):
            yield from ((name, number, found) for number, line in _prose(name) for found in pattern.finditer(line))


def _found(pattern: re.Pattern[str], names: Iterable[str]) -> list[str]:
    return [f"{name}:{number}: {found[0]}" for name, number, found in _matches(pattern, names)]


def test_nobody_cites_a_paper_that_is_not_here() -> None:
    assert _found(_PAPERS, files()) == []


def test_the_product_cites_no_ids_of_cases() -> None:
    assert _found(_CASES, (name for name in files() if name.startswith(("gateway/", "config/", "deploy/")))) == []


def test_rfcs_are_cited_by_their_numbers() -> None:
    cited = list(_matches(_RFC, files()))
    assert len(cited) > 100
    assert [f"{name}:{number}: {found[0]}" for name, number, found in cited if not _GOOD_RFC.fullmatch(found[0])] == []


def test_addresses_of_pages_are_whole() -> None:
    assert [f"{name}:{number}: {found[0]}" for name, number, found in _matches(_URL, files()) if not _is_whole(found[0])] == []


def _is_whole(address: str) -> bool:
    host = urlsplit(address.rstrip(".,;:*")).netloc
    return bool(re.fullmatch(r"[\w.:@\[\]{}$*/-]+", host)) or any(mark in address for mark in ("…", "%", "\\", "@", "&"))


def test_files_that_programs_cite_exist() -> None:
    cited = list(_matches(_FILE, python_files("gateway", "tests")))
    assert len(cited) > 10
    assert [f"{name}:{number}: {found[0]}" for name, number, found in cited if not (ROOT / found[0]).is_file()] == []


def test_modules_that_programs_cite_exist() -> None:
    keys = table_of(text("config/gateway.toml"))
    cited = list(_matches(_MODULE, python_files("gateway")))
    assert len(cited) > 10
    strangers = [(name, number, found[1]) for name, number, found in cited if f"`{found[1]}`" not in keys and not _is_here(found[1])]
    assert strangers == []


def _is_here(dotted: str) -> bool:
    """Whether such a module is in the gateway, or holds such a name; names of other packages are not looked up."""
    rooms = {file.stem for file in (ROOT / "gateway").iterdir()} | _FORMER_ROOMS
    first, *rest = dotted.split(".")
    if first not in rooms:
        return True
    for length in range(len(rest), -1, -1):
        place = ROOT.joinpath("gateway", first, *rest[:length])
        file = place.with_suffix(".py") if place.with_suffix(".py").is_file() else place / "__init__.py"
        if file.is_file():
            return length == len(rest) or rest[length] in file.read_text(encoding="utf-8")
    return False


@pytest.mark.parametrize(
    ("words", "is_paper"),
    [
        ("Rules from: DESIGN section 7.", True),
        ('As STYLE "Async" says.', True),
        ("OKTA section 3", True),
        ("OKTA 0.5: a DELETE", True),
        ("see FIELD.md", True),
        ("OKTA-1163605 of Okta's release notes", False),
        ("the FIELD of a form", False),
        ("deploy/OKTA.md", False),
    ],
)
def test_the_pattern_knows_papers(words: str, is_paper: bool) -> None:
    assert bool(_PAPERS.search(words)) is is_paper


@pytest.mark.parametrize(
    ("words", "is_case"),
    [("it ends (S14)", True), ("refused (R3, R5)", True), ("one (A1 to A11)", True), ("an RFC (P-256)", False), ("Python (3.11)", False)],
)
def test_the_pattern_knows_ids_of_cases(words: str, is_case: bool) -> None:
    assert bool(_CASES.search(words)) is is_case
