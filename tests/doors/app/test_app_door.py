"""The app door: who gets through, what the app sees of it, and what everybody else is told."""

from dataclasses import replace

import pytest

from gateway.policy.session.session import SessionCookie
from tests.harness.app_gateway import FETCH, NAVIGATION, AppGateway, answering, app_gateway, content
from tests.harness.browser import ALICE, BOB
from tests.harness.websocket import SHAKE

PICTURE = b"Accept: image/avif\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n"


class TestAdmitted:
    async def test_the_app_is_told_who_comes_once_and_by_us_h1_h2_h9(self, gateway: AppGateway) -> None:
        spoofed = b"Remote-User: admin\r\nremote_user: admin\r\nREMOTE-USER: root, admin\r\nRemote.User.Id: 1\r\nX-Gateway-Assertion: x\r\n"
        answer = await gateway.ask("/a?b", FETCH + spoofed + gateway.cookie())
        assert answer.endswith(b"hello")
        arrived = gateway.app.last
        names = [line.split(b":")[0].lower().replace(b"_", b"-").replace(b".", b"-") for line in arrived.fields]
        assert names.count(b"remote-user") == names.count(b"remote-user-id") == 1
        assert arrived.value(b"remote-user") == ALICE.encode()
        assert arrived.value(b"remote-user-id") == gateway.org.known_user(ALICE).id.encode()
        assert b"x-gateway-assertion" not in names
        assert gateway.notes[-1]["verdict"] == "admit"
        assert len(gateway.notes[-1]["fingerprint"]) == 12

    async def test_our_cookies_and_oktas_stay_here_the_others_pass_to_the_byte_c12_c16(self, gateway: AppGateway) -> None:
        held, session = gateway.held()
        ours, sid = gateway.sealed(held).removeprefix(b"Cookie: ").rstrip(), (session.sid or "").encode()
        await gateway.ask(
            "/",
            FETCH
            + b'Cookie: a="x y"; '
            + ours
            + b"; sid="
            + sid
            + b"; b=caf\xc3\xa9;idx="
            + sid
            + b"; DT="
            + sid
            + b"; SID=mine; xids=4\r\nCookie: c==\r\n",
        )
        assert [line for line in gateway.app.last.fields if line.startswith(b"Cookie")] == [
            b'Cookie: a="x y"; b=caf\xc3\xa9; SID=mine; xids=4',
            b"Cookie: c==",
        ]

    async def test_credentials_of_the_app_itself_pass_h23(self, gateway: AppGateway) -> None:
        answer = await gateway.ask("/", FETCH + b"Authorization: Basic YTpi\r\n" + gateway.cookie())
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert gateway.app.last.value(b"authorization") == b"Basic YTpi"

    async def test_okta_is_asked_once_and_then_remembered(self, gateway: AppGateway) -> None:
        cookie = gateway.cookie()
        for _ in range(3):
            assert (await gateway.ask("/", FETCH + cookie)).startswith(b"HTTP/1.1 200")
        assert gateway.asked_okta() == 1

    @pytest.mark.parametrize(
        ("asking", "given", "got"),
        [
            (NAVIGATION, b"Cache-Control: public, max-age=60\r\n", b"Cache-Control: no-store"),
            (FETCH, b"", b"Cache-Control: private, no-cache"),
            (FETCH, b"Cache-Control: public, max-age=60, s-maxage=9\r\n", b"Cache-Control: private, no-cache"),
            (PICTURE, b"Cache-Control: public, max-age=60, s-maxage=9\r\n", b"Cache-Control: private, max-age=60"),
            (
                b"Accept: */*\r\n",
                b"Cache-Control: public, max-age=60\r\nContent-Type: image/png\r\n",
                b"Cache-Control: private, max-age=60",
            ),
            (PICTURE, b"Cache-Control: max-age=60\r\n", b"Cache-Control: no-store"),
            (PICTURE, b"", b"Cache-Control: no-store"),
            (b"Accept: */*\r\n", b"Cache-Control: public, max-age=60\r\nContent-Type: text/csv\r\n", b"Cache-Control: private, no-cache"),
        ],
    )
    async def test_what_a_user_saw_is_kept_by_nobody_else_l15(self, gateway: AppGateway, asking: bytes, given: bytes, got: bytes) -> None:
        gateway.app.script = answering(given)
        answer = await gateway.ask("/", asking + gateway.cookie())
        assert [line for line in answer.split(b"\r\n") if line.startswith(b"Cache-Control")] == [got]

    async def test_an_app_cannot_set_a_cookie_of_ours(self, gateway: AppGateway) -> None:
        gateway.app.script = answering(b"Set-Cookie: __Host-gateway=evil\r\nSet-Cookie: a=1\r\n")
        answer = await gateway.ask("/", FETCH + gateway.cookie())
        assert b"evil" not in answer
        assert b"Set-Cookie: a=1\r\n" in answer

    async def test_a_pass_under_an_old_key_is_sealed_anew(self) -> None:
        async with app_gateway() as before, before.site.beside(b"n" * 32, b"k" * 32) as renewed:
            gateway = AppGateway(renewed)
            answer = await gateway.ask("/", FETCH + before.sealed(gateway.held()[0]))
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            line = next(line for line in answer.split(b"\r\n") if line.startswith(b"Set-Cookie: __Host-gateway="))
            assert line.endswith(b"; Path=/; Secure; HttpOnly; SameSite=Lax")
            fresh = line.removeprefix(b"Set-Cookie: ").partition(b";")[0]
            again = await gateway.ask("/", FETCH + b"Cookie: " + fresh + b"\r\n")
            assert again.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"Set-Cookie" not in again


