"""The legacy application: it believes the front door, has a session of its own, and shows what it was told."""

import asyncio
import json
from hashlib import sha256

import pytest
from aiohttp import ClientSession, FormData, WSCloseCode, WSMsgType
from yarl import URL

from gateway.dev.demo import legacy_app, serve
from gateway.dev.demo.payroll import OwnSessions
from gateway.dev.demo.payroll_slips import is_month, money, month_name, slip
from tests.dev.demo.running import running, visitor

ALICE = {"Remote-User": "alice@example.com", "Remote-User-Id": "00u1alice"}
BOB = {"Remote-User": "bob@example.com", "Remote-User-Id": "00u2bob"}
DEADLINE_SECONDS = 10


async def _text(client: ClientSession, url: str, headers: dict[str, str]) -> str:
    async with client.get(URL(url, encoded=True), headers=headers) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_the_slip_is_of_the_user_that_the_front_door_names() -> None:
    async with running(legacy_app()) as origin, visitor() as client:
        page = await _text(client, f"{origin}/slips/2026-10?lines=all", ALICE)
    assert 'for <bdi id="who">alice@example.com</bdi>' in page
    assert "October 2026" in page
    assert f"{money(slip('alice@example.com', '2026-10').net)}</td></tr></tfoot>" in page
    assert "Pension" in page
    assert 'href="/.gateway/sign-out"' in page
    assert "Both are the same person." in page


async def test_the_front_page_shows_the_sums_alone() -> None:
    async with running(legacy_app(sign_out_path="/leave/now")) as origin, visitor() as client:
        page = await _text(client, f"{origin}/", ALICE)
    assert "Pension" not in page
    assert "/slips/2026-10?lines=all" in page
    assert 'href="/leave/now"' in page
    assert 'href="/leave/"' in page


async def test_without_a_name_there_is_no_slip() -> None:
    async with running(legacy_app()) as origin, visitor() as client:
        page = await _text(client, f"{origin}/", {})
    assert "Nobody was named" in page
    assert "Paid out" not in page


async def test_its_own_session_belongs_to_whoever_began_it_and_the_page_says_so() -> None:
    async with running(legacy_app()) as origin, visitor() as client:
        await _text(client, f"{origin}/", ALICE)
        told = json.loads(await _text(client, f"{origin}/api/me", BOB))
        page = await _text(client, f"{origin}/", BOB)
    assert (told["user"], told["user_id"], told["session_owner"], told["visits"]) == ("bob@example.com", "00u2bob", "alice@example.com", 2)
    assert "two different people" in page


async def test_an_unknown_session_cookie_begins_a_new_session() -> None:
    async with (
        running(legacy_app()) as origin,
        ClientSession() as client,
        client.get(f"{origin}/api/me", headers={**BOB, "Cookie": "JSESSIONID=NOBODYS"}) as answer,
    ):
        told, line = await answer.json(), answer.headers["Set-Cookie"]
    assert told["session_owner"] == "bob@example.com"
    assert "NOBODYS" not in line
    assert line.startswith("JSESSIONID=")
    assert "HttpOnly" in line
    assert "Domain" not in line


async def test_it_shows_every_field_in_order_and_of_cookies_only_the_names() -> None:
    sent = {**ALICE, "Cookie": "a=secret-one; b=secret=two", "Authorization": "Basic c2VjcmV0", "X-Odd_Name": "<b>odd</b>"}
    async with running(legacy_app()) as origin, ClientSession() as client:
        told = json.loads(await _text(client, f"{origin}/api/me?x=%7E", sent))
        page = await _text(client, f"{origin}/", sent)
    assert told["target"] == "/api/me?x=%7E"
    names = [name for name, _ in told["fields"]]
    assert [name for name in names if name in sent] == list(sent)
    assert ["Cookie", "a=…; b=…"] in told["fields"]
    assert ["Authorization", "Basic …"] in told["fields"]
    assert ["X-Odd_Name", "<b>odd</b>"] in told["fields"]
    assert "&lt;b&gt;odd&lt;/b&gt;" in page
    for text in (page, json.dumps(told)):
        assert "secret" not in text
        assert "c2VjcmV0" not in text


