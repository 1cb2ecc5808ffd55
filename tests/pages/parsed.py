"""A page taken apart with the standard parser, as far as the tests ask."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

Attributes = dict[str, str | None]


@dataclass(slots=True)
class Parsed:
    """Every element in order, with its attributes, and the visible text of each kind of element."""

    elements: list[tuple[str, Attributes]] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def named(self, *names: str) -> list[Attributes]:
        """The attributes of every element of these names, in order."""
        return [attributes for name, attributes in self.elements if name in names]

    def text(self, name: str) -> str:
        """The text inside all elements of this name, spaces folded."""
        return " ".join("".join(self.texts.get(name, [])).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parsed = Parsed()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parsed.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "input", "img", "br"}:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.parsed.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for name in self._open:
            self.parsed.texts.setdefault(name, []).append(data)

    def close(self) -> None:
        super().close()
        assert not self._open, f"never closed: {self._open}"


def parse(html: bytes) -> Parsed:
    """The page taken apart; fails when an element is closed in the wrong place or never."""
    reader = _Reader()
    reader.feed(html.decode("utf-8"))
    reader.close()
    return reader.parsed
