"""Row W12: the gateway's own caching fields add what is missing, and keep what the app allowed. Pages are never stored.

An app that sends only ``max-age``, and none of the fields of a file, is not believed for a part of a page. Row T5 forbids it, because a
browser shows such a part again when the next user goes back (tests/browser/test_caches.py).
"""

import pytest

from tests.harness.app import answering
from tests.harness.site import NAVIGATE, Site

SCRIPT = b"Accept: */*\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\nSec-Fetch-Site: same-origin\r\n"
OLD_BROWSER = b"Accept: */*\r\n"
FUTURE = "Expires: Thu, 01 Jan 2037 00:00:00 GMT"
FILE = 'Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT\r\nETag: "1"'


async def control(site: Site, fields: str, asked: bytes) -> list[str]:
    cookie = await site.signed_in()
    site.behind.script = answering(f"HTTP/1.1 200 OK\r\nContent-Type: text/javascript\r\n{fields}\r\nContent-Length: 2\r\n\r\nok".encode())
    reply = await site.ask("/app.js", asked + cookie)
    for line in fields.split("\r\n"):
        name, _, value = line.partition(": ")
        assert name == "Cache-Control" or reply.values(name) == [value]
    return reply.values("Cache-Control")


@pytest.mark.parametrize("asked", [SCRIPT, OLD_BROWSER])
@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (FUTURE, "private"),
        (FILE, "private"),
        (f"{FUTURE}\r\n{FILE}", "private"),
        ("Cache-Control: private, max-age=600", "private, max-age=600"),
        ("Cache-Control: public, max-age=600, immutable", "private, max-age=600, immutable"),
        (f"Cache-Control: max-age=600\r\n{FILE}", "private, max-age=600"),
        (f"Cache-Control: no-cache\r\n{FILE}", "private, no-cache"),
        (f"Cache-Control: no-store\r\n{FILE}", "no-store"),
        ("Cache-Control: max-age=600", "no-store"),
        ("X: 1", "no-store"),
    ],
)
async def test_w12_a_part_of_a_page_stays_as_long_as_the_app_lets_it(site: Site, asked: bytes, said: str, wanted: str) -> None:
    assert await control(site, said, asked) == [wanted]


@pytest.mark.parametrize("said", [FUTURE, FILE, "Cache-Control: private, max-age=600", "Cache-Control: public, max-age=600"])
async def test_w12_a_page_is_never_stored(site: Site, said: str) -> None:
    assert await control(site, said, NAVIGATE) == ["no-store"]
