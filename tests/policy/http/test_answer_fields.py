"""Answers: no cookie of ours from an app, and nothing of one user's answer for anybody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.answer_fields import answered, from_app, from_outside, private
from gateway.policy.http.app_cookies import kept_cookie
from gateway.policy.http.messages import Fields

NAMES = (
    b"Set-Cookie set-COOKIE Cache-Control cache-control CDN-Cache-Control X-Surrogate-Control Connection Keep-Alive Alt-Svc ETag x_a "
    b"X-Hop Close"
).split()
VALUES = (
    b"",
    b"keep-alive",
    b"close",
    b"x-hop, cache-control",
    b"a=1",
    b"__Host-gateway=x",
    b"=__host-Gateway-start=x",
    b"sid=1; Domain=example.com; Path=/",
    b"public, s-maxage=3",
)


def keep(line: bytes) -> bytes | None:
    return kept_cookie(line, "login.example.com")


def lines(*texts: str) -> Fields:
    return tuple((name.encode("latin-1"), value.encode("latin-1")) for name, _, value in (text.partition(": ") for text in texts))


@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=8).map(tuple), st.booleans(), st.booleans())
def test_one_walk_is_both_rules(fields: Fields, is_private: bool, is_document: bool) -> None:
    own = from_app(fields, keep)
    assert answered(fields, is_private, is_document, keep) == (private(own, is_document) if is_private else own)


def test_a_cookie_that_the_app_may_not_set_is_left_out() -> None:
    planted = lines("set-cookie: __host-Gateway=x", "Set-Cookie: a=1")
    for is_private in (True, False):
        assert planted[0] not in answered(planted, is_private, is_document=False, keep_cookie=keep)
    assert answered(planted, is_private=False, is_document=False, keep_cookie=keep) == planted[1:]


def test_what_connection_names_is_gone_before_caches_are_thought_of() -> None:
    fields = lines("Cache-Control: max-age=9", "Close: 1", "A: 1", "Connection: close")
    assert answered(fields, is_private=False, is_document=False, keep_cookie=keep) == lines("Cache-Control: max-age=9", "A: 1")
    named = lines("Cache-Control: max-age=9", "A: 1", "Connection: cache-control")
    assert answered(named, is_private=True, is_document=False, keep_cookie=keep) == lines("A: 1", "Cache-Control: private, no-cache")


def test_answers_keep_every_set_cookie_line_in_order() -> None:
    kept = lines('Set-Cookie: sid="";Path=/', "Set-Cookie: sid=2", "Content-Length: 2")
    planted = lines("set-cookie: __host-Gateway=x", "Set-Cookie: =__Host-gateway-start=x")
    hop = lines("Connection: x-hop, content-length", "X-Hop: 1", 'Alt-Svc: h2="org.example.net:443"')
    assert from_outside(kept + hop + planted) == kept + planted
    assert from_app(kept + hop + planted, keep) == kept


@pytest.mark.parametrize(
    ("given_values", "made"),
    [
        ((), b"private, no-cache"),
        ((b"public, max-age=60",), b"private, max-age=60"),
        ((b"PUBLIC", b"S-MaxAge=9, immutable"), b"private, immutable"),
        ((b'private="Set-Cookie, X", max-age=1',), b"private, max-age=1"),
        ((b'no-cache="Set-Cookie", max-age=1',), b"private, no-cache, max-age=1"),
        ((b"public, no-store",), b"no-store"),
        ((b"private",), b"private"),
        ((b'x="never closed, public',), b"private, x"),
        ((b", ,",), b"private"),
    ],
)
def test_nothing_of_an_app_stays_in_a_shared_cache(given_values: tuple[bytes, ...], made: bytes) -> None:
    own = tuple((b"cache-CONTROL", value) for value in given_values)
    fields = lines("Vary: Cookie", "CDN-Cache-Control: public") + own + lines("Surrogate-Control: a")
    assert private(fields, is_document=False) == ((b"Vary", b"Cookie"), (b"Cache-Control", made))
    assert private(fields, is_document=True) == ((b"Vary", b"Cookie"), (b"Cache-Control", b"no-store"))


@given(st.lists(st.text(alphabet='abpublic-s=, "1', max_size=30).map(str.encode), max_size=3))
def test_a_session_answer_is_never_public(values: list[bytes]) -> None:
    (control,) = [value for name, value in private(tuple((b"Cache-Control", value) for value in values), False)]
    directives = {piece.partition(b"=")[0].strip() for piece in control.split(b",")}
    assert directives & {b"private", b"no-store"}
    assert not directives & {b"public", b"s-maxage"}


@pytest.mark.parametrize("connection", [(), ((b"Connection", b"close, X-A"),)])
def test_addresses_are_said_as_browsers_know_them_by_every_way_through(connection: Fields) -> None:
    fields = ((b"LOCATION", b"in"), (b"Link", b"in"), (b"X-Location", b"in"), *connection)

    def refer(name: bytes, value: bytes) -> bytes:
        assert name in (b"location", b"link")
        return value.replace(b"in", b"out")

    wanted = ((b"LOCATION", b"out"), (b"Link", b"out"), (b"X-Location", b"in"))
    assert answered(fields, False, False, lambda line: line, refer) == wanted
    assert answered(fields, False, False, lambda line: line) == fields[:3]
