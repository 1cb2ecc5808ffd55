"""The one request that everybody is asked: what a browser sends to an app, with the pass of a real sign-in in its Cookie field.

Owns the request and the answer that must come back. Every contestant gets the same bytes, so nobody parses less than another.
"""

import http.client
import socket
from dataclasses import dataclass

HOST = "hr.example.com"
TARGET = "/payroll/slips?month=3"
END = b"the end</html>"
BODY = (b"<!doctype html><title>payroll</title>" + b"a line of an old application; " * 30)[: 790 - len(END)] + END


@dataclass(frozen=True, slots=True)
class AppRequest:
    """A browser's request to the app; ``port`` is the server's, ``cookie`` holds the pass and a cookie of the app's own."""

    cookie: str

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Names and values, in a browser's order."""
        return (
            ("Host", HOST),
            ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            ("Accept-Language", "en-US,en;q=0.5"),
            ("Accept-Encoding", "gzip, deflate, br"),
            ("Cookie", self.cookie),
            ("Sec-Fetch-Dest", "document"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Site", "same-origin"),
        )

    def message(self, method: str = "GET", target: str = TARGET, *more: tuple[str, str]) -> bytes:
        """The head of a request as it goes over the wire."""
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in (*self.fields, *more))]
        return "\r\n".join((*lines, "", "")).encode("latin-1")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back: status, field lines in order, body."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Of all lines with this name."""
        return [value for key, value in self.fields if key.lower() == name.lower()]


def answer_to(message: bytes, port: int) -> Answered:
    """Send a whole request on a connection of its own; OSError where no answer comes."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(message)
        response = http.client.HTTPResponse(connection)
        try:
            response.begin()
            return Answered(response.status, tuple(response.getheaders()), response.read())
        except http.client.HTTPException as error:
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