async def test_a_second_name_from_the_front_door_is_seen() -> None:
    async with (
        running(legacy_app()) as origin,
        ClientSession() as client,
        client.get(f"{origin}/api/me", headers=[("Remote-User", "alice"), ("Remote-User", "admin")]) as answer,
    ):
        assert (await answer.json())["user"] == "alice, admin"


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "1926-10", "x", "2026-10 ", "²026-10"])
async def test_what_is_not_a_month_has_no_slip(month: str) -> None:
    async with running(legacy_app()) as origin, ClientSession() as client, client.get(f"{origin}/slips/{month}", headers=ALICE) as answer:
        assert answer.status == 404


async def test_the_socket_ticks_and_echoes() -> None:
    async with (
        running(legacy_app(tick_seconds=60)) as origin,
        ClientSession() as client,
        asyncio.timeout(DEADLINE_SECONDS),
        client.ws_connect(f"{origin}/ws", headers=ALICE) as socket,
    ):
        first = await socket.receive_json()
        assert (first["tick"], first["user"]) == (1, "alice@example.com")
        await socket.send_str("hello")
        assert await socket.receive_json() == {"echo": "hello"}
        await socket.send_bytes(b"\x00\xff")
        assert await socket.receive_bytes() == b"\x00\xff"


async def test_events_come_one_after_the_other() -> None:
    async with (
        running(legacy_app(tick_seconds=0)) as origin,
        ClientSession() as client,
        asyncio.timeout(DEADLINE_SECONDS),
        client.get(f"{origin}/events", headers=ALICE) as answer,
    ):
        assert answer.content_type == "text/event-stream"
        lines = [(await answer.content.readline()).decode() for _ in range(6)]
    assert lines[0] == "id: 1\n"
    assert json.loads(lines[1].removeprefix("data: "))["user"] == "alice@example.com"
    assert lines[2:4] == ["\n", "id: 2\n"]


async def test_stopping_ends_sockets_and_streams() -> None:
    server = await serve(legacy_app(tick_seconds=60), "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.port}"
    async with (
        asyncio.timeout(DEADLINE_SECONDS),
        ClientSession() as client,
        client.ws_connect(f"{origin}/ws") as socket,
        client.get(f"{origin}/events") as events,
    ):
        await socket.receive_json()
        await events.content.readline()
        stopping = asyncio.create_task(server.aclose(), name="stopping")
        closed = await socket.receive()
        assert (closed.type, closed.data) == (WSMsgType.CLOSE, WSCloseCode.GOING_AWAY)
        await events.content.read()
        await stopping


@pytest.mark.parametrize("as_form", [True, False])
async def test_an_upload_is_measured(as_form: bool) -> None:
    body = bytes(range(256)) * 2000
    form = FormData()
    form.add_field("file", body, filename="slip.bin", content_type="application/octet-stream")
    async with (
        running(legacy_app()) as origin,
        ClientSession() as client,
        client.post(f"{origin}/upload", data=form if as_form else body, headers=ALICE) as answer,
    ):
        assert await answer.json() == {"size": len(body), "sha256": sha256(body).hexdigest(), "user": "alice@example.com"}


async def test_an_empty_form_is_refused() -> None:
    async with running(legacy_app()) as origin, ClientSession() as client:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        async with client.post(f"{origin}/upload", data=b"--x--\r\n", headers=headers) as answer:
            assert answer.status == 400


@pytest.mark.parametrize("name", ["payroll.css", "payroll.js", "payroll.svg"])
async def test_its_files_are_served_and_name_no_other_site(name: str) -> None:
    async with running(legacy_app()) as origin, ClientSession() as client:
        text = await _text(client, f"{origin}/{name}", {})
    assert "://" not in text.replace("http://www.w3.org/2000/svg", "")


def test_no_more_sessions_than_the_limit_are_remembered() -> None:
    sessions = OwnSessions(limit=2)
    first, _ = sessions.visit(None, "alice")
    for name in ("bob", "carol"):
        sessions.visit(None, name)
    assert len(sessions) == 2
    again, session = sessions.visit(first, "dora")
    assert (again != first, session.user, session.visits) == (True, "dora", 1)


def test_a_slip_adds_up_and_differs_by_person() -> None:
    alice, bob = slip("alice", "2026-10"), slip("bob", "2026-10")
    assert alice == slip("alice", "2026-10")
    assert alice.lines != bob.lines
    assert alice.net == sum(cents for _, cents in alice.lines) == alice.gross + alice.deducted
    assert alice.deducted < 0 < alice.net


def test_months_and_money_are_written_out() -> None:
    assert is_month("2026-10")
    assert month_name("2026-02") == "February 2026"
    assert [money(cents) for cents in (0, 5, -123456, 100000)] == ["0.00", "0.05", "−1,234.56", "1,000.00"]
