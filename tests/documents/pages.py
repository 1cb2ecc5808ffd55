"""The documents of this repository as the tests see them: their texts, links, code and commands. Checks nothing by itself."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.architecture.sources import ROOT, files

_FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?(?P<target>[^)\s>]+)>?[^)]*\)")
_HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *#* *$", re.MULTILINE)
_CALL = re.compile(r"\bsession-gateway ([a-z]+(?:-[a-z]+)*)\b(?!/)([^`\n#;]*)")
_COMMAND = re.compile(r"\bsession-gateway ([a-z]+(?:-[a-z]+)*)\b(?!/)")


@cache
def documents() -> tuple[str, ...]:
    """Every Markdown file of the repository."""
    return tuple(name for name in files() if name.endswith(".md"))


@cache
def text_of(document: str) -> str:
    """The text of a document."""
    return (ROOT / document).read_text(encoding="utf-8")


def code_of(text: str) -> str:
    """The code alone: what stands in fences or between backticks."""
    return "\n".join(found[0] for found in (*_FENCE.finditer(text), *_CODE.finditer(_FENCE.sub("", text))))


def links_of(text: str) -> list[str]:
    """The targets of all links and pictures, outside of code blocks."""
    return [found["target"] for found in _LINK.finditer(_FENCE.sub("", text))]


def anchors_of(text: str) -> set[str]:
    """What ``#…`` may name in this text, as GitHub makes it of headings."""
    return {_anchor(found["title"]) for found in _HEADING.finditer(_FENCE.sub("", text))}


def _anchor(title: str) -> str:
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
    return re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")


def broken_links(document: str, text: str) -> Iterator[str]:
    """Links of a document to files that do not exist, or to headings that the other document does not have."""
    for target in links_of(text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / document).parent / name if name else ROOT / document
        is_there = file.exists() and file.resolve().is_relative_to(ROOT)
        if not is_there or (anchor and anchor not in anchors_of(file.read_text(encoding="utf-8"))):
            yield target


def calls_of(text: str) -> Iterator[tuple[str, str]]:
    """(command, option) for each option that the code of a document gives to a command of `session-gateway`."""
    for found in _CALL.finditer(code_of(text)):
        yield from ((found[1], option) for option in re.findall(r"(?<!\S)[\[(]?(--[a-z-]+)", found[2]))


def commands_of(text: str) -> set[str]:
    """Every command of `session-gateway` that the code of a document calls."""
    return set(_COMMAND.findall(code_of(text)))


def root_of(document: str) -> Path:
    """The folder of a document."""
    return (ROOT / document).parent