class TestWithoutSession:
    async def test_a_navigation_is_sent_to_sign_in(self, gateway: AppGateway) -> None:
        answer = await gateway.ask("/a?b=c", NAVIGATION)
        assert answer.startswith(b"HTTP/1.1 302 Found\r\nLocation: https://login.example.com/.gateway/handoff?start=")
        assert b"\r\nSet-Cookie: __Host-gateway-start=" in answer
        assert gateway.app.visits == []
        assert gateway.notes == [{"route": "/**", "verdict": "sign_in", "reason": "no_pass", "fingerprint": ""}]

    @pytest.mark.parametrize(
        ("method", "fields"),
        [
            ("GET", FETCH),
            ("GET", NAVIGATION + b"Sec-Purpose: prefetch\r\n"),
            ("POST", FETCH + b"Content-Length: 3\r\n"),
            ("DELETE", b"Accept: text/html\r\n"),
        ],
    )
    async def test_anything_else_is_told_in_json_without_a_cookie_or_a_password_box_l18_o1(
        self, gateway: AppGateway, method: str, fields: bytes
    ) -> None:
        answer = await gateway.ask("/a", fields, method, b"abc" if b"Content-Length" in fields else b"")
        assert answer.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
        assert b"\r\nWWW-Authenticate: Session\r\n" in answer
        assert b"Set-Cookie" not in answer
        assert content(answer) == {"error": "no_session", "sign_in": "https://hr.example.com/.gateway/sign-in?to=%2Fa"}
        assert gateway.app.visits == []

    async def test_a_body_that_was_only_announced_is_not_asked_for_s14(self, gateway: AppGateway) -> None:
        wire = await gateway.connect()
        await wire.say(b"POST /a HTTP/1.1\r\nHost: hr.example.com\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
        head = await wire.head()
        assert head.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
        assert b"\r\nConnection: close\r\n" in head
        assert gateway.app.connections == 0

    async def test_a_websocket_is_refused_and_not_redirected_u7(self, gateway: AppGateway) -> None:
        wire = await gateway.connect()
        await wire.say(SHAKE + b"\r\n")
        assert (await wire.head()).startswith(b"HTTP/1.1 401 Unauthorized\r\n")
        assert gateway.app.visits == []

    async def test_an_ended_session_is_no_session(self, gateway: AppGateway) -> None:
        held, _ = gateway.held()
        await gateway.sessions.revoke(held.cookies)
        assert (await gateway.ask("/", FETCH + gateway.sealed(held))).startswith(b"HTTP/1.1 401")
        assert gateway.notes[-1]["reason"] == "revoked"
        stranger = replace(held, cookies=(SessionCookie(b"sid", b"102unknown"),))
        assert (await gateway.ask("/", FETCH + gateway.sealed(stranger))).startswith(b"HTTP/1.1 401")

    async def test_a_pass_is_good_for_its_host_and_once_only(self, gateway: AppGateway) -> None:
        held, _ = gateway.held()
        other_host = gateway.sealed(held, "wiki.example.com:443")
        assert (await gateway.ask("/", FETCH + other_host)).startswith(b"HTTP/1.1 401")
        assert gateway.notes[-1]["reason"] == "pass_unreadable"
        assert (await gateway.ask("/", FETCH + gateway.sealed(held) + gateway.sealed(held))).startswith(b"HTTP/1.1 401")
        assert gateway.notes[-1]["reason"] == "no_pass"
        assert gateway.app.visits == []

    async def test_a_pass_dies_when_okta_names_another_user(self, gateway: AppGateway) -> None:
        held, _ = gateway.held(BOB)
        hers = replace(held, user_id=gateway.org.known_user(ALICE).id)
        assert (await gateway.ask("/", FETCH + gateway.sealed(hers))).startswith(b"HTTP/1.1 401")
        assert gateway.notes[-1]["reason"] == "user_changed"
        assert gateway.sessions.is_revoked(held.cookies)
        assert gateway.app.visits == []
