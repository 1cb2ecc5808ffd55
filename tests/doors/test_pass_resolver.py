"""Whom a pass names where Okta is not asked."""

from gateway.compose.app import pass_resolver
from gateway.policy.http.messages import Authority, RequestHead
from tests.harness.app_gateway import app_gateway
from tests.harness.browser import ALICE


def head(cookie: bytes) -> RequestHead:
    fields = ((b"Cookie", cookie.removeprefix(b"Cookie: ").strip()),) if cookie else ()
    return RequestHead("GET", "/public/x", Authority("hr.example.com", 443), fields, True, "192.0.2.1", "192.0.2.1")


async def test_a_pass_names_its_user_until_its_session_is_known_to_be_over() -> None:
    async with app_gateway() as made:
        resolver = pass_resolver(made.parts)
        by_cookie, session = made.held(ALICE)
        by_id, _ = made.held(ALICE)
        for held in (by_cookie, by_id):
            assert resolver.user_of_pass(head(made.sealed(held))) == session.user.id
        await made.sessions.revoke(by_cookie.cookies)
        assert resolver.user_of_pass(head(made.sealed(by_cookie))) == "" != resolver.user_of_pass(head(made.sealed(by_id)))
        await made.sessions.revoke((), session_id=by_id.session_id)
        assert resolver.user_of_pass(head(made.sealed(by_id))) == ""
        for none in (b"", b"Cookie: __Host-gateway=x", made.sealed(by_id, "wiki.example.com:443")):
            assert resolver.user_of_pass(head(none)) == ""
