"""Z4: the log (warning or error) says which of many causes it was, with the address and the error's name. So does `check --online`."""

import asyncio
import io
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gateway.commands.online import ask_apps, ask_org
from gateway.compose import Gateway
from gateway.config import read
from gateway.observe import Log, Repeats
from tests.harness.app import Visit
from tests.harness.certificates import certificate
from tests.harness.configuration import SEALED, SMALLEST, invoked
from tests.harness.ports import free_port
from tests.harness.site import Site, deployed

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything and says nothing."""
    await reader.read()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


async def closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.close()


async def talks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"SSH-2.0-OpenSSH\r\n")


async def alerts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As a Java server with TLS answers plain http: a fatal alert, unexpected_message."""
    await reader.read(1)
    writer.write(b"\x15\x03\x03\x00\x02\x02\x0a")
    writer.close()


async def plain_400(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As nginx answers plain http on its https port."""
    await reader.read(1)
    body = b"The plain HTTP request was sent to HTTPS port"
    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    writer.close()


@asynccontextmanager
async def serving(serve: Serve, folder: Path | None = None) -> AsyncIterator[int]:
    """A server on a free port, with TLS where there is a folder for its certificate; its port."""
    context = None
    if folder is not None:
        certificate(folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    writers: list[asyncio.StreamWriter] = []

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with suppress(OSError, EOFError):
            await serve(reader, writer)

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


PUBLIC = 'access = "anyone"\nallow_public_root = true\nconnect_timeout = "500ms"\nfirst_byte_timeout = "500ms"\n'


def configured(upstream: str, more: str = "") -> str:
    return SMALLEST.replace("http://127.0.0.1:3000", upstream) + PUBLIC + more


CAUSES: list[tuple[str, Serve | None, str, str, bool, str]] = [
    # name, server, scheme, host, with TLS, detail
    ("refused", None, "http", "127.0.0.1", False, "ECONNREFUSED"),
    ("dns", None, "http", "no-such-host.invalid", False, "no such name"),
    ("timed_out", silent, "http", "127.0.0.1", False, "first_byte"),
    ("reset", resets, "http", "127.0.0.1", False, "ECONNRESET"),
    ("closed", closes, "http", "127.0.0.1", False, "no answer"),
    ("nonsense", babbles, "http", "127.0.0.1", False, "status_line"),
    ("unknown_ca", talks, "https", "localhost", True, "X509_V_ERR 18"),
    ("tls_to_plain", babbles, "https", "127.0.0.1", False, ""),
    ("plain_to_tls", alerts, "http", "127.0.0.1", False, "TLS alert"),
    ("closed", talks, "http", "127.0.0.1", True, "no answer"),  # as a server with TLS that says nothing does
]


@pytest.mark.parametrize(
    ("cause", "serve", "scheme", "host", "is_tls", "detail"),
    CAUSES,
    ids=[f"{row[0]} {number}" for number, row in enumerate(CAUSES)],
)
async def test_z4_the_log_and_the_check_say_which_it_was(
    cause: str, serve: Serve | None, scheme: str, host: str, is_tls: bool, detail: str, tmp_path: Path
) -> None:
    async with serving(serve or silent, tmp_path if is_tls else None) as open_port:
        port = free_port() if serve is None else open_port
        address = f"{scheme}://{host}:{port}"
        line = await failed_with(configured(address))
        assert (line["level"], line["app"], line["address"], line["cause"]) == ("warning", "hr", address, cause), line
        assert detail in str(line.get("detail", "")), line
        (problem,) = await ask_apps(read("gateway.toml", configured(address), SEALED))
        assert problem.startswith(f"gateway.toml:8: app[0].upstream: {address}: ")
        assert detail in problem


async def failed_with(text: str) -> dict[str, object]:
    """The one line of the log about an app that a request asked for in vain."""
    written = io.StringIO()
    public, admin = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    gateway = Gateway(read("gateway.toml", text, SEALED), Log("info", stream=written), public=public, admin=admin)
    await gateway.start()
    try:
        for _ in range(3):
            assert await asked(gateway.public_port) in (502, 504)
    finally:
        await gateway.aclose()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    (found,) = [line for line in lines if line["event"] == "upstream_failed"]
    assert dict(found) == found
    return dict(found)


async def asked(port: int) -> int:
    """The status of a request for the app."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: hr.example.com\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return int(answer.split(b" ")[1])


async def test_z4_an_address_of_the_gateway_s_own_is_a_loop_and_ends_at_the_first_turn() -> None:
    written = io.StringIO()
    public, admin = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    text = configured(f"http://localhost:{public.getsockname()[1]}")
    gateway = Gateway(read("gateway.toml", text, SEALED), Log("info", stream=written), public=public, admin=admin)
    await gateway.start()
    try:
        assert await asked(gateway.public_port) == 502
    finally:
        await gateway.aclose()
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["cause"] for line in lines if line["event"] == "upstream_failed"] == ["self_loop"]
    assert sum(line["event"] == "request" for line in lines) == 1


