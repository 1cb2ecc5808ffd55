"""Row W6, requests: plain http is redirected to https, on an address of its own and on the TLS port, and only for configured hosts."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.compose import Gateway
from tests.harness.certificates import certificate
from tests.harness.configuration import SMALLEST, problems
from tests.harness.replies import RawReply
from tests.harness.site import CONFIGURATION, Site, deployed

NAMED = CONFIGURATION.replace(
    '[[app]]\nname = "local"\nurl = "http://local.localhost:8080"', '[[app]]\nname = "local"\nurl = "https://l.example.com"'
)


@asynccontextmanager
async def secured(folder: Path) -> AsyncIterator[Site]:
    certificate(folder)
    keys = f'tls_certificate = "{folder}/tls.crt"\ntls_key = "{folder}/tls.key"\nredirect_address = "127.0.0.1:0"\nhead_timeout = "1s"'
    async with deployed(configuration=NAMED, listen=keys) as site:
        yield site


def asked(host: str = "hr.example.com", method: str = "GET", target: str = "/a?b=%2F", more: str = "") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nCookie: __Host-gateway=x\r\n{more}\r\n".encode()


def ports(site: Site) -> dict[str, int]:
    assert isinstance(site.gateway, Gateway)
    return {"redirect_address": site.gateway.redirect_port, "tls_port": site.gateway.public_port}


@pytest.mark.parametrize("place", ["redirect_address", "tls_port"])
async def test_w6_plain_http_is_led_to_https(tmp_path: Path, place: str) -> None:
    async with secured(tmp_path) as site:
        port = ports(site)[place]
        reply = RawReply.of(await site.raw(asked(), port))
        assert (reply.status, reply.location, reply.body) == (301, "https://hr.example.com/a?b=%2F", b"")
        assert RawReply.of(await site.raw(asked(f"hr.example.com:{port}"), port)).location == "https://hr.example.com/a?b=%2F"
        assert RawReply.of(await site.raw(asked("login.example.com"), port)).location == "https://login.example.com/a?b=%2F"
        assert RawReply.of(await site.raw(asked(target="//evil.example/x"), port)).location == "https://hr.example.com//evil.example/x"
        posted = RawReply.of(await site.raw(asked(method="POST", more="Content-Length: 3\r\n") + b"a=b", port))
        assert (posted.status, posted.location) == (308, "https://hr.example.com/a?b=%2F")
        assert site.behind.visits == [] and reply.values("Set-Cookie") == []


@pytest.mark.parametrize("place", ["redirect_address", "tls_port"])
@pytest.mark.parametrize("host", ["evil.example", "hr.example.com.evil.example", "127.0.0.1"])
async def test_w6_never_to_a_host_that_a_stranger_chose(tmp_path: Path, place: str, host: str) -> None:
    async with secured(tmp_path) as site:
        reply = RawReply.of(await site.raw(asked(host), ports(site)[place]))
        assert (reply.status, reply.location) == (421, "")
        assert (
            RawReply.of(await site.raw(b"GET http://evil.example/ HTTP/1.1\r\nHost: hr.example.com\r\n\r\n", ports(site)[place])).status
            == 400
        )


@pytest.mark.parametrize("cut", [1, 3, 20])
async def test_w6_tls_is_what_it_was(tmp_path: Path, cut: int) -> None:
    async with secured(tmp_path) as site:
        context = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
        context.check_hostname = False
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="hr.example.com")
        wire = await site.connect()
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        hello = outgoing.read()
        await wire.say(hello[:cut])
        for _ in range(5):
            await asyncio.sleep(0)
        await wire.say(hello[cut:])
        while True:
            incoming.write(await wire.reader.read(65536))
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if sent := outgoing.read():
                    await wire.say(sent)
        tls.write(b"GET /public/x HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n")
        await wire.say(outgoing.read())
        answer = b""
        while b"\r\n\r\n" not in answer:
            received = await wire.reader.read(65536)
            assert received
            incoming.write(received)
            try:
                answer += tls.read(65536)
            except ssl.SSLWantReadError:
                continue
        assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_w6_who_says_nothing_on_the_tls_port_is_cut_off_in_time(tmp_path: Path) -> None:
    async with secured(tmp_path) as site:
        wire = await site.connect()
        async with asyncio.timeout(5):
            assert await wire.reader.read() == b""


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ('[listen]\naddress = "127.0.0.1:8080"\nredirect_address = "127.0.0.1:8080"\n', "is listened at for something else already"),
        ('[listen]\nredirect_address = "80"\n', "is nothing to listen at"),
    ],
)
def test_w6_an_address_that_cannot_be(keys: str, sentence: str) -> None:
    (found,) = problems(keys + SMALLEST)
    assert "listen.redirect_address" in found and sentence in found
