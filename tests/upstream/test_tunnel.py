"""How a WebSocket ends that ends from our side: who is told what, and that nobody can keep it open."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.edge.frames import close_frame
from tests.harness.app import Behind, Visit
from tests.harness.server import client_server
from tests.harness.websocket import MASK, SHAKE, echo, frame, open_up, opened
from tests.harness.wire import Wire
from tests.upstream.proxy import ProxyServer


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context for hr.example.com, and that of a client who trusts nobody else."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "hr.example.com")])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("hr.example.com")]), critical=False)
    kind = serialization.PrivateFormat.PKCS8
    text = key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
    (tmp_path / "pair.pem").write_bytes(text + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "pair.pem")
    return server, ssl.create_default_context(cafile=tmp_path / "pair.pem")


def masked_close(code: int) -> bytes:
    return close_frame(code, lambda count: MASK[:count])


async def through(wire: Wire) -> None:
    """One message there and back."""
    sent = frame(b"1", 1, mask=MASK)
    await wire.say(sent)
    assert await wire.exactly(len(sent)) == sent


async def test_going_away_is_said_to_every_client_and_every_server(front: ProxyServer, behind: Behind) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        await open_up(visit)
        got.append(await visit.reader.read())
        raise ConnectionError

    behind.script = script
    wires = [(await opened(front))[0] for _ in range(2)]
    assert front.live.go_away() == 2
    for wire in wires:
        assert await wire.rest() == close_frame(1001)
    async with asyncio.timeout(5):
        while behind.open:
            behind.gone.clear()
            await behind.gone.wait()
    assert [text[:2] for text in got] == [b"\x88\x82"] * 2  # masked, as a client's
    assert [bytes(a ^ b for a, b in zip(text[2:4], text[6:], strict=True)) for text in got] == [b"\x03\xe9"] * 2


async def test_who_shakes_hands_while_everybody_leaves_is_let_in_and_told(front: ProxyServer, behind: Behind) -> None:
    shaking, go = asyncio.Event(), asyncio.Event()

    async def hesitating(visit: Visit) -> None:
        shaking.set()
        await go.wait()
        await echo(visit)
        raise ConnectionError

    behind.script = hesitating
    wire = await front.connect()
    await wire.say(SHAKE + b"\r\n")
    await shaking.wait()
    assert front.live.go_away() == 1
    go.set()
    assert (await wire.head()).startswith(b"HTTP/1.1 101 ")
    assert await wire.rest() == close_frame(1001)


async def test_the_answer_to_our_close_is_heard_and_no_more_of_the_message_before_it_reaches_the_server(
    front: ProxyServer, behind: Behind
) -> None:
    got: list[bytes] = []

    async def script(visit: Visit) -> None:
        await open_up(visit)
        await visit.say(await visit.reader.readexactly(7))
        got.append(await visit.reader.read())
        raise ConnectionError

    behind.script = script
    wire, _ = await opened(front)
    await through(wire)
    front.live.go_away()
    assert await wire.exactly(4) == close_frame(1001)
    await wire.say(frame(b"too late", 1, mask=MASK) + masked_close(1001))
    async with asyncio.timeout(5):
        await front.responses.get()  # at once, not after the time that a silent client has
        await behind.gone.wait()
    assert b"too late" not in got[0]


async def test_within_a_frame_of_the_server_no_close_can_be_put(front: ProxyServer, behind: Behind) -> None:
    half = frame(b"half of it", 1)[:-3]

    async def script(visit: Visit) -> None:
        await open_up(visit)
        await visit.say(half)
        await visit.reader.read()
        raise ConnectionError

    behind.script = script
    wire, _ = await opened(front)
    assert await wire.exactly(len(half)) == half
    front.live.go_away()
    assert await wire.rest() == b""


async def test_a_client_that_takes_nothing_is_cut_all_the_same(front: ProxyServer, behind: Behind) -> None:
    full = asyncio.Event()

    async def script(visit: Visit) -> None:
        await open_up(visit)
        while not full.is_set():
            try:
                async with asyncio.timeout(0.3):
                    await visit.say(frame(b"x" * 60000, 2))
            except TimeoutError:
                full.set()
        await visit.reader.read()
        raise ConnectionError

    behind.script = script
    await opened(front)
    await full.wait()
    front.live.go_away()
    async with asyncio.timeout(5):
        await front.responses.get()
        await behind.gone.wait()


async def test_a_server_that_takes_nothing_is_cut_all_the_same(front: ProxyServer, behind: Behind) -> None:
    hear = asyncio.Event()

    async def script(visit: Visit) -> None:
        await open_up(visit)
        await hear.wait()
        raise ConnectionError

    behind.script = script
    wire, _ = await opened(front)
    with pytest.raises(TimeoutError):
        while True:
            async with asyncio.timeout(0.3):
                await wire.say(frame(b"x" * 60000, 2, mask=MASK))
    front.live.go_away()
    async with asyncio.timeout(5):
        await front.responses.get()
    assert len(front.source) == 0
    hear.set()


async def test_a_client_that_just_leaves_was_answered_and_the_app_hears_of_it(front: ProxyServer, behind: Behind) -> None:
    behind.script = echo
    wire, _ = await opened(front)
    await through(wire)
    await wire.close()
    async with asyncio.timeout(5):
        assert (await front.responses.get()).status == 101  # an ordinary end, no broken request
        await behind.gone.wait()


async def test_over_tls_nothing_is_lost_either_and_the_end_is_said(
    front: ProxyServer, behind: Behind, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    behind.script = echo
    server = client_server(front.handle)
    listening = await asyncio.get_running_loop().create_server(server.guest, "127.0.0.1", 0, ssl=tls[0])
    port = listening.sockets[0].getsockname()[1]
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port, ssl=tls[1], server_hostname="hr.example.com"))
    front.wires.append(wire)
    sent = frame(b"x" * 300_000, 2, mask=MASK)
    await wire.say(SHAKE + b"\r\n" + sent[:1000])
    await wire.head()
    await wire.say(sent[1000:])
    assert await wire.exactly(len(sent)) == sent
    front.live.go_away()
    assert await wire.exactly(4) == close_frame(1001)
    await wire.say(masked_close(1001))
    assert await wire.rest() == b""
    listening.close()
    await server.shutdown(1.0)


async def test_an_open_websocket_is_one_task_less_than_a_pair_and_leaves_none(front: ProxyServer, behind: Behind) -> None:
    behind.script = echo
    first, _ = await opened(front)
    await through(first)
    before = len(asyncio.all_tasks())
    second, _ = await opened(front)
    await through(second)
    # one for the request, and the test server's own; none for a direction
    assert len(asyncio.all_tasks()) - before == 2
