"""Owns pictures that documents show: written where that is asked for, else held against what a test sees.

`GATEWAY_PICTURES=1 pytest …` writes them anew. Without it, a picture must have the size and the words of the window that a test opened.
The words stand in the file itself, as a text that PNG allows for (PNG specification, section 11.3.3.4). Colours are not compared.
"""

import os
import re
import struct
import zlib
from calendar import month_abbr, month_name
from collections.abc import Iterator
from pathlib import Path

from playwright.async_api import Page

ARE_TAKEN = os.environ.get("GATEWAY_PICTURES") == "1"
LARGEST_BYTES = 200_000
_BEGINNING = b"\x89PNG\r\n\x1a\n"
_IN_THE_WINDOW = """() => {
  const found = [], range = document.createRange(), texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    range.selectNodeContents(texts.currentNode)
    const { width, height, top, bottom } = range.getBoundingClientRect()
    if (width && height && bottom > 0 && top < innerHeight) found.push(texts.currentNode.data)
  }
  return found.join(" ")
}"""
_WORDS = b"Description\0\0\0\0\0"
"""The keyword of the text, not compressed, in no named language."""
_WORDS_OF_TIMES = "|".join((*month_name[1:], *month_abbr[1:], "(?:day|hour|minute|second)s?"))
_VARYING = re.compile(rf"\S*\d\S*|\b(?:{_WORDS_OF_TIMES})\b,?")
"""Dates, times, ports and ids. They are other ones at each run."""


async def keep(file: Path, page: Page) -> bytes:
    """Take a picture of the page. Write it where that was asked for; hold it against the one that is there otherwise."""
    picture = await page.screenshot(animations="disabled", caret="hide", type="png")
    words = shown(await page.evaluate(_IN_THE_WINDOW))
    assert len(picture) < LARGEST_BYTES
    if ARE_TAKEN:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(described(picture, words))
    found = file.read_bytes()
    assert size(found) == size(picture)
    assert description(found) == words, f"{file.name} shows other words than the page: GATEWAY_PICTURES=1 takes it anew"
    return picture


def shown(text: str) -> str:
    """The words that a window shows, without what varies from run to run."""
    return re.sub("#(?: #)+", "#", " ".join(_VARYING.sub("#", text).split()))


def size(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels (PNG specification, section 11.2.1)."""
    (first, head), *_, (last, _) = _chunks(picture)
    assert (first, last) == (b"IHDR", b"IEND")
    width, height = struct.unpack(">II", head[:8])
    return int(width), int(height)


def described(picture: bytes, words: str) -> bytes:
    """The picture with these words."""
    head, *others = _chunks(picture)
    return _BEGINNING + b"".join(_written(*chunk) for chunk in (head, (b"iTXt", _WORDS + words.encode()), *others))


def description(picture: bytes) -> str:
    """The words of the picture; empty if it has none."""
    texts = (data for kind, data in _chunks(picture) if kind == b"iTXt")
    return next((data.removeprefix(_WORDS).decode() for data in texts if data.startswith(_WORDS)), "")


def _chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    assert picture.startswith(_BEGINNING)
    at = len(_BEGINNING)
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        yield picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        at += 12 + length
    assert at == len(picture)


def _written(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
