"""The public listener with TLS: whoever hurries or dawdles is served or let go, and a new certificate needs no restart."""

import asyncio
import shutil
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from cryptography import x509

from gateway.compose.tls import Certificates
from gateway.config.certificates import Pair
from gateway.edge.server import MOST_TURNED_AWAY
from tests.doors.listening import RunningListener, listener
from tests.harness.certificates import certificate

ASK = b"GET / HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n"


def _client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@asynccontextmanager
async def secured(
    folder: Path, head_seconds: float = 60.0, most: int = 1000
) -> AsyncIterator[tuple[RunningListener, Certificates, list[str]]]:
    """A listener with a certificate in this folder; what it told about certificates."""
    certificate(folder)
    told: list[str] = []
    pair = Certificates(Pair(folder / "tls.crt", folder / "tls.key"), lambda event, figures: told.append(event))
    async with listener(head_seconds=head_seconds, connections=most, certificates=pair) as place:
        yield place, pair, told
    await until(lambda: place.server.present == 0)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0)


@contextmanager
def hello(context: ssl.SSLContext) -> Iterator[tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]]:
    """A client in memory: its TLS, what it has received, what it wants to send."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    yield context.wrap_bio(received, sent, server_hostname="hr.example.com"), received, sent


async def ask(place: RunningListener, piece: int = 1 << 20) -> tuple[bytes, bytes]:
    """One request, the bytes of its TLS sent by so many at a time from the very first moment; the answer, and the certificate shown."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    with hello(_client()) as (tls, received, sent):
        is_shaken, answer = False, b""
        async with asyncio.timeout(10):
            while True:
                try:
                    if not is_shaken:
                        tls.do_handshake()
                        is_shaken = True
                        tls.write(ASK)
                    while part := tls.read(65536):
                        answer += part
                    break
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLZeroReturnError:
                    break
                out = sent.read()
                for begin in range(0, len(out), piece):
                    writer.write(out[begin : begin + piece])
                    await writer.drain()
                    await asyncio.sleep(0)
                incoming = await reader.read(65536)
                if not incoming:
                    break
                received.write(incoming)
        writer.close()
        return answer, tls.getpeercert(binary_form=True) or b""


async def test_everybody_who_comes_at_once_is_answered(tmp_path: Path) -> None:
    async with secured(tmp_path) as (place, _, _told):
        for answer, _ in await asyncio.gather(*(ask(place) for _ in range(60))):
            assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"hr.example.com:443 True")
        assert place.server.failed_handshakes.total() == 0


@pytest.mark.parametrize("piece", [1, 7, 100, 300, 516])
async def test_a_hello_in_pieces_is_one_hello(tmp_path: Path, piece: int) -> None:
    async with secured(tmp_path) as (place, _, _told):
        assert (await ask(place, piece))[0].startswith(b"HTTP/1.1 200 OK")


async def test_a_request_in_the_packet_of_the_last_word_of_the_handshake_is_answered(tmp_path: Path) -> None:
    async with secured(tmp_path) as (place, _, _told):  # TLS 1.3: the client's Finished and its first request travel together
        for _ in range(20):
            assert (await ask(place))[0].startswith(b"HTTP/1.1 200 OK")


async def test_http_on_the_tls_port_is_counted_and_ended(tmp_path: Path) -> None:
    async with secured(tmp_path) as (place, _, _told):
        assert not (await place.raw(ASK)).startswith(b"HTTP/1.1 200")
        assert dict(place.server.failed_handshakes) == {"http": 1}


async def test_who_says_nothing_is_counted_as_present_and_let_go_in_time(tmp_path: Path) -> None:
    async with secured(tmp_path, head_seconds=0.2) as (place, _, _told):
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
        await until(lambda: place.server.present == 1)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        await until(lambda: (place.server.failed_handshakes.total(), place.server.present) == (1, 0))


async def test_who_leaves_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    async with secured(tmp_path) as (place, _, _told):
        with hello(_client()) as (tls, _received, sent):
            with pytest.raises(ssl.SSLWantReadError):
                tls.do_handshake()
            first = sent.read()
        for cut in range(0, len(first), 40):
            _, writer = await asyncio.open_connection("127.0.0.1", place.port)
            writer.write(first[:cut])
            writer.close()
            await writer.wait_closed()
        await until(lambda: place.server.present == 0)
        assert (await ask(place))[0].startswith(b"HTTP/1.1 200 OK")


async def test_handshakes_that_never_end_take_no_place_among_the_answers_to_refused_clients(tmp_path: Path) -> None:
    async with secured(tmp_path, most=1) as (place, _, _told):
        held = await asyncio.open_connection("127.0.0.1", place.port, ssl=_client())
        for _ in range(MOST_TURNED_AWAY + 1):
            place.server.guest()  # as each accepted connection gets it, before its handshake
        assert (await ask(place))[0].startswith(b"HTTP/1.1 503 ")
        held[1].close()


async def test_a_new_pair_is_served_without_a_restart_and_a_bad_one_is_not(tmp_path: Path) -> None:
    async with secured(tmp_path) as (place, pair, told):
        _, first = await ask(place)
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        certificate(fresh)
        shutil.copy(fresh / "tls.crt", tmp_path / "tls.crt")
        assert not pair.reload()  # the key is still the old one
        assert (await ask(place))[1] == first
        shutil.copy(fresh / "tls.key", tmp_path / "tls.key")
        pair.look()
        _, second = await ask(place)
        assert second != first
        assert x509.load_der_x509_certificate(second) == x509.load_pem_x509_certificate((fresh / "tls.crt").read_bytes())
        assert told == ["certificate_refused", "certificate_loaded"]
