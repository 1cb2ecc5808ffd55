"""A request that only looks like a token or a sign-out goes to Okta with the session. Every real token and sign-out is still found."""

import json
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, RequestHead
from gateway.policy.session.session import SessionToken
from gateway.policy.switch.org_requests import Plain, PushedByReference, Redemption, SignOut, has_readable_body, read
from tests.harness.person import ALICE, FORM_TYPE, LOGIN
from tests.harness.system import system

SAML = "/app/template_saml/k1/sso/saml"
NESTED = quote("https://sp.example.com/start?sessionToken=abc&onetimetoken=d", safe="")

ALARMS: dict[str, tuple[str, str, str, str]] = {
    "a token's name inside RelayState": ("POST", SAML, f"SAMLRequest=abc&RelayState={NESTED}", FORM_TYPE),
    "the same, once more encoded": ("POST", SAML, f"SAMLRequest=abc&RelayState={quote(NESTED)}", FORM_TYPE),
    "a token's name inside a value, unescaped": ("POST", SAML, "RelayState=https://sp.example.com/?sessionToken=abc", FORM_TYPE),
    "undefined": ("GET", "/app/template_saml/k1/link?sessionToken=undefined", "", ""),
    "null": ("GET", "/home/oidc_client/k1/1?onetimetoken=NULL&sessionToken=null", "", ""),
    "nothing in a form": ("POST", SAML, "SAMLRequest=abc&sessionToken=&onetimetoken=undefined", FORM_TYPE),
    "undefined where a token is needed": ("POST", "/login/sessionCookieRedirect", "token=undefined&redirectUrl=%2F", FORM_TYPE),
    "an app named like a sign-out": ("GET", "/home/acme-signout/k1/1", "", ""),
    "an app called signout": ("GET", "/home/signout/k1/1", "", ""),
    "an app whose link is called so": ("GET", "/app/acme/k1/signout", "", ""),
    "an app named like the cookie redirect": ("GET", "/home/my-sessioncookie/k1/1?token=abc", "", ""),
    "text that begins like JSON": ("POST", SAML, "[12:00] a line of a log", "text/plain"),
    "text with a path": ("POST", SAML, "[C:\\users\\alice]", "text/plain"),
}


def head(target: str, method: str = "GET", *fields: tuple[bytes, bytes]) -> RequestHead:
    return RequestHead(method, target, Authority("login.example.com", 443), fields, True, "127.0.0.1", "127.0.0.1")


@pytest.mark.parametrize(("method", "target", "body", "kind"), ALARMS.values(), ids=ALARMS)
async def test_x16_what_only_looks_like_a_token_keeps_the_session(method: str, target: str, body: str, kind: str) -> None:
    async with system() as place:
        person = await place.entered(ALICE)
        reply = await person.ask(LOGIN + target, method, site="cross-site", body=body, content_type=kind)
        assert ALICE not in reply.body or "/.gateway/switch" not in reply.body
        [sent] = place.rows(method, target.partition("?")[0])[-1:]
        assert "sid" in sent.cookie_names
        assert place.live() == [ALICE]
        assert await person.named_by_app() == ALICE
        if "undefined" in target + body or "null" in target:
            assert len(place.journal.broken) <= 2  # the watcher takes any value for a token; here that is what must not be done
            place.journal.broken.clear()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"relayState": "https://a.example.com/?sessionToken=x"}', "application/json"),
        ('{"sessionToken": null, "a": [1, true]}', "application/json"),
        ('{"sessionToken": ""}', "text/plain"),
        ("[]", FORM_TYPE),
        ("{x", "text/plain"),
    ],
)
def test_x16_json_that_names_no_token_is_plain(body: str, kind: str) -> None:
    assert read(head("/api/v1/sessions", "POST", (b"Content-Type", kind.encode())), body.encode()) == Plain()


@pytest.mark.parametrize(
    ("body", "kind", "doubt"),
    [
        ('{"sessionToken": {"value": "x"}}', "application/json", "hidden_token"),
        ('{"my_session_token": "x"}', "application/json", "hidden_token"),
        ("{'sessionToken': 'x'}", "text/plain", "strange_json"),
        ('{"session\\u0054oken": "x",}', "text/plain", "strange_json"),
        ('{"a": {"session_token": "x"}}', "text/plain", "hidden_token"),
        ("a=b&session_token=x", FORM_TYPE, "hidden_token"),
    ],
)
def test_x16_what_might_hide_a_token_is_still_doubt(body: str, kind: str, doubt: str) -> None:
    assert read(head("/api/v1/sessions", "POST", (b"Content-Type", kind.encode())), body.encode()) == Redemption((), doubt)


