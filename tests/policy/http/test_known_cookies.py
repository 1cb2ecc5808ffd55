"""A line of cookies that were met before is what it would be if it were read: the same bytes, or it is read."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.http.app_sessions import known_cookies, read_cookies
from gateway.policy.http.cookie_scopes import Scope
from gateway.policy.http.cookie_stamps import LONGEST_PASS, NOBODY, Stamps
from gateway.policy.http.cookies import PASS_NAME, NotTheApps, line_without
from gateway.policy.http.session_cookie_names import WELL_KNOWN, SessionCookieNames

NAMES = SessionCookieNames(WELL_KNOWN)
STAMPS = Stamps([b"k" * 32], b"hr.example.com")
OKTAS = b"102aBcDeFgHiJkLmNoPqRsTuV"
HERE = Scope(1)


def _stamped(user: str, name: bytes, value: bytes) -> bytes:
    return name + b"=" + STAMPS.of(user).stamp(name, value, HERE) + value


PIECES = (
    PASS_NAME + b"=aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    PASS_NAME + b"-2=b",
    PASS_NAME.upper() + b"=c",
    b"theme=dark",
    b"a",
    b"",
    b"last=" + OKTAS,
    b"sid=1",
    b"sid=" + OKTAS,
    b"a=1, sid=2",
    b"JSESSIONID=unbound",
    b"%4aSESSIONID=1",
    *(
        _stamped(user, name, value)
        for user in ("alice", "bob", NOBODY)
        for name in (b"JSESSIONID", b"sid", b"x")
        for value in (b"1", OKTAS)
    ),
)
lines = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map(b"; ".join).map(lambda line: line.strip(b" \t"))


def _read(line: bytes, unwanted: NotTheApps, user: str) -> bytes | None:
    rest = line_without(line, unwanted)
    return None if rest is None else read_cookies(rest, NAMES, STAMPS.of(user)).line


@given(st.lists(lines, min_size=1, max_size=4), st.sampled_from(["alice", "bob", NOBODY]))
def test_what_is_known_of_a_line_is_what_is_read_of_it(given_lines: list[bytes], user: str) -> None:
    unwanted = NotTheApps(lambda value: OKTAS in value, [OKTAS])
    for line in [*given_lines, *given_lines]:
        known = known_cookies(line, NAMES, STAMPS.of(user))
        if known is not None and unwanted.clears(known):
            assert known == _read(line, unwanted, user)
            assert OKTAS not in known and b"__host-gateway" not in known.lower()
        for piece in line.split(b"; "):
            if piece.startswith(PASS_NAME + b"="):
                STAMPS.of(user).note(piece, b"")
        _read(line, unwanted, user)


def test_a_line_that_was_met_is_known_and_another_users_is_not() -> None:
    stamps = Stamps([b"k" * 32], b"hr.example.com")
    alice, bob = stamps.of("alice"), stamps.of("bob")
    bound = b"JSESSIONID=" + alice.stamp(b"JSESSIONID", b"1", HERE) + b"1"
    line = b"; ".join((PIECES[0], bound, b"theme=%d"))
    assert known_cookies(line, NAMES, alice) is None
    alice.note(PIECES[0], b"")
    assert read_cookies(bound + b"; theme=1", NAMES, alice).line == b"JSESSIONID=1; theme=1"
    assert known_cookies(line % 2, NAMES, alice) == b"JSESSIONID=1; theme=2"
    assert read_cookies(b"a=1; " + bound, NAMES, alice).line == b"a=1; JSESSIONID=1"
    assert known_cookies(b"theme=2", NAMES, alice) == b"theme=2" and known_cookies(PIECES[0], NAMES, alice) is None
    assert read_cookies(line % 2, NAMES, alice).line == b"JSESSIONID=1; theme=2"
    bob.note(PIECES[0], b"")
    assert known_cookies(line % 2, NAMES, bob) is None


def test_a_pass_that_is_too_long_is_not_remembered() -> None:
    user = Stamps([b"k" * 32], b"hr.example.com").of("alice")
    user.note(PASS_NAME + b"=" + b"x" * LONGEST_PASS, b"")
    assert user.known == {}
