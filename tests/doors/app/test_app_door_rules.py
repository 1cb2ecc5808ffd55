"""The app door: what the rules, the app and the browser's own page have to say about a request."""

import asyncio

import pytest

from gateway.dev.standin import Fault
from tests.harness.app import Visit
from tests.harness.app_gateway import FETCH, ME, NAVIGATION, AppGateway, answering, content
from tests.harness.browser import ALICE, BOB
from tests.harness.websocket import MASK, SHAKE, echo, frame


class TestRules:
    async def test_anyone_comes_as_nobody_and_okta_is_not_asked_h6(self, gateway: AppGateway) -> None:
        gateway.app.script = answering(b"Cache-Control: public\r\n")
        answer = await gateway.ask("/public/x", FETCH + b"Remote_User: admin\r\nRemote-User: admin\r\n" + gateway.cookie())
        assert b"\r\nCache-Control: public\r\n" in answer
        assert b"ser: " not in gateway.app.last.head.replace(b"User-Agent", b"")
        assert b"__Host-gateway" not in gateway.app.last.head
        assert gateway.asked_okta() == 0

    async def test_optional_is_told_who_comes_if_anybody(self, gateway: AppGateway) -> None:
        await gateway.ask("/maybe/x")
        assert gateway.app.last.value(b"remote-user") is None
        await gateway.ask("/maybe/x", FETCH + gateway.cookie())
        assert gateway.app.last.value(b"remote-user") == ALICE.encode()

    async def test_another_user_is_forbidden_in_words_or_json(self, gateway: AppGateway) -> None:
        cookie = gateway.cookie()
        page = await gateway.ask("/bob/x", NAVIGATION + cookie)
        assert page.startswith(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html")
        assert b"/.gateway/sign-out" in page
        script = await gateway.ask("/bob/x", FETCH + cookie)
        assert script.startswith(b"HTTP/1.1 403 Forbidden\r\n")
        assert content(script) == {"error": "forbidden", "reason": "user"}
        assert gateway.app.visits == []
        assert (await gateway.ask("/bob/x", FETCH + gateway.cookie(BOB))).startswith(b"HTTP/1.1 200")

    async def test_a_method_that_the_rule_does_not_name_falls_to_the_next_rule(self, gateway: AppGateway) -> None:
        for fields in (FETCH, NAVIGATION):
            answer = await gateway.ask("/read/x", fields + gateway.cookie(), "DELETE")
            assert answer.startswith(b"HTTP/1.1 403 Forbidden\r\n")
            assert gateway.notes[-1]["reason"] == "nobody"
        assert gateway.app.visits == []

    async def test_a_session_that_is_too_weak_is_told_so(self, gateway: AppGateway) -> None:
        cookie = gateway.cookie()
        assert content(await gateway.ask("/strong/x", FETCH + cookie)) == {"error": "step_up", "reason": "amr", "missing": ["mfa"]}
        assert (await gateway.ask("/strong/x", NAVIGATION + cookie)).startswith(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html")
        assert gateway.notes[-1]["verdict"] == "step_up"
        assert gateway.app.visits == []

    async def test_when_okta_does_not_say_nobody_is_signed_out_k7(self, gateway: AppGateway) -> None:
        cookie = gateway.cookie()
        gateway.org.faults.add(Fault(ME, "GET", 500, times=None))
        page = await gateway.ask("/", NAVIGATION + cookie)
        assert page.startswith(b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/html")
        script = await gateway.ask("/", FETCH + cookie)
        assert script.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        for answer in (page, script):
            assert b"\r\nRetry-After: 2\r\n" in answer
            assert b"Set-Cookie" not in answer
        gateway.org.faults.clear()
        assert (await gateway.ask("/", FETCH + cookie)).startswith(b"HTTP/1.1 200")

    @pytest.mark.parametrize("path", ["/public/../a", "/public/%2e%2e/a", "//a/public/x", "/a%00", "/public%5c..%5ca", "/%zz"])
    async def test_a_path_that_can_be_read_in_two_ways_is_refused(self, gateway: AppGateway, path: str) -> None:
        answer = await gateway.ask(path, FETCH + gateway.cookie())
        assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert gateway.app.visits == []
        assert gateway.notes[-1]["verdict"] == "refused"

    @pytest.mark.parametrize("path", ["/.gateway/", "/.gateway", "/%2egateway/x", "/.GateWay/x?y", "/.gateway;a/x", "/.gateway%2Fx"])
    async def test_own_paths_are_never_forwarded_in_any_spelling(self, gateway: AppGateway, path: str) -> None:
        await gateway.ask(path, FETCH + gateway.cookie())
        assert gateway.notes[-1]["route"].startswith("/.gateway")
        assert gateway.app.visits == []


class TestUpstream:
    @pytest.mark.parametrize(("asking", "kind"), [(NAVIGATION, b"text/html; charset=utf-8"), (FETCH, b"application/json")])
    async def test_an_app_that_hangs_up_is_a_502(self, gateway: AppGateway, asking: bytes, kind: bytes) -> None:
        async def script(visit: Visit) -> None:
            visit.writer.close()

        gateway.app.script = script
        answer = await gateway.ask("/", asking + gateway.cookie())
        assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: " + kind)
        assert gateway.notes[-1]["reason"] == "upstream_hung_up"

    async def test_an_app_that_is_silent_is_a_504_d5(self, gateway: AppGateway) -> None:
        async def script(visit: Visit) -> None:
            await visit.reader.read()

        gateway.app.script = script
        answer = await gateway.ask("/", FETCH + gateway.cookie())
        assert answer.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
        assert content(answer) == {"error": "upstream_down", "reason": "timed_out"}

    async def test_an_answer_that_broke_off_is_noted_s16(self, gateway: AppGateway) -> None:
        async def script(visit: Visit) -> None:
            await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            visit.writer.close()

        gateway.app.script = script
        with pytest.raises(ConnectionResetError):
            await gateway.ask("/", FETCH + gateway.cookie())
        assert gateway.notes[-1]["reason"] == "cut_short:hung_up"


class TestLiveConnections:
    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            (b"Origin: https://hr.example.com\r\n", b"101"),
            (b"Origin: https://chat.example.com\r\n", b"101"),
            (b"Origin: https://evil.example\r\n", b"403"),
            (b"Origin: https://hr.example.com.evil.example\r\n", b"403"),
            (b"Origin: http://hr.example.com\r\n", b"403"),
            (b"Origin: null\r\n", b"403"),
            (b"", b"403"),
            (b"Origin: https://hr.example.com\r\nOrigin: https://evil.example\r\n", b"403"),
        ],
    )
    async def test_a_page_of_another_origin_opens_no_websocket_u6(self, gateway: AppGateway, origin: bytes, status: bytes) -> None:
        gateway.app.script = echo
        wire = await gateway.connect()
        await wire.say(SHAKE.replace(b"Origin: https://hr.example.com\r\n", origin) + gateway.cookie() + b"\r\n")
        assert (await wire.head()).split(b" ")[1] == status
        assert len(gateway.app.visits) == (1 if status == b"101" else 0)

    async def test_a_client_without_cookies_may_open_one_where_anyone_may_come_u6(self, gateway: AppGateway) -> None:
        gateway.app.script = echo
        wire = await gateway.connect()
        await wire.say(SHAKE.replace(b"Origin: https://hr.example.com\r\n", b"").replace(b"/ws", b"/public/ws") + b"\r\n")
        assert (await wire.head()).startswith(b"HTTP/1.1 101 ")

    async def test_a_websocket_tells_the_app_who_comes_as_any_request_does_h8(self, gateway: AppGateway) -> None:
        gateway.app.script = echo
        wire = await gateway.connect()
        await wire.say(SHAKE + b"Remote_User: admin\r\nremote-user: admin\r\n" + gateway.cookie() + b"\r\n")
        await wire.head()
        assert [line for line in gateway.app.last.fields if b"ser: " in line] == [b"Remote-User: " + ALICE.encode()]
        assert b"__Host-gateway" not in gateway.app.last.head

    async def test_sockets_and_streams_of_a_session_can_be_cut_and_the_others_stay_u8(self, gateway: AppGateway) -> None:
        async def script(visit: Visit) -> None:
            if visit.value(b"upgrade") is not None:
                await echo(visit)
            else:
                await visit.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
                await visit.reader.read()

        gateway.app.script = script
        hers, _ = gateway.held(ALICE)
        socket, events, his = [await gateway.connect() for _ in range(3)]
        await socket.say(SHAKE + gateway.sealed(hers) + b"\r\n")
        await socket.head()
        await events.say(b"GET /events HTTP/1.1\r\nHost: hr.example.com\r\n" + gateway.sealed(hers) + b"\r\n")
        await events.until(b"data: 1\n\n")
        await his.say(SHAKE + gateway.cookie(BOB) + b"\r\n")
        await his.head()
        assert len(gateway.live) == 3
        assert gateway.live.close(gateway.sessions.fingerprints(hers.cookies)) == 2
        assert await socket.rest() == b"\x88\x02\x03\xf0"
        async with asyncio.timeout(5):
            with pytest.raises(ConnectionResetError):  # nobody takes what there was for the whole
                while chunk := await events.reader.read(1000):
                    assert chunk == b"\r\n"
        await socket.close()
        async with asyncio.timeout(5):
            while len(gateway.live) != 1:  # noqa: ASYNC110 - a registry tells nobody
                await asyncio.sleep(0)
        await his.say(frame(b"still", 1, mask=MASK))
        assert await his.exactly(11) == frame(b"still", 1, mask=MASK)
