"""Raw messages from the tests of other projects, read from ``../shared/corpora``: unchanged, and with one of our hosts in them.

Owns the two formats in which the projects store bytes, and the change of the host. Without that change the gateway would refuse a message
because of its host, and the test would prove nothing. Checks nothing by itself.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"f": b"\f", b"0": b"\x00", b"\\": b"\\"}
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|[rntf0\\])")
_HOST = re.compile(rb"(?im)^(host:)[ \t]*[^\r\n]*")
_LINE = re.compile(rb"(?m)^[!-~]+ [^\r\n]* HTTP/[0-9.]+\r\n(?=[^\r\n]*:|\r\n)")
_TITLE = re.compile(r"^#+ (?P<title>[^\n]*)$", re.MULTILINE)
_CASE = re.compile(
    r"^<!-- meta= ?(?P<meta>\{[^\n]*\}) -->\s*^```http\n(?P<text>.*?)^```\n(?:(?!^<!-- meta).)*?^```log\n(?P<log>.*?)^```",
    re.MULTILINE | re.DOTALL,
)
_PAUSES = {"21", "22"}
"""Codes of llhttp that are no error: it was told to stop there, or what follows is another protocol."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a corpus. ``requests``: how many it holds when it is read strictly; ``is_valid``: nothing else is in it."""

    name: str
    sent: bytes
    requests: int
    is_valid: bool

    def to(self, host: str) -> bytes:
        """The same bytes, with every Host field naming this host, and with one in each head that had none."""
        own = b"Host: " + host.encode() + b"\r\n"
        heads = [found.end() for found in _LINE.finditer(self.sent)][: max(1, self.requests)]
        sent = self.sent
        for begin in reversed(heads):
            if not _HOST.search(sent[begin - 2 :].partition(b"\r\n\r\n")[0]):
                sent = sent[:begin] + own + sent[begin:]
        return _HOST.sub(rb"\1 " + host.encode(), sent)


def gunicorn(shared: Path, kind: str) -> Iterator[Message]:
    """The files of ``invalid`` or ``valid``."""
    folder = shared / "corpora" / "gunicorn"
    for name, expected in json.loads((folder / "manifest.json").read_text()).items():
        if name.startswith(f"{kind}/"):
            sent = _unescaped((folder / name).read_bytes().replace(b"\n", b""))
            yield Message(name, sent, expected.get("n_requests", 0), kind == "valid")


def llhttp(shared: Path) -> Iterator[Message]:
    """Every request that llhttp's own tests parse as it is: without a lenient switch, and without leaving bodies out."""
    for file in sorted((shared / "corpora" / "llhttp" / "request").glob("*.md")):
        text = file.read_text()
        titles = [(found.start(), found["title"]) for found in _TITLE.finditer(text)]
        for found in _CASE.finditer(text):
            meta = json.loads(found["meta"])
            if meta.get("type") == "request" and not meta.get("skipBody"):
                title = [name for place, name in titles if place < found.start()][-1]
                sent = re.sub(r"\\\n", "", found["text"].removesuffix("\n")).replace("\n", "\r\n").encode()
                is_valid = set(re.findall(r"error code=(\d+)", found["log"])) <= _PAUSES
                complete = found["log"].count("message complete" if not is_valid else "headers complete")
                yield Message(f"{file.stem}: {title}", _unescaped(sent), complete, is_valid)


def _unescaped(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: bytes([int(found[1][1:], 16)]) if found[1][:1] == b"x" else _ESCAPES[found[1]], text)
