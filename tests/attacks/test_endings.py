"""Group D, endings and reports: a process that stops, the log at its most verbose level, health, a wrong configuration."""

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest

from gateway.edge.frames import close_frame
from tests.attacks.streams import EVENT, app, opened
from tests.harness.app import Visit
from tests.harness.configuration import SEAL_KEY, SEALED, SMALLEST, invoked, problems
from tests.harness.site import CONFIGURATION, FETCH, NAVIGATE, Site, deployed
from tests.harness.websocket import MASK, frame
from tests.harness.wire import PATIENCE

HERE = b"Host: hr.example.com\r\n" + FETCH


async def _uploading(visit: Visit) -> None:
    if not visit.line.startswith(b"POST "):
        return await app(visit)
    body = await visit.body()
    await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


async def test_d8_it_is_unready_first_lets_uploads_end_tells_sockets_and_is_gone_in_time(site: Site) -> None:
    cookie, site.behind.script = await site.signed_in(), _uploading
    socket, events, upload = await opened(site, cookie), await site.connect(), await site.connect()
    await events.say(b"GET /events HTTP/1.1\r\n" + HERE + cookie + b"\r\n")
    await events.until(EVENT % 1)
    site.behind.arrived.clear()
    await upload.say(b"POST /up HTTP/1.1\r\n" + HERE + cookie + b"Transfer-Encoding: chunked\r\n\r\n3\r\n123\r\n")
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession(f"http://127.0.0.1:{site.gateway.admin_port}") as admin:
        await site.behind.arrived.wait()
        port = site.gateway.public_port
        stopping = asyncio.create_task(site.gateway.aclose())
        assert await socket.rest() == close_frame(1001)
        assert (await admin.get("/readyz")).status == 503 and (await admin.get("/healthz")).status == 200
        with pytest.raises(ConnectionRefusedError):
            await site.connect(port)
        await upload.say(b"3\r\n456\r\n0\r\n\r\n")
        answer = await upload.rest()
        assert answer.endswith(b"3\r\n123\r\n3\r\n456\r\n0\r\n\r\n") and b"\r\nConnection: close\r\n" in answer
        assert not stopping.done()
        with pytest.raises(ConnectionResetError):
            await events.rest()  # it would never have ended
        await stopping  # drain is a second here; its default is longer than the patience of this test
    ended = {(line["method"], line["status"], line.get("reason", "")) for line in site.lines if line["event"] == "request"}
    assert ended >= {("GET", 101, "going_away"), ("POST", 200, ""), ("GET", 200, "stopping")}


SECRET = b"s3cret"
PARTS = {
    "target": b"GET /s3cret?sessionToken=s3cret HTTP/1.1\r\n" + HERE,
    "fields": b"GET /x HTTP/1.1\r\n" + HERE + b"Cookie: a=s3cret; sid=s3cret\r\nAuthorization: Bearer s3cret\r\nX-Any: s3cret\r\n",
    "body": b"POST /public/x HTTP/1.1\r\n" + HERE + b"Content-Length: 6\r\n",
}
APPS = {
    "hangs up": b"",
    "nonsense": b"s3cret\r\n\r\n",
    "a bad field": b"HTTP/1.1 200 OK\r\nX: s3cret\x01\r\n\r\n",
    "breaks off": b"HTTP/1.1 200 s3cret\r\nX: s3cret\r\nContent-Length: 99\r\n\r\ns3cret",
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ns3cret\r\n",
    "answers": b"HTTP/1.1 200 OK\r\nSet-Cookie: a=s3cret\r\nLocation: /s3cret\r\nContent-Length: 6\r\n\r\ns3cret",
    "a bad status": b"HTTP/1.1 999999 s3cret\r\n\r\n",
}
NO_REQUESTS = [
    b"GET /s3cret HTTP/1.1\r\nHost : hr.example.com\r\n\r\n",
    b"s3cret s3cret s3cret\r\n\r\n",
    b"GET /s3cret HTTP/1.1\r\nHost: s3cret@hr.example.com\r\n\r\n",
    b"POST /public/s3cret HTTP/1.1\r\n" + HERE + b"Transfer-Encoding: chunked\r\n\r\ns3cret\r\n",
    b"POST /public/s3cret HTTP/1.1\r\n"
    + HERE
    + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: s3cret\r\nCookie: s3cret\r\n\r\n",
    b"GET /" + SECRET * 20_000 + b" HTTP/1.1\r\nHost: hr.example.com\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: hr.example.com\r\nCookie: " + SECRET * 30_000 + b"\r\n\r\n",
]


