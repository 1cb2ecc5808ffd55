"""A request leaves nothing that refers to itself: only the collector could free it, and all requests wait while it looks for such things.

Heads that are too long to be remembered are let go at once; the same holds for those that are remembered, and forgotten later.
"""

import gc
from collections.abc import Callable, Iterator

import pytest

from tests.edge.two_addresses import asked, two_addresses

REQUESTS = 200
LONG = b"x" * 6000
BODY = b"month=3&note=words"


def _same(number: int, cookie: bytes) -> bytes:
    return asked(b"/slips", cookie)


def _new_each_time(number: int, cookie: bytes) -> bytes:
    referer = b"Referer: https://hr.example.com/%d/%b\r\n" % (number, LONG)
    return asked(b"/slips/%d?n=%d" % (number, number), cookie[:-2] + b"; last=%d\r\n" % number, referer)


def _form(number: int, cookie: bytes) -> bytes:
    about = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n" % len(BODY)
    return asked(b"/forms/%d" % number, cookie, about, b"X-Long: %b\r\n" % LONG, method=b"POST") + BODY


def _without_a_session(number: int, cookie: bytes) -> bytes:
    return asked(b"/slips/%d" % number, b"Accept: text/html\r\n", b"X-Long: %b\r\n" % LONG)


@pytest.fixture
def _collector_off() -> Iterator[None]:
    gc.freeze()  # what other tests left is not looked at
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_collector_off")
@pytest.mark.parametrize("message", [_same, _new_each_time, _form, _without_a_session])
async def test_a_request_leaves_nothing_for_the_collector(message: Callable[[int, bytes], bytes]) -> None:
    async with two_addresses() as made:
        wire = await made.fast.connect()

        async def ask(first: int) -> None:
            for number in range(first, first + REQUESTS):
                await wire.say(message(number, made.cookie))
                head = await wire.head()
                await wire.exactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))

        await ask(0)
        gc.collect()
        await ask(REQUESTS)
        assert gc.collect() < REQUESTS // 4
