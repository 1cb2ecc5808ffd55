"""Fields: no spelling of the client's becomes identity or forwarding, and what is ours arrives last and once."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.answer_fields import from_outside
from gateway.policy.http.cookies import is_gateway_name, is_okta_name, not_the_apps
from gateway.policy.http.fields import FieldRules, ForwardedFrom, folded, passes, to_app, to_org
from gateway.policy.http.hop_by_hop import NAMED_AWAY
from gateway.policy.http.messages import Fields, Malformed
from gateway.policy.session.session import Session

IDENTITY = ((b"Remote-User", "login"), (b"X-Auth-User", "user_id"), (b"X-Auth-Until", "session_expires_at"), (b"X-Auth-Amr", "amr"))
RULES = FieldRules(IDENTITY, frozenset({b"webhook_user"}))
WAY = ForwardedFrom("203.0.113.7", "https", "hr.example.com")
ALICE = Session("s1", "00u1", "alice@example.com", datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC), ("pwd", "a,b"))


def lines(*texts: str) -> Fields:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, _, value in (text.partition(": ") for text in texts))


HOST = lines("Host: hr.example.com")
WAY_LINES = lines("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: hr.example.com")
WHO = lines("Remote-User: alice@example.com", "X-Auth-User: 00u1", "X-Auth-Until: 2030-01-02T03:04:05+00:00", "X-Auth-Amr: pwd,a%2Cb")
OURS = WAY_LINES + WHO
PROTECTED = (
    b"remote-user x-auth-user x-auth-until x-auth-amr x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port "
    b"x-forwarded-prefix x-forwarded-uri x-forwarded-ssl x-forwarded forwarded forwarded-for x-real-ip true-client-ip x-client-ip "
    b"x-cluster-client-ip cf-connecting-ip proxy x-original-url x-rewrite-url x-original-method x-http-method "
    b"x-http-method-override x-method-override x-gateway-assertion x-gateway-omitted x-gateway-anything"
).split()
HOP = b"keep-alive proxy-connection proxy-authorization proxy-authenticate te trailer transfer-encoding upgrade http2-settings".split()
NAMED = "X-Auth-User x-forwarded-for REMOTE_USER x.auth.until X-Gateway-Assertion Cookie content-length HOST Webhook_User x-forwarded_proto"
TOKEN_CHARS = b"!#$%&'*+-.^_`|~abcXYZ019"

names = st.lists(st.sampled_from(list(TOKEN_CHARS)), min_size=1, max_size=12).map(bytes)
respelt = st.builds(
    lambda name, seed: bytes(seed.choice(b"-_.+~!") if byte == 0x2D else seed.choice((byte, bytes((byte,)).upper()[0])) for byte in name),
    st.sampled_from(PROTECTED),
    st.randoms(use_true_random=False),
)
client_names = st.one_of(names, respelt, st.sampled_from([b"Host", b"Connection", b"Expect", b"webhook_user", b"Webhook-User", b"Close"]))
client_lines = st.lists(
    st.tuples(client_names, st.sampled_from([b"admin", b"close, Remote-User, X-Forwarded-For, host", b"close", b"Keep-Alive", b""]))
)


def drops(name: bytes, value: bytes) -> bool:
    return is_okta_name(name) or is_gateway_name(name)


def careless(name: bytes) -> bytes:
    """How the most careless server compares names: everything but letters and digits is one character."""
    return re.sub(rb"[^a-z0-9]", b"-", name.lower())


def sent(fields: Fields, session: Session | None = ALICE, upgrade: bool = False) -> Fields:
    out = to_app(fields, RULES, session, WAY, drops, upgrade)
    assert not isinstance(out, Malformed)
    return out


@given(client_lines)
def test_no_spelling_of_a_protected_name_comes_from_the_client(client: list[tuple[bytes, bytes]]) -> None:
    out = to_app(tuple(client), RULES, ALICE, WAY, drops)
    if isinstance(out, Malformed):
        assert out.status == 400
        return
    assert out[:1] == HOST
    assert out[-len(OURS) :] == OURS
    between = [careless(name) for name, _ in out[1 : -len(OURS)]]
    assert not {name for name in between if name in PROTECTED or name in HOP or name.startswith((b"x-forwarded", b"x-gateway-"))}
    assert not {b"host", b"expect", b"connection"} & set(between)


@given(client_lines)
def test_without_a_session_no_identity_arrives_at_all(client: list[tuple[bytes, bytes]]) -> None:
    out = to_app(tuple(client), RULES, None, WAY, drops)
    assert isinstance(out, Malformed) or not {careless(name) for name, _ in out} & {name.lower() for name, _ in IDENTITY}


@pytest.mark.parametrize("name", [b"X-Auth-User", b"x_auth_user", b"X.Auth_User", b"X_Auth-User", b"X+Auth+User", b"REMOTE_USER"])
def test_identity_is_sent_exactly_once_and_is_ours(name: bytes) -> None:
    assert sent(((name, b"admin"), (b"A", b"1"), (name, b"alice, admin"))) == (*HOST, (b"A", b"1"), *OURS)


def test_the_clients_connection_list_cannot_take_our_fields_away() -> None:
    assert sent(lines("Connection: close, a , x-unknown", "A: 1", "B: 2", "Content-Length: 5")) == (
        HOST + lines("B: 2", "Content-Length: 5") + OURS
    )
    for name in NAMED.split():
        for value in (f"close, {name}", f" {name}\t,close", name):
            fields = lines("A: 1", f"Connection: {value}")
            assert to_app(fields, RULES, ALICE, WAY, drops) == to_app(fields[::-1], RULES, None, WAY, drops) == NAMED_AWAY


@given(client_lines, st.booleans(), st.booleans())
def test_a_name_alone_decides_as_the_whole_message_would(client: list[tuple[bytes, bytes]], upgrade: bool, has_cookie: bool) -> None:
    """A connection that names a field which is not there makes every line be looked at apart."""
    fields = (*client, *(((b"Cookie", b"a=1; sid=2; __Host-gateway=x"),) if has_cookie else ()))
    apart = (*fields, (b"Connection", b"x-not-there"))
    assert to_app(fields, RULES, ALICE, WAY, not_the_apps, upgrade) == to_app(apart, RULES, ALICE, WAY, drops, upgrade)


def test_even_a_field_called_close_is_named_by_connection_close() -> None:
    assert sent(lines("Close: 1", "A: 1", "Connection: close")) == HOST + lines("A: 1") + OURS
    assert sent(lines("Close: 1", "Connection: keep-alive")) == HOST + lines("Close: 1") + OURS


def test_ordinary_fields_arrive_as_sent_and_in_order() -> None:
    kept = lines("aCCept: a,  b", "Authorization: Token abc", "Accept: \xff\xc3", "Via: 1.1 edge", "Origin: null")
    out = sent(lines("host: HR.example.com.:443", "Cookie: a=1; sid=2;b=\xe9") + kept + lines("cookie: __Host-gateway=x"))
    assert out == HOST + lines("Cookie: a=1;b=\xe9") + kept + OURS


@pytest.mark.parametrize("name", [*HOP, b"expect", b"Proxy", b"TE"])
def test_the_hop_stays_on_its_hop(name: bytes) -> None:
    assert sent(((name, b"x"),)) == HOST + OURS
    assert from_outside(((name, b"x"), (b"A", b"1"))) == (((name, b"x"),) if name in (b"expect", b"Proxy") else ()) + ((b"A", b"1"),)


def test_an_odd_name_goes_through_only_when_the_operator_lets_it() -> None:
    fields = lines("Webhook_User: 1", "other_name: 2", "dotted.name: 3", "pl+us: 4")
    assert sent(fields) == HOST + fields[:1] + OURS


@pytest.mark.parametrize(
    "name",
    [b"X-SSL-Client-Cert", b"Https", b"X-Forwarded-User", b"Front-End-Https", b"X-MS-Client-Principal-Name", b"Tailscale-User-Login"],
)
def test_a_name_that_speaks_of_the_user_goes_through_only_when_the_operator_lets_it(name: bytes) -> None:
    line = (name, b"1")
    assert sent((line,)) == HOST + OURS
    rules = FieldRules(IDENTITY, frozenset({name.lower()}))
    assert to_app((line,), rules, ALICE, WAY, drops) == (*HOST, line, *OURS)
    assert to_app((line, line), rules, ALICE, WAY, drops) == Malformed(400, "field_alias")
    assert not passes(rules, name)  # it takes more than the name to tell


@pytest.mark.parametrize("other", [b"webhook_user", b"WEBHOOK_USER", b"webhook-user", b"Webhook.User", b"webhook~user"])
def test_an_odd_name_beside_an_alias_is_refused(other: bytes) -> None:
    assert to_app(((b"webhook_user", b"1"), (other, b"2")), RULES, ALICE, WAY, drops) == Malformed(400, "field_alias")


def test_the_plain_spelling_alone_may_be_repeated() -> None:
    fields: Fields = ((b"webhook-user", b"1"), (b"webhook-user", b"2"))
    assert sent(fields) == HOST + fields + OURS


@pytest.mark.parametrize("name", [b"x_auth_user", b"x_forwarded_for", b"x_gateway_assertion", b"transfer_encoding", b"x_original_url"])
def test_no_permission_reaches_a_protected_name(name: bytes) -> None:
    rules = FieldRules(IDENTITY, frozenset({name}))
    assert to_app(((name, b"admin"),), rules, ALICE, WAY, drops) == HOST + OURS


def test_a_websocket_handshake_is_cleaned_like_everything_else() -> None:
    fields = lines("X-Auth-User: admin", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: k", "A: 1")
    assert sent(fields, upgrade=True) == HOST + lines("A: 1") + OURS
    assert sent(fields) == HOST + lines("Sec-WebSocket-Key: k", "A: 1") + OURS


def test_an_address_that_is_not_known_is_not_told() -> None:
    out = to_app((), RULES, None, ForwardedFrom("unknown", "http", "a.example"), drops)
    assert out == lines("Host: a.example", "X-Forwarded-Proto: http", "X-Forwarded-Host: a.example")


@given(names)
def test_folding_is_ascii_and_settles(name: bytes) -> None:
    assert folded(folded(name)) == folded(name) == folded(name.upper())
    assert set(folded(name)) <= set(b"-abcxyz019")


def test_okta_gets_everything_as_sent_less_the_way_here() -> None:
    kept = lines("x_okta: 1", "Remote-User: kept, Okta does not read it", "Content-Length: 3")
    ways = lines("Host: login.example.com", "X-Forwarded-For: 6.6.6.6", "X_Forwarded_Proto: http", "FORWARDED: for=6.6.6.6")
    hop = lines("Connection: x-hop", "X-Hop: 1", "X-HTTP-Method-Override: DELETE", "Expect: 100-continue")
    out = to_org(ways + kept + hop + lines("Cookie: DT=1; sid=2; t=3"), "203.0.113.7", lambda name, value: name == b"sid")
    assert out == kept + lines("Cookie: DT=1; t=3", "X-Forwarded-For: 203.0.113.7")
    assert to_org(lines("A: 1"), "unknown", drops) == lines("A: 1")


@given(st.sampled_from([*PROTECTED, b"referer", b"x-request-id", b"range", b"webhook_user", b"a_b", b"cookie", b"te"]), st.data())
def test_a_name_that_passes_is_the_clients_alone_and_one_that_does_not_is_asked_about_again(name: bytes, drawn: st.DataObject) -> None:
    spelled = bytes(drawn.draw(st.sampled_from([byte, ord(chr(byte).upper())])) for byte in name)
    rules = drawn.draw(st.sampled_from([RULES, FieldRules(((b"X-Request-Id", "login"), (b"Range", "user_id")))]))
    told = to_app(((spelled, b"v"),), rules, ALICE, WAY, lambda name, value: False)
    named = [] if isinstance(told, Malformed) else [pair for pair in told if folded(pair[0]) == folded(spelled)]
    if passes(rules, spelled):
        assert named == [(spelled, b"v")]
    else:
        assert named != [(spelled, b"v")] or name in (b"cookie", b"webhook_user")


def _refer(name: bytes, value: bytes) -> bytes | None:
    return None if value == b"gone" else name + b":" + value


@pytest.mark.parametrize("more", [(), lines("webhook_user: 1"), lines("Connection: X-Unknown")])
def test_addresses_and_constant_fields_are_the_gateways_by_every_way_through(more: Fields) -> None:
    rules = FieldRules(
        IDENTITY, frozenset({b"webhook_user"}), constant=lines("X-Tenant: acme"), referring=frozenset({b"origin", b"referer"}), refer=_refer
    )
    client = lines("ORIGIN: a", "Referer: gone", "x-tenant: evil", "X_Tenant: worse", "X-Tenants: 1")
    out = to_app((*client, *more), rules, None, WAY, drops)
    kept = tuple(line for line in more if line[0] != b"Connection")
    assert out == (*HOST, *lines("ORIGIN: origin:a", "X-Tenants: 1"), *kept, *WAY_LINES, *lines("X-Tenant: acme"))
    assert to_app((*more, *lines("Connection: x-tenant")), rules, None, WAY, drops) == NAMED_AWAY


def test_addresses_stay_as_they_came_where_nobody_says_them_anew() -> None:
    assert to_app(lines("Origin: a"), FieldRules((), referring=frozenset({b"origin"})), None, WAY, drops) == (
        *HOST,
        *lines("Origin: a"),
        *WAY_LINES,
    )


def test_the_prefix_that_was_taken_off_is_told() -> None:
    told = to_app(lines("X-Forwarded-Prefix: /evil"), FieldRules(()), None, WAY._replace(prefix="/hr"), drops)
    assert told == (*HOST, *WAY_LINES, *lines("X-Forwarded-Prefix: /hr"))
