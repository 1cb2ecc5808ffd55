"""W8: any token of RFC 9110 is accepted as a method. It reaches the app, with or without a body, and rules and limits hold for it."""

import string
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import HeadLimits
from gateway.policy.http.request_heads import HeadReader
from tests.harness.app import answering
from tests.harness.site import CONFIGURATION, FETCH, Site, deployed
from tests.harness.subrequests import DIALECTS, TRUSTING, ask

METHODS = (
    *(
        "RPC_IN_DATA",
        "RPC_OUT_DATA",
        "VERSION-CONTROL",
        "BASELINE-CONTROL",
        "MKWORKSPACE",
        "ORDERPATCH",
        "UPDATEREDIRECTREF",
        "X-MS-ENUMATTS",
    ),
    *("BITS_POST", "CCM_POST", "SUBSCRIBE", "QUERY", "PRI", "g", "get", "!#$%&'*+-.^_`|~", "0", "A" * 200),
)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    text = CONFIGURATION.replace('methods = ["POST"]', 'methods = ["POST", "RPC_IN_DATA"]', 1)
    async with deployed(configuration=text, listen=TRUSTING) as made:
        yield made


@pytest.mark.parametrize("method", METHODS)
async def test_w8_a_token_is_a_method_of_the_apps(site: Site, method: str) -> None:
    cookie = await site.signed_in()
    assert (await site.ask("/x", FETCH, method=method)).status == 401
    assert site.behind.visits == []
    for body in (b"", b"hello"):
        reply = await site.ask("/x", FETCH + cookie, method=method, body=body)
        assert (reply.status, reply.body) == (200, b"hello")
        assert site.behind.last.line == f"{method} /x HTTP/1.1".encode()
    for dialect in DIALECTS:
        assert (await ask(site, dialect, "/x", FETCH, method=method)).status == 401
        assert (await ask(site, dialect, "/x", FETCH + cookie, method=method)).status == 200, dialect


async def test_w8_a_connection_goes_on_behind_such_a_method(site: Site) -> None:
    """Its answer is framed as any other's, and so is a body in chunks."""
    cookie = await site.signed_in()
    wire = await site.connect()
    for method in ("RPC_IN_DATA", "GET", "VERSION-CONTROL", "XHEAD", "HEAD"):
        chunked = b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" if method != "HEAD" else b"\r\n"
        await wire.say(f"{method} /x HTTP/1.1\r\nHost: hr.example.com\r\n".encode() + cookie + chunked)
        head = await wire.head()
        assert b" 200 " in head.partition(b"\r\n")[0], method
        if method != "HEAD":
            assert await wire.exactly(5) == b"hello"


async def test_w8_rules_hold_for_it(site: Site) -> None:
    assert (await site.ask("/form/x", FETCH, method="RPC_IN_DATA")).status == 200
    for method in ("RPC_OUT_DATA", "rpc_in_data", "RPC_IN_DATA2"):
        assert (await site.ask("/form/x", FETCH, method=method)).status == 401
        assert [(await ask(site, dialect, "/form/x", FETCH, method=method)).status for dialect in DIALECTS] == [401] * len(DIALECTS)


async def test_w8_limits_hold_for_it() -> None:
    text = CONFIGURATION.replace('name = "hr"', 'name = "hr"\nlargest_body = "1KiB"', 1)
    async with deployed(configuration=text) as site:
        cookie = await site.signed_in()
        assert (await site.ask("/x", FETCH + cookie, method="RPC_IN_DATA", body=b"x" * 1025)).status == 413
        assert (await site.ask("/x", FETCH + cookie, method="A" * 9000)).status in (400, 414)
        assert site.behind.visits == []
        for method in ("TRACE", "TRACK", "CONNECT", "track"):
            assert (await site.ask("/x", FETCH + cookie, method=method)).status in (400, 405, 501)
        assert site.behind.visits == []


async def test_w8_an_unsent_request_of_such_a_method_is_not_sent_twice(site: Site) -> None:
    cookie = await site.signed_in()
    site.behind.script = answering(b"", then_close=True)
    assert (await site.ask("/x", FETCH + cookie, method="VERSION-CONTROL")).status == 502
    assert len(site.behind.visits) == 1


TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"


@given(st.text(alphabet=TOKEN, min_size=1, max_size=40))
def test_w8_every_token_is_read_as_it_was_sent(method: str) -> None:
    read = HeadReader(HeadLimits()).read(f"{method} /x HTTP/1.1\r\nHost: a".encode())
    assert read is not None
    refused = method.upper() in ("TRACE", "TRACK", "CONNECT")
    assert (read.line.method, read.refusal is not None) == (method, refused)
