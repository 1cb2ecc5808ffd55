"""Every link, file name and command in the documents exists, and every command of the program is in a document."""

import re
from collections.abc import Iterator

import click
import pytest

from gateway.cli import main
from tests.architecture.sources import ROOT, files
from tests.documents.pages import anchors_of, broken_links, calls_of, code_of, commands_of, documents, links_of, root_of, text_of

DOCUMENTS = documents()
NEEDED = {
    ".github/CONTRIBUTING.md",
    "CHANGELOG.md",
    "README.md",
    "SECURITY.md",
    "config/README.md",
    "deploy/OKTA.md",
    "deploy/README.md",
    "deploy/TROUBLESHOOTING.md",
    "gateway/README.md",
    "tests/README.md",
    "tests/bench/README.md",
    "tests/seeds/README.md",
}
HISTORY = "CHANGELOG.md"
"""It names what was, too."""
_FILE = re.compile(r"(?<![\w/.:~{-])(?:[\w.-]+/)+[\w.*-]*\.(?:py|toml|md|yaml|html|css|js|conf|c|cjs)\b|(?<![\w/.:~-])(?:[a-z_]+/)+(?=`)")
_OTHERS = re.compile(r"examples?\.|app/|login/login\.htm|.*\b(?:ROOM|FILE|NAME)\b|.*_FILE\.py")


def test_every_document_that_readers_are_led_to_is_there() -> None:
    assert set(DOCUMENTS) >= NEEDED


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached, following = set[str](), ["README.md"]
    while following:
        document = following.pop()
        if document not in reached:
            reached.add(document)
            targets = (target.partition("#")[0] for target in links_of(text_of(document)) if "://" not in target)
            found = ((root_of(document) / target).resolve() for target in targets if target.endswith(".md"))
            following += [str(file.relative_to(ROOT)) for file in found]
    assert sorted(set(DOCUMENTS) - reached) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    assert list(broken_links(document, text_of(document))) == []


@pytest.mark.parametrize("document", sorted(set(DOCUMENTS) - {HISTORY}))
def test_every_file_that_is_named_exists(document: str) -> None:
    assert [name for name in _named_files(document) if not _exists(document, name)] == []


def _named_files(document: str) -> Iterator[str]:
    return (found[0] for found in _FILE.finditer(code_of(text_of(document))) if not _OTHERS.match(found[0]))


def _exists(document: str, name: str) -> bool:
    return any(next(folder.glob(name), None) is not None for folder in (ROOT, root_of(document)))


def test_the_checker_finds_what_is_broken() -> None:
    text = "[x](#documents) [y](#none) [z](LICENSE) ![p](no.png)\n```\n[in](code.md)\n```\n[two](config/README.md#every-key)"
    assert list(broken_links("README.md", text)) == ["#none", "no.png"]
    assert anchors_of("## Who *may*: 2 keys\n### [A](b.md) c") == {"who-may-2-keys", "a-c"}
    assert list(calls_of("`session-gateway run --config A [--no] B` and `session-gateway org --tls`")) == [
        ("run", "--config"),
        ("run", "--no"),
        ("org", "--tls"),
    ]
    assert code_of("a `b/c.py` d\n```\ne\n```\n").split("\n") == ["```", "e", "```", "`b/c.py`"]


@pytest.mark.parametrize("document", sorted(set(DOCUMENTS) - {HISTORY}))
def test_every_command_that_is_named_exists(document: str) -> None:
    assert commands_of(text_of(document)) - set(_commands()) == set()


@pytest.mark.parametrize("document", sorted(set(DOCUMENTS) - {HISTORY}))
def test_every_option_that_is_given_to_a_command_exists(document: str) -> None:
    calls = set(calls_of(text_of(document)))
    assert [(name, option) for name, option in calls if option not in _options(_commands()[name])] == []


def _commands() -> dict[str, click.Command]:
    context = click.Context(main)
    found = ((name, main.get_command(context, name)) for name in main.list_commands(context))
    return {name: command for name, command in found if command is not None}


def _options(command: click.Command) -> set[str]:
    return {"--help"} | {option for parameter in command.params if isinstance(parameter, click.Option) for option in parameter.opts}


def test_every_command_and_option_is_in_a_document() -> None:
    said = "\n".join(code_of(text_of(document)) for document in DOCUMENTS if document != HISTORY)
    due = {name: command for name, command in _commands().items() if not command.hidden}
    assert [name for name in due if f"session-gateway {name}" not in said] == []
    options = {option for command in due.values() for option in _options(command)}
    assert sorted(option for option in options if option not in said) == []


def test_every_package_that_the_makefile_installs_is_in_the_document_for_developers() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    installed = re.findall(r"(?:\$\(call apt,|^PACKAGES := )([a-z0-9 -]+)", makefile, re.MULTILINE)
    packages = {word for words in installed for word in words.split()}
    assert len(packages) > 25
    assert sorted(package for package in packages if f"`{package}`" not in text_of("tests/README.md")) == []


def test_the_tests_of_every_promise_exist_and_hold_tests() -> None:
    named = [target for target in links_of(text_of("SECURITY.md")) if target.startswith("tests/")]
    assert len(named) > 50
    assert [name for name in named if name not in files() or not _holds_tests((ROOT / name).read_text(encoding="utf-8"))] == []


def _holds_tests(source: str) -> bool:
    return "def test_" in source or ".TestCase\n" in source
