"""Requests whose fields came before on the same connection. Checks nothing by itself."""

from tests.harness.site import Site
from tests.harness.wire import Wire

HOST = b"Host: hr.example.com\r\n"


async def answered(wire: Wire, sent: bytes) -> bytes:
    """The head and the five bytes of the app's answer."""
    await wire.say(sent)
    head = await wire.head()
    if b"Content-Length: " in head:
        await wire.exactly(int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
    return head


def get(target: bytes, block: bytes) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + block


async def sent_before(site: Site, wire: Wire, block: bytes) -> None:
    """Bring these fields often enough that they are known, and show it."""
    for _ in range(3):
        assert (await answered(wire, get(b"/known", block))).startswith(b"HTTP/1.1 200 ")
    site.behind.visits.clear()
