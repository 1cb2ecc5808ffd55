"""The app's head as bytes says what the rules say of its fields, or is left to them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.cookies import not_the_apps
from gateway.policy.http.fields import FieldRules, ForwardedFrom, to_app
from gateway.policy.http.messages import FieldLine, HeadLimits, Malformed
from gateway.policy.http.outgoing import app_lines, cookie_line, identity_text, way_text
from gateway.policy.http.request_heads import HeadReader, ReadHead
from gateway.policy.session.session import Session
from gateway.upstream.heads import field_lines

RULES = FieldRules(
    ((b"Remote-User", "login"), (b"X-Own", "user_id")),
    frozenset({b"x_odd", b"x-real-ip"}),
    constant=((b"X-Constant", b"1"),),
    referring=frozenset({b"referer"}),
    refer=lambda name, value: value.replace(b"a", b"b") or None,
)
SESSION = Session("s1", "00u1", "alice@example.com", datetime(2030, 1, 2, tzinfo=UTC), ("pwd",))
WAY = ForwardedFrom("192.0.2.7", "https", "hr.example.com")

NAMES = (
    *(
        b"Accept",
        b"accept",
        b"Cookie",
        b"COOKIE",
        b"Connection",
        b"Keep-Alive",
        b"TE",
        b"Upgrade",
        b"Remote-User",
        b"Remote_User",
        b"X_Odd",
    ),
    *(
        b"X-Forwarded-For",
        b"X-Real-IP",
        b"X-Gateway-User",
        b"Expect",
        b"Content-Length",
        b"Sec-WebSocket-Key",
        b"X-A",
        b"X_A",
        b"Close",
        b"Referer",
    ),
)
VALUES = (
    b"",
    b"1",
    b"close",
    b"keep-alive, Upgrade",
    b"X-A, close",
    b"Cookie",
    b"a=1; __Host-gateway=x; b=2",
    b"__Host-gateway=x",
    b"caf\xe9",
)


def bytes_of(head: ReadHead, session: Session | None) -> bytes | None:
    """The lines for an app whose name is its public one."""
    lines = app_lines(head.block.lines, RULES, lambda line: cookie_line(line, not_the_apps))
    if lines is None:
        return None
    host, way = way_text(WAY, "hr.example.com", RULES.constant)
    return b"".join((host, *lines, way, identity_text(RULES, session) if session is not None else b"", b"\r\n"))


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=8), st.booleans())
def test_both_say_the_same(fields: list[tuple[bytes, bytes]], is_somebody: bool) -> None:
    text = b"GET / HTTP/1.1\r\nHost: hr.example.com" + b"".join(b"\r\n%b: %b" % field for field in fields)
    head = HeadReader(HeadLimits()).read(text)
    if head is None or head.refusal is not None:
        return
    session = SESSION if is_somebody else None
    told = to_app(head.block.given.pairs(), RULES, session, WAY, not_the_apps)
    said = bytes_of(head, session)
    if said is not None:
        assert not isinstance(told, Malformed) and said == field_lines(told)


@pytest.mark.parametrize(("name", "value"), [(b"X_Odd", b"1"), (b"Close", b"1"), (b"Connection", b"x-a"), (b"Connection", b"close, x")])
def test_what_takes_more_than_a_name_is_left_to_the_rules(name: bytes, value: bytes) -> None:
    assert app_lines([FieldLine(b"Host", b"x"), FieldLine(name, value)], RULES, lambda line: b"") is None


def test_a_usual_head_is_not_left_to_them() -> None:
    lines = [FieldLine(b"Host", b"x"), FieldLine(b"Connection", b"keep-alive"), FieldLine(b"cookie", b"a=1; __Host-gateway=x")]
    assert app_lines(lines, RULES, lambda line: cookie_line(line, not_the_apps)) == [b"cookie: a=1\r\n"]
    assert cookie_line(FieldLine(b"Cookie", b"__Host-gateway=x"), not_the_apps) == b""


def test_a_reference_that_the_rules_drop_is_not_forwarded() -> None:
    lines = [FieldLine(b"Referer", b""), FieldLine(b"Referer", b"/a"), FieldLine(b"Accept", b"*/*")]
    assert app_lines(lines, RULES, lambda line: b"") == [b"Referer: /b\r\n", b"Accept: */*\r\n"]
