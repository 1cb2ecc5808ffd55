"""Owns what llhttp, a strict parser that others use, makes of a message. Checks nothing by itself."""

from contextlib import suppress

import httptools


class LlhttpReading:
    """A request or an answer, as far as llhttp has read it. ``status``: 0 of a request; ``keeps``: may its connection be used again."""

    def __init__(self, parser: type[httptools.HttpRequestParser | httptools.HttpResponseParser], text: bytes) -> None:
        self.parser = parser(self)
        self.status = 0
        self.url = self.body = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.has_head = self.is_whole = self.keeps = False
        with suppress(httptools.HttpParserUpgrade):  # it would go on with another protocol
            self.parser.feed_data(text)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.has_head, self.keeps = True, self.parser.should_keep_alive()
        if isinstance(self.parser, httptools.HttpResponseParser):
            self.status = self.parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.is_whole = True