async def test_z4_a_server_that_says_in_words_that_it_wants_tls() -> None:
    async with serving(plain_400) as port:
        (problem,) = await ask_apps(read("gateway.toml", configured(f"http://127.0.0.1:{port}"), SEALED))
    assert "speaks TLS, and is called by http" in problem


async def test_z4_an_app_that_answers_is_no_problem_and_a_bad_health_is() -> None:
    async with serving(talks) as port:
        address = f"http://127.0.0.1:{port}"
        assert await ask_apps(read("gateway.toml", configured(address), SEALED)) == ()

    async def sick(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")

    async with serving(sick) as port:
        text = configured(f"http://127.0.0.1:{port}", 'health_path = "/up"\n')
        (problem,) = await ask_apps(read("gateway.toml", text, SEALED))
    assert "answers /up with status 503" in problem


async def test_z4_check_online_says_why_the_org_does_not_answer(tmp_path: Path) -> None:
    port = free_port()
    text = SMALLEST.replace("https://example.okta.com", f"http://127.0.0.1:{port}")
    (problem,) = await ask_org(read("gateway.toml", text, SEALED))
    assert "okta.org: asked" in problem and "Nothing listens at this address." in problem and "(ECONNREFUSED)" in problem
    (tmp_path / "gateway.toml").write_text(text.replace(":3000", f":{free_port()}"))
    code, _, error = await invoked("check", "--online", "--config", tmp_path / "gateway.toml")
    assert code == 1
    assert [line.partition(": ")[2].partition(":")[0] for line in error.splitlines()] == ["okta.org", "app[0].upstream"]


async def test_z4_a_silent_okta_is_an_error_with_its_cause() -> None:
    async with deployed() as site:
        cookies = [await site.signed_in() for _ in range(4)]
        await site.running.aclose()
        site.times.passed = 60.0
        for cookie in (*cookies, *cookies):
            await site.ask("/x", cookie)
        failed = [line for line in site.lines if line["event"] == "okta_failed"]
        assert {(line["level"], line["cause"], line["detail"]) for line in failed} == {("error", "refused", "ECONNREFUSED")}
        assert len(failed) == 1
        assert [line["level"] for line in site.lines if line["event"] == "okta_circuit_open"] == ["error"]


async def test_z4_a_dead_app_does_not_flood_the_log() -> None:
    async with deployed() as site:
        site.behind.script = hangs_up
        lines = await many(site)
        assert len(lines) == 1


async def hangs_up(visit: Visit) -> None:
    visit.writer.close()


async def many(site: Site) -> list[dict[str, object]]:
    """The lines about an app that hangs up a hundred times."""
    for _ in range(100):
        await site.ask("/public/x")
    return [line for line in site.lines if line["event"] == "upstream_failed"]


def test_z4_what_comes_again_is_counted_and_told_a_minute_later() -> None:
    told: list[tuple[str, object]] = []
    due: list[Callable[[], None]] = []

    def later(seconds: float, call: Callable[[], None]) -> object:
        due.append(call)
        return call

    repeats = Repeats(lambda event, figures: told.append((event, figures.get("count"))), later)
    for _ in range(1000):
        repeats.tell("upstream_failed", {"app": "hr", "cause": "refused"})
    repeats.tell("upstream_failed", {"app": "hr", "cause": "reset"})
    assert told == [("upstream_failed", None)] * 2
    due.pop(0)()
    assert told[2:] == [("upstream_failed", 999)]
    due.pop(0)()  # the other one came once: nothing to add
    due.pop(0)()  # a quiet minute: the next is new again
    assert len(told) == 3 and not due
    repeats.tell("upstream_failed", {"app": "hr", "cause": "refused"})
    assert told[3:] == [("upstream_failed", None)]


def test_z4_who_makes_up_causes_takes_no_memory() -> None:
    told: list[str] = []
    repeats = Repeats(lambda event, figures: told.append(event), lambda seconds, call: True)
    for number in range(10_000):
        repeats.tell("upstream_failed", {"detail": number})
    assert len(told) == 256