TRUE_FORMS = (
    ("/login/sessionCookieRedirect", "token"),
    ("/login/sessionCookie", "token"),
    ("/app/template_saml/k1/link", "sessionToken"),
    ("/app/amazon_aws/k1/sso/saml", "onetimetoken"),
    ("/home/oidc_client/k1/1", "sessionToken"),
    ("/app/template_wsfed/k1/sso/wsfed/passive", "sessionToken"),
    ("/oauth2/v1/authorize", "sessionToken"),
    ("/oauth2/aus1/v1/authorize", "sessionToken"),
    ("/oauth2/v1/par", "sessionToken"),
    ("/oauth2/aus1/v1/par", "sessionToken"),
    ("/api/v1/sessions", "sessionToken"),
    ("/login/token/redirect", "stateToken"),
    ("/idp/idx/login/token/redirect", "stateToken"),
    ("/login/step-up/redirect", "stateToken"),
    ("/app/UserHome", "stateToken"),
    ("/oauth2/v1/authorize", "request_uri"),
)
SIGN_OUTS = (("GET", "/login/signout"), ("GET", "/signout"), ("POST", "/oauth2/v1/logout"), ("DELETE", "/api/v1/sessions/me"))

cases: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str, str.upper, str.lower, str.swapcase])
dressings = st.sampled_from(
    ["/{}", "//{}", "/./{}", "/x/../{}", "/x/%2e%2e/{}", "/;a=b/{}", "/x;y/..;/{}", "\\{}", "/%2f{}", "/{};a=b", "/{}%00"]
)
ends = st.sampled_from(["", "/", ";x=y", "%20", ".", "/.", "?a=b", "%3f"])
separators = st.sampled_from(
    ["&", ";", "&;", ";&", "&a=b&", "&RelayState=%3FsessionToken%3Dx&", "&sessionToken=undefined&", "&sessionToken=;"]
)
tokens = st.text("ABCabc019-_", min_size=12, max_size=20)


@st.composite
def spelled(draw: st.DrawFn, text: str) -> str:
    """The text with some of its characters encoded, once or more often."""
    text = draw(cases)(text)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text) - 1))
        if text[at] != "/" and "%" not in text[max(0, at - 2) : at]:
            text = f"{text[:at]}%{ord(text[at]):02x}{text[at + 1 :]}"
    return text


@st.composite
def paths(draw: st.DrawFn, path: str) -> str:
    """A path whose segments are spelled and dressed in any way that some server accepts."""
    segments = [draw(dressings).format(draw(spelled(segment))) for segment in path.split("/")[1:]]
    return "".join(segments).replace("\\", "%5c") + draw(ends.filter(lambda end: "?" not in end))


@given(st.data(), st.sampled_from(TRUE_FORMS), tokens, separators, st.booleans())
def test_x16_no_true_form_of_a_redemption_is_lost(
    data: st.DataObject, form: tuple[str, str], token: str, separator: str, is_posted: bool
) -> None:
    place, name = form
    path, pair = data.draw(paths(place)), f"{data.draw(spelled(name))}={token}"
    parameters = f"{separator}{pair}{separator}"
    if is_posted and name != "request_uri":
        posted = head(path, "POST", (b"Content-Type", FORM_TYPE.encode()))
        assert has_readable_body(posted)
        found = read(posted, parameters.encode())
    else:
        found = read(head(f"{path}?{parameters}"))
    if name != "request_uri":
        assert isinstance(found, Redemption)
        assert SessionToken(token) in found.tokens
        assert (SessionToken(token) in found.state_tokens) == (name == "stateToken")
    elif isinstance(found, PushedByReference):
        assert token in found.references
    else:
        assert isinstance(found, Redemption)
        assert "%3FsessionToken" not in unquote(separator) or found.tokens


@given(tokens, st.sampled_from(["application/json", "text/plain", FORM_TYPE, ""]), st.sampled_from(["{}", "[{}]", '{{"a": {}}}', " \t{}"]))
def test_x16_no_token_in_json_is_lost(token: str, kind: str, around: str) -> None:
    body = around.format(json.dumps({"sessionToken": token}))
    found = read(head("/api/v1/sessions", "POST", (b"Content-Type", kind.encode())), body.encode())
    assert isinstance(found, Redemption)
    assert SessionToken(token) in found.tokens


@given(st.data(), st.sampled_from(SIGN_OUTS))
def test_x16_no_true_form_of_a_sign_out_is_lost(data: st.DataObject, form: tuple[str, str]) -> None:
    method, place = form
    assert isinstance(read(head(data.draw(paths(place)), method)), SignOut)
