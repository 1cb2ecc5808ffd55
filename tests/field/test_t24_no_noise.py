"""T24: no request of a client causes an error in the log, and it adds less to the log than the line of a request."""

import pytest

from tests.harness.app import Visit
from tests.harness.site import deployed

HERE = b"Host: hr.example.com\r\n"
SENT = {
    "empty lines": b"\r\n\r\n",
    "a bad chunk behind a refusal": b"POST /a HTTP/1.1\r\n" + HERE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a bad chunk": b"POST /public/x HTTP/1.1\r\n" + HERE + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a head": b"GET / HTTP/1.1\r\nHost: hr",
    "a lone LF": b"GET / HTTP/1.1\nHost: hr.example.com\n\n",
}


@pytest.mark.parametrize("name", SENT)
async def test_t24_what_a_client_sends_is_no_error_of_ours(name: str) -> None:
    async with deployed(listen='head_timeout = "200ms"') as site:
        wire = await site.connect()
        await wire.say(SENT[name])
        await wire.rest()
        lines = site.lines
        assert [line["event"] for line in lines if line["event"] not in ("request",)] == []
        assert all(line.get("level") not in ("error", "critical") for line in lines) and len(lines) <= 1


async def test_t24_an_app_that_switches_behind_head_is_a_bad_gateway_and_no_bug() -> None:
    async def script(visit: Visit) -> None:
        await visit.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")

    async with deployed() as site:
        site.behind.script = script
        answer = await site.raw(b"HEAD /public/x HTTP/1.1\r\n" + HERE + b"Connection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert [line["event"] for line in site.lines if line["event"] == "request_failed"] == []
