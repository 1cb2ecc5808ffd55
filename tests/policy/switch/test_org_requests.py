"""Every place and spelling in which a token can reach Okta is found; what is no token is left alone."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.session.session import SessionToken
from gateway.policy.switch.org_parameters import NOTHING
from gateway.policy.switch.org_places import LONGEST_PATH, SignOutKind
from gateway.policy.switch.org_requests import (
    LegacySession,
    Plain,
    PushedByReference,
    Redemption,
    SignOut,
    has_readable_body,
    is_cookie_redirect,
    is_pushed_request,
    read,
    without_tokens,
)
from tests.policy.switch.sent_to_org import FORM, JSON, head, post, request_object

TOKEN = "20111sTEhcIzKhs-q8_Ln"


FOUND = Redemption((SessionToken(TOKEN),))
FOUND_STATE = Redemption((SessionToken(TOKEN),), state_tokens=(SessionToken(TOKEN),))

PLACES = {
    "cookie redirect": f"/login/sessionCookieRedirect?checkAccountSetupComplete=true&token={TOKEN}&redirectUrl=%2F",
    "cookie redirect by the long name": f"/login/sessionCookieRedirect?sessionToken={TOKEN}",
    "app link": f"/app/template_saml_2_0/k1/sso?sessionToken={TOKEN}",
    "legacy alias": f"/app/amazon_aws/k1/sso/saml?onetimetoken={TOKEN}",
    "dashboard link": f"/home/bookmark/0oa1/2557?sessionToken={TOKEN}",
    "ws-fed": f"/app/template_wsfed/k1/sso/wsfed/passive?wa=x&sessionToken={TOKEN}",
    "authorize": f"/oauth2/v1/authorize?client_id=x&prompt=none&sessionToken={TOKEN}",
    "authorize of a custom server": f"/oauth2/default/v1/authorize?sessionToken={TOKEN}",
    "state redirect": f"/login/token/redirect?stateToken={TOKEN}",
    "state redirect of idx": f"/idp/idx/login/token/redirect?stateToken={TOKEN}",
    "step-up": f"/login/step-up/redirect?stateToken={TOKEN}",
    "user home": f"/app/UserHome?stateToken={TOKEN}",
    "an unknown place": f"/some/new/place?sessionToken={TOKEN}",
    "request object": f"/oauth2/v1/authorize?request={request_object({'claims': [{'sessionToken': TOKEN}], 'n': 1})}",
}

SPELLINGS = {
    "encoded name": f"/login/sessionCookieRedirect?%74oken={TOKEN}",
    "twice encoded name": f"/home/x?session%2554oken={TOKEN}",
    "case of the name": f"/home/x?SESSIONTOKEN={TOKEN}",
    "blanks about the name": f"/home/x?+sessionToken%20={TOKEN}",
    "semicolon": f"/home/x?a=b;sessionToken={TOKEN}",
    "empty, then set": f"/home/x?sessionToken=&sessionToken={TOKEN}",
    "encoded value": f"/home/x?sessionToken=%32{TOKEN[1:]}",
}


@pytest.mark.parametrize("target", [*PLACES.values(), *SPELLINGS.values()], ids=[*PLACES, *SPELLINGS])
def test_a_token_in_the_target_is_found(target: str) -> None:
    assert read(head(target)) == (FOUND_STATE if "stateToken" in target else FOUND)


BODIES: dict[str, tuple[str, bytes, bytes]] = {
    "form": ("/login/sessionCookieRedirect", f"repost=true&token={TOKEN}".encode(), FORM),
    "form without a type": ("/oauth2/v1/authorize", f"client_id=x&sessionToken={TOKEN}".encode(), b""),
    "pushed": ("/oauth2/default/v1/par", f"client_id=x&sessionToken={TOKEN}".encode(), FORM),
    "json": ("/api/v1/sessions", json.dumps({"sessionToken": TOKEN}).encode(), JSON),
    "json under another type": ("/api/v1/sessions", json.dumps({"sessionToken": TOKEN}).encode(), b"text/plain"),
    "json, repeated member": ("/api/v1/sessions", f'{{"sessionToken":"{TOKEN}","sessionToken":""}}'.encode(), JSON),
    "json with a byte order mark": (
        "/api/v1/sessions",
        b"\xef\xbb\xbf" + json.dumps({"session\\u0054oken": TOKEN}).replace("\\\\", "\\").encode(),
        JSON,
    ),
    "json in utf-16": ("/api/v1/sessions", json.dumps({"sessionToken": [TOKEN]}).encode("utf-16"), JSON),
    "request object, pushed": ("/oauth2/v1/par", f"client_id=x&request={request_object({'sessionToken': TOKEN})}".encode(), FORM),
    "saml": ("/app/x/k1/sso/saml", f"SAMLRequest=abc&sessionToken={TOKEN}".encode(), FORM),
}


@pytest.mark.parametrize(("target", "body", "kind"), BODIES.values(), ids=BODIES)
def test_a_token_in_the_body_is_found(target: str, body: bytes, kind: bytes) -> None:
    assert has_readable_body(head(target, "POST"))
    assert post(target, body, kind) == FOUND


DOUBTS: dict[str, tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...], str]] = {
    "multipart": (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb', b"multipart/form-data; boundary=x", (), "unreadable_body"),
    "another charset": (b"%E2%85%96", FORM + b"; charset=ibm037", (), "unreadable_body"),
    "compressed": (b"\x1f\x8b", FORM, ((b"Content-Encoding", b"gzip"),), "unreadable_body"),
    "utf-16 that says it is no other": ("sessionToken=x".encode("utf-16"), FORM, (), "hidden_token"),
    "broken json": (b'{"x":', JSON, (), "strange_json"),
    "json that begins oddly": (b"\xef\xbb\xbfsessionToken", JSON, (), "strange_json"),
    "too deep": (b'{"a":' * 40 + b"1" + b"}" * 40, JSON, (), "strange_json"),
    "too much": (json.dumps({"a": ["x"] * 2000}).encode(), JSON, (), "strange_json"),
    "too many parameters": (b"a=b&" * 1001, FORM, (), "too_many_parameters"),
    "a name that is a value": (b'["session_token"]', JSON, (), "hidden_token"),
}


@pytest.mark.parametrize(("body", "kind", "more", "doubt"), DOUBTS.values(), ids=DOUBTS)
def test_what_might_hide_a_token_counts_as_one(body: bytes, kind: bytes, more: tuple[tuple[bytes, bytes], ...], doubt: str) -> None:
    assert post("/api/v1/sessions", body, kind, *more) == Redemption((), doubt)


@pytest.mark.parametrize("text", [request_object({}, 5), request_object({}, 2), "e30", "a.%25.c", "a.b.c"])
def test_a_request_object_that_cannot_be_read_counts_as_one(text: str) -> None:
    assert read(head(f"/oauth2/v1/authorize?request={text}")) == Redemption((), "request_object")


def test_a_deeply_nested_body_counts_as_one() -> None:
    assert post("/api/v1/sessions", b"[" * 100_000, JSON) == Redemption((), "strange_json")


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/app/UserHome",
        "/login/login.htm?fromURI=%2Fhome",
        "/login/login.htm?stateToken=x",
        "/home/x?sessionToken=",
        "/home/x?token=abc",
        "/oauth2/v1/keys?request_uri=x",
        f"/oauth2/v1/authorize?client_id=x&request={request_object({'scope': 'openid'})}",
        "/api/v1/users/me",
    ],
)
def test_what_carries_no_token_is_plain(target: str) -> None:
    assert read(head(target)) == Plain()


def test_a_body_without_a_token_where_nothing_else_makes_sense_counts_as_one() -> None:
    assert post("/login/sessionCookieRedirect", b"redirectUrl=%2F") == Redemption((), "no_token_seen")


def test_a_form_without_a_token_is_plain() -> None:
    assert post("/app/UserHome", b"tab=work") == Plain()
    assert post("/app/x/k1/sso/saml", b"SAMLRequest=abc") == Plain()
    assert post("/api/v1/sessions", b"{}", JSON) == Plain()


@pytest.mark.parametrize(
    ("method", "target", "how"),
    [
        ("DELETE", "/api/v1/sessions/me", SignOutKind.API),
        ("GET", "/login/signout?fromURI=/", SignOutKind.PAGE),
        ("HEAD", "/signout", SignOutKind.PAGE),
        ("POST", "/oauth2/default/v1/logout", SignOutKind.OIDC),
        ("GET", "/OAUTH2/v1/Logout", SignOutKind.OIDC),
        ("GET", "/app/hr/0oa1/slo/saml?SAMLRequest=abc&Signature=x", SignOutKind.SAML),
        ("POST", "/app/hr/0oa1/%73lo;x/saml/callback", SignOutKind.SAML),
    ],
)
def test_sign_outs_are_known(method: str, target: str, how: SignOutKind) -> None:
    assert read(head(target, method)) == SignOut(how)


def test_a_session_question_is_no_sign_out() -> None:
    assert read(head("/api/v1/sessions/me")) == Plain()
    assert read(head("/login/signout", "PUT")) == Plain()
    assert read(head("/api/v1/users/me", "DELETE")) == Plain()


def test_legacy_session_calls_are_known() -> None:
    assert read(head("/api/v1/sessions/102abc")) == LegacySession("102abc", "")
    assert read(head("/api/v1/sessions/102abc", "DELETE")) == LegacySession("102abc", "", ends=True)
    assert read(head("/api/v1/sessions/102abc/lifecycle/refresh", "POST")) == LegacySession("102abc", "/lifecycle/refresh")
    assert read(head("/api/v1/sessions/102abc/lifecycle/other", "POST")) == Plain()
    assert read(head("/api/v1/sessions/me/lifecycle/refresh", "POST")) == Plain()


def test_a_reference_to_a_pushed_request_is_named() -> None:
    assert read(head("/oauth2/v1/authorize?client_id=x&request_uri=urn:a")) == PushedByReference(("urn:a",))
    assert is_pushed_request(head("/oauth2/default/v1/par", "POST"))
    assert not is_pushed_request(head("/oauth2/v1/token", "POST"))


def test_a_state_token_is_told_apart_unless_it_came_as_another_too() -> None:
    state, other = SessionToken("state"), SessionToken("other")
    assert read(head("/login/token/redirect?stateToken=state&sessionToken=other")) == Redemption((state, other), None, (state,))
    assert read(head("/login/token/redirect?stateToken=state&sessionToken=state")) == Redemption((state,))


def test_a_path_that_is_too_long_is_doubt_and_its_body_is_read() -> None:
    path = "/login/" + "x" * LONGEST_PATH
    assert read(head(path)) == Redemption((), "path_too_long")
    assert has_readable_body(head(path, "POST"))
    assert read(head("/" + "x" * (LONGEST_PATH - 1))) == Plain()


def test_a_reload_loses_its_tokens_and_nothing_else() -> None:
    assert without_tokens(f"/home/x?a=%7E&sessionToken={TOKEN}&SessionToken=2&b") == "/home/x?a=%7E&b"
    assert without_tokens(f"/home/x?onetimetoken={TOKEN}") == "/home/x"
    assert is_cookie_redirect(head(PLACES["cookie redirect"]))
    assert is_cookie_redirect(head(PLACES["state redirect"]))
    assert not is_cookie_redirect(head(PLACES["app link"]))


names = st.sampled_from(["sessionToken", "onetimetoken"])
tokens = st.text(min_size=1).filter(
    lambda text: bool(text.encode("utf-8", "ignore").decode()) and text.isprintable() and text.casefold() not in NOTHING
)
spelled = st.sampled_from(
    [str, str.upper, str.lower, str.swapcase, lambda text: "".join(f"%{ord(c):02x}" for c in text), lambda t: quote(quote(t[0]) + t[1:])]
)


@given(names, tokens, spelled, st.sampled_from(["&", ";"]), st.text(alphabet="abc=&;%41", max_size=12))
def test_no_spelling_hides_a_token(name: str, token: str, spell: object, separator: str, around: str) -> None:
    assert callable(spell)
    found = read(head(f"/home/x?{around}{separator}{spell(name)}={quote_plus(token)}{separator}{around}"))
    assert isinstance(found, Redemption)
    assert SessionToken(token) in found.tokens