async def test_d10_nothing_of_a_request_or_an_answer_is_in_the_log_whatever_fails(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    cookie = await site.signed_in()
    value = cookie.partition(b"=")[2].strip()
    with caplog.at_level(logging.DEBUG):
        for answer in APPS.values():

            async def script(visit: Visit, answer: bytes = answer) -> None:
                await visit.body()
                await visit.say(answer)
                raise ConnectionError

            site.behind.script = script
            for part in PARTS.values():
                for pass_line in (cookie, b""):
                    await _sent(site, part + pass_line + b"Connection: close\r\n\r\n" + (SECRET if part.startswith(b"POST") else b""))
        for sent in NO_REQUESTS:
            await _sent(site, sent)
        site.behind.script = app
        wire = await opened(site, cookie)
        await wire.say(frame(SECRET, 1, mask=MASK) + b"\xff" + SECRET)
        await wire.exactly(2 + len(SECRET))
        await wire.close()
    async with asyncio.timeout(PATIENCE):
        while len(site.lines) < len(APPS) * 6 + len(NO_REQUESTS):  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0)
    assert "s3cret" not in site.written.getvalue() and value.decode() not in site.written.getvalue()
    assert not [record for record in caplog.records if "s3cret" in record.getMessage() or value.decode() in record.getMessage()]


async def _sent(site: Site, sent: bytes) -> None:
    try:
        await site.raw(sent)
    except ConnectionError:
        return


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_d12_health_is_told_on_the_admin_address_alone(site: Site, path: str) -> None:
    for origin in ("https://hr.example.com", "https://login.example.com", f"http://127.0.0.1:{site.gateway.public_port}"):
        for fields in (FETCH, NAVIGATE, b"User-Agent: kube-probe/1.36\r\n"):
            reply = await site.ask(path, fields, origin=origin)
            assert reply.status != 200 or origin.startswith("https://login.")  # that one forwards to the org, which has pages of its own
            assert b"session_gateway_" not in reply.body and b'"ready"' not in reply.body and b'"alive"' not in reply.body


async def test_d12_a_storm_of_probes_asks_nobody_anything(site: Site) -> None:
    asked = len(site.org.journal.rows)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{site.gateway.admin_port}") as admin:
        for path in ("/healthz", "/readyz", "/metrics"):
            answers = await asyncio.gather(*(admin.get(path) for _ in range(100)))
            assert {answer.status for answer in answers} == {200}
    assert len(site.org.journal.rows) == asked and site.behind.visits == []


async def test_d12_readiness_does_not_hang_on_okta() -> None:
    nobody = CONFIGURATION.replace('org = "{org}"', 'org = "http://127.0.0.1:1"')
    async with deployed(configuration=nobody) as site, aiohttp.ClientSession() as admin:
        assert (await admin.get(f"http://127.0.0.1:{site.gateway.admin_port}/readyz")).status == 200


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ("[listen]\naddres = '127.0.0.1:1'\n", "gateway.toml:10: listen.addres: "),
        ("[listen]\ndrain = '1s'\ndrain = '2s'\n", "gateway.toml:11"),
        ("[listen]\ndrain = '20seconds'\n", "gateway.toml:10: listen.drain: "),
        ("[listen]\ndrain = '-1s'\n", "gateway.toml:10: listen.drain: "),
        ("[nothing]\n", "gateway.toml:9: nothing: "),
    ],
)
async def test_d13_a_wrong_key_is_named_with_its_line_and_nothing_starts(wrong: str, place: str, tmp_path: Path) -> None:
    (problem,) = problems(SMALLEST + wrong)
    assert problem.startswith(place)
    file = tmp_path / "gateway.toml"
    file.write_text(SMALLEST + wrong)
    for command in ("check", "run"):
        code, _, err = await invoked(command, "--config", file)
        assert code == 1 and place in err.replace(f"{tmp_path}/", "")


async def test_d13_a_key_from_two_places_is_refused_and_not_shown(tmp_path: Path) -> None:
    file, keys = tmp_path / "gateway.toml", tmp_path / "keys"
    keys.write_text(SEAL_KEY)
    file.write_text(SMALLEST + f'[seal]\nkeys_file = "{keys}"\n')
    code, out, err = await invoked("check", "--config", file, environ=SEALED)
    assert code == 1 and "seal" in err and SEAL_KEY not in out + err
