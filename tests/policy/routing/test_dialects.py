"""Dialects: the original request is what the front proxy told in its own way, whole and once, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.messages import Authority, Fields, HeadLimits, Malformed, RequestHead
from gateway.policy.http.proxy_fields import folded, is_about_the_way
from gateway.policy.routing.dialects import DIALECTS, Dialect, dialect_of, is_sub_request, loops, original
from gateway.policy.routing.navigation import wants_websocket
from gateway.policy.routing.routing import App, LoginHost, RouteTable
from tests.policy.received import admitted

HR = App("hr", "https://hr.example.com", Authority("hr.example.com", 443))
LOCAL = App("local", "http://local.localhost:8080", Authority("local.localhost", 8080))
TABLE = RouteTable(LoginHost("https://login.example.com", Authority("login.example.com", 443)), [HR, LOCAL])
NAMES = tuple(dialect.name for dialect in DIALECTS)
URL = ((b"X-Original-Method", b"PUT"), (b"X-Original-URL", b"https://hr.example.com/a%2Fb?x=%7E&y"))
FORWARDED = (
    (b"X-Forwarded-Method", b"PUT"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Host", b"hr.example.com"),
    (b"X-Forwarded-Uri", b"/a%2Fb?x=%7E&y"),
)
TOLD: dict[str, Fields] = {
    "nginx": URL,
    "haproxy": URL,
    "traefik": FORWARDED,
    "caddy": FORWARDED,
    "envoy": ((b"X-Forwarded-Proto", b"https"),),
}


def sub_request(name: str, fields: Fields, target: str = "", method: str = "", host: bytes = b"") -> tuple[Dialect, RequestHead]:
    """What this proxy sends; envoy tells the original request by the sub-request itself."""
    is_envoy = name == "envoy"
    target = target or f"/.gateway/auth/{name}{'/a%2Fb?x=%7E&y' if is_envoy else ''}"
    method = method or ("PUT" if is_envoy else "GET")
    host = host or (b"hr.example.com" if is_envoy else b"gateway.internal:8080")
    came = admitted(TABLE, target, ((b"Host", host), *fields), method=method, address="192.0.2.7")
    assert not isinstance(came, Malformed), came
    dialect = dialect_of(target)
    assert dialect is not None
    return dialect, came[0]


def read(name: str, fields: Fields, **asked: str) -> str | tuple[RequestHead, object]:
    """The original request and its host, or the reason why it cannot be told."""
    host = asked.pop("host", "").encode()
    dialect, head = sub_request(name, fields, host=host, **asked)
    found = original(dialect, head, TABLE, HeadLimits())
    return found.reason if isinstance(found, Malformed) else found


def without(fields: Fields, name: bytes) -> Fields:
    return tuple(line for line in fields if line[0] != name)


@pytest.mark.parametrize("name", NAMES)
def test_the_original_request_is_read_to_the_byte(name: str) -> None:
    found = read(name, (*TOLD[name], (b"Cookie", b"a=1"), (b"Accept", b"text/html")))
    assert not isinstance(found, str), found
    head, host = found
    assert host is HR
    assert (head.method, head.target, head.authority.text, head.secure) == ("PUT", "/a%2Fb?x=%7E&y", "hr.example.com:443", True)
    assert (head.peer, head.client) == ("10.0.0.1", "192.0.2.7")
    assert (head.value(b"cookie"), head.value(b"accept")) == (b"a=1", b"text/html")


@pytest.mark.parametrize("name", NAMES)
def test_metadata_that_is_missing_or_repeated_is_nobodys_request_f12(name: str) -> None:
    for field, value in TOLD[name]:
        if name != "envoy":
            assert read(name, without(TOLD[name], field)) == "metadata_missing"
        assert read(name, (*TOLD[name], (field, value))) == "metadata_repeated"
        assert read(name, (*TOLD[name], (field.upper(), b"/public"))) == "metadata_repeated"
    assert name == "envoy" or read(name, ()) == "metadata_missing"


def test_envoy_needs_no_scheme_but_a_path() -> None:
    assert not isinstance(read("envoy", ()), str)
    for target in ("/.gateway/auth/envoy", "/.gateway/auth/envoy?/x"):
        assert read("envoy", (), target=target) == "metadata_missing"


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("nginx", b"X-Original-URL", b"/admin"),
        ("nginx", b"X-Original-URL", b"https://hr.example.com"),
        ("nginx", b"X-Original-URL", b"https:/hr.example.com/"),
        ("nginx", b"X-Original-URL", b"ftp://hr.example.com/"),
        ("haproxy", b"X-Original-URL", b"HTTPS://hr.example.com/"),
        ("haproxy", b"X-Original-URL", b""),
        ("traefik", b"X-Forwarded-Proto", b""),
        ("traefik", b"X-Forwarded-Proto", b"https, http"),
        ("caddy", b"X-Forwarded-Proto", b"javascript"),
        ("envoy", b"X-Forwarded-Proto", b"https,https"),
    ],
)
def test_what_is_no_address_is_nobodys_request(name: str, field: bytes, value: bytes) -> None:
    assert read(name, (*without(TOLD[name], field), (field, value))) == "metadata"


@pytest.mark.parametrize(
    ("name", "field", "value", "reason"),
    [
        ("nginx", b"X-Original-URL", b"https:///x", "host"),
        ("nginx", b"X-Original-URL", b"https://evil@hr.example.com/x", "host"),
        ("nginx", b"X-Original-URL", b"https://hr.example.com?/x", "host"),
        ("nginx", b"X-Original-URL", b"https://hr.example.comhttp://hr.example.com/x", "host"),
        ("nginx", b"X-Original-URL", b"https://hr.example.com/x#y", "target"),
        ("nginx", b"X-Original-URL", b"https://hr.example.com/caf\xe9", "target"),
        ("nginx", b"X-Original-Method", b"G ET", "method"),
        ("nginx", b"X-Original-Method", b"CONNECT", "method_refused"),
        ("traefik", b"X-Forwarded-Method", b"", "method"),
        ("traefik", b"X-Forwarded-Host", b"hr.example.com, evil.example", "host"),
        ("traefik", b"X-Forwarded-Host", b"", "host"),
        ("traefik", b"X-Forwarded-Uri", b"https://hr.example.com/x", "target"),
        ("traefik", b"X-Forwarded-Uri", b"", "target"),
        ("traefik", b"X-Forwarded-Uri", b"/" + b"x" * 8192, "request_line_too_long"),
    ],
)
def test_the_original_line_is_held_to_the_same_rules_as_our_own(name: str, field: bytes, value: bytes, reason: str) -> None:
    assert read(name, (*without(TOLD[name], field), (field, value))) == reason


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("field", "agrees", "differs"),
    [
        (b"X-Forwarded-Method", b"PUT", b"GET"),
        (b"X-Original-Method", b"PUT", b"put"),
        (b"X-Forwarded-Uri", b"/a%2Fb?x=%7E&y", b"/public"),
        (b"X-Original-URI", b"/a%2Fb?x=%7E&y", b"/a/b?x=~&y"),
        (b"X-Forwarded-Host", b"HR.example.com:443", b"wiki.example.com"),
        (b"X-Forwarded-Host", b"hr.example.com", b""),
        (b"X-Original-URL", b"http://hr.example.com/a%2Fb?x=%7E&y", b"https://hr.example.com/public"),
        (b"X-Original-URL", b"https://hr.example.com/a%2Fb?x=%7E&y", b"https://evil.example/a%2Fb?x=%7E&y"),
        (b"X-Original-URL", b"https://HR.EXAMPLE.COM/a%2Fb?x=%7E&y", b"/a%2Fb?x=%7E&y"),
    ],
)
def test_what_another_dialect_tells_must_not_be_another_request(name: str, field: bytes, agrees: bytes, differs: bytes) -> None:
    if field in dict(TOLD[name]):
        return
    assert not isinstance(read(name, (*TOLD[name], (field, agrees))), str)
    assert read(name, (*TOLD[name], (field, differs))) == "metadata_conflict"
    assert read(name, (*TOLD[name], (field, agrees), (field, differs))) == "metadata_conflict"


READ = {field for told in TOLD.values() for field, _ in told}
"""Every field by which a dialect names the original request."""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", sorted(READ - {b"X-Forwarded-Proto"}))
def test_a_field_that_only_other_dialects_read_is_never_passed_over(name: str, field: bytes) -> None:
    """A client, or another proxy, could name another request in it. A scheme contradicts nothing: TLS may end anywhere."""
    assert field in dict(TOLD[name]) or read(name, (*TOLD[name], (field, b"https://evil.example/other"))) == "metadata_conflict"


@pytest.mark.parametrize("field", sorted(READ))
def test_no_app_gets_a_field_by_which_a_dialect_names_the_original_request(field: bytes) -> None:
    assert is_about_the_way(folded(field))


def test_the_scheme_is_that_of_the_configured_host_f10() -> None:
    for scheme in (b"http", b"https", b"ws", b"wss"):
        found = read("traefik", (*without(FORWARDED, b"X-Forwarded-Proto"), (b"X-Forwarded-Proto", scheme)))
        assert not isinstance(found, str)
        assert found[0].secure
        local = read("nginx", ((b"X-Original-Method", b"GET"), (b"X-Original-URL", scheme + b"://local.localhost:8080/")))
        assert not isinstance(local, str)
        assert (local[0].secure, local[1]) == (False, LOCAL)


def test_a_host_that_is_not_configured_is_none() -> None:
    found = read("envoy", (), host="evil.example")
    assert not isinstance(found, str)
    assert found[1] is None
    found = read("nginx", ((b"X-Original-Method", b"GET"), (b"X-Original-URL", b"https://login.example.com/")))
    assert not isinstance(found, str)
    assert found[1] is TABLE.login


def test_a_sub_request_is_a_get_a_head_or_of_the_methods_own_a2() -> None:
    for method in ("GET", "HEAD", "PUT"):
        assert not isinstance(read("traefik", FORWARDED, method=method), str)
    assert read("traefik", FORWARDED, method="POST") == "method_of_sub_request"
    assert read("nginx", URL, method="DELETE") == "method_of_sub_request"


@pytest.mark.parametrize(
    "fields",
    [
        ((b"Connection", b"Upgrade"), (b"Upgrade", b"websocket")),
        ((b"Sec-WebSocket-Key", b"x"),),
        ((b"Sec-WebSocket-Version", b"13"), (b"Connection", b"close")),
        ((b"Sec-Fetch-Mode", b"websocket"), (b"Upgrade", b"h2c")),
        ((b"sec-websocket-protocol", b"chat"), (b"connection", b"keep-alive"), (b"upgrade", b"")),
    ],
)
def test_a_handshake_is_one_without_the_fields_of_the_clients_hop_too_u6(fields: Fields) -> None:
    told = tuple((name, b"GET" if name == b"X-Forwarded-Method" else value) for name, value in FORWARDED)
    found = read("traefik", (*told, (b"Origin", b"https://evil.example"), *fields))
    assert not isinstance(found, str)
    assert wants_websocket(found[0])
    assert found[0].value(b"origin") == b"https://evil.example"


@pytest.mark.parametrize(
    ("target", "name"),
    [
        *((f"/.gateway/auth/{name}", name) for name in NAMES),
        ("/.gateway/auth/nginx?x", "nginx"),
        ("/.gateway/auth/envoy/", "envoy"),
        ("/.gateway/auth/envoy/../admin", "envoy"),
        ("/.gateway/auth", None),
        ("/.gateway/auth/", None),
        ("/.gateway/auth/nginx/", None),
        ("/.gateway/auth/nginx/x", None),
        ("/.gateway/auth/envoyx", None),
        ("/.gateway/auth/envoy%2fx", None),
        ("/.gateway/auth/Nginx", None),
        ("/.gateway/auth/apache", None),
    ],
)
def test_the_path_says_the_dialect(target: str, name: str | None) -> None:
    assert is_sub_request(target)
    found = dialect_of(target)
    assert (found.name if found is not None else None) == name


def test_every_dialect_has_its_path() -> None:
    assert tuple(dialect.name for dialect in DIALECTS) == NAMES
    assert "nginx" in [dialect.name for dialect in DIALECTS if dialect.is_terse], "its auth_request knows 200, 401 and 403 only"


@pytest.mark.parametrize(
    "target", ["/.gateway/authx", "/.gateway/", "/.gateway/%61uth/nginx", "/x/.gateway/auth/nginx", "/.GATEWAY/auth/nginx"]
)
def test_other_paths_are_other_doors(target: str) -> None:
    assert not is_sub_request(target)


def test_the_door_that_is_asked_about_itself_is_a_loop_a11() -> None:
    assert loops("/.gateway/auth/nginx")
    assert loops("/.Gateway/AUTH")
    assert not loops("/.gateway/session")


@given(st.sampled_from(NAMES), st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#\\"), max_size=40))
def test_an_original_target_is_never_another_one(name: str, rest: str) -> None:
    target = "/" + rest
    fields = tuple((field, value.partition(b"/a%2Fb")[0] + target.encode() if b"/a%2Fb" in value else value) for field, value in TOLD[name])
    asked = {"target": f"/.gateway/auth/envoy{target}"} if name == "envoy" else {}
    found = read(name, fields, **asked)
    assert isinstance(found, str) or found[0].target == target
