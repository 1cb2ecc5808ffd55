"""Whatever lines clients and apps make up: an app sees the bytes that it set for this user under this name, or nothing."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.http.app_sessions import CookiesRead, may_hold_sessions, stamped_line
from gateway.policy.http.cookie_stamps import MARK, Stamps, UserStamps
from gateway.policy.http.cookies import pairs
from gateway.policy.http.session_cookie_names import NameKind
from tests.policy.http.stamped_cookies import ALICE, ALICES, BOB, HOST, KEY, NAMES, NOT_SIGNED_IN, kept, read

FRAGMENTS = (
    *(b"JSESSIONID", b"jsessionid", b"PHPSESSID", b"sessionid", b"remember", b"theme", b"shared", b"ASPSESSIONIDX", b"%4ASESSIONID"),
    *(
        b"=",
        b"=",
        b";",
        b"; ",
        b" ",
        b",",
        b'"',
        b"\xa0",
        b"~gw~",
        b"~",
        b"a1",
        b"%",
        b"\t",
        b"HttpOnly",
        b"Path=/",
        b"Domain=example.com",
    ),
    ALICES,
    kept(b"JSESSIONID=b1", BOB),
    kept(b"remember=a1; HttpOnly"),
    kept(b"sessionid=b2", BOB)[len(b"sessionid=") :],
    stamped_line(b"JSESSIONID=a1", NAMES, Stamps([KEY], b"wiki.example.com").of("00u-alice"), b"wiki.example.com", b"/"),
    stamped_line(b"JSESSIONID=a1", NAMES, Stamps([b"x" * 32], HOST).of("00u-alice"), HOST, b"/"),
)
made_up = st.lists(st.sampled_from(FRAGMENTS) | st.binary(max_size=3), max_size=14).map(b"".join)
SET_FOR_ALICE = {(b"JSESSIONID", b"a1"), (b"remember", b"a1")}


def sees_its_own_or_nothing(line: bytes) -> None:
    """An app that is sent this line for alice."""
    rest, left_out = read(line)
    seen = () if rest is None else pairs(((b"Cookie", rest),))
    came = pairs(((b"Cookie", line),))
    assert MARK not in (rest or b"")
    for name, value in seen:
        kind = NAMES.kinds[name]
        assert kind is not NameKind.ALIAS
        assert (name, value) in SET_FOR_ALICE if kind is NameKind.LISTED else (name, value) in came or (name, value) in SET_FOR_ALICE
        assert not value or kind is NameKind.LEFT_ALONE or not NAMES.is_hidden_in(name, name + b"=" + value)
    assert may_hold_sessions(line, NAMES) or (rest is line and not left_out)
    assert len(seen) + len(left_out) <= len(line.split(b";"))


def parts(line: bytes) -> list[bytes]:
    return [part.strip(b" \t") for part in line.split(b";")[1:]]


def pair(line: bytes) -> bytes:
    """The pair that a browser sends back for a Set-Cookie line: without the ``=`` of a cookie that has no name."""
    name, equals, value = line.partition(b";")[0].lstrip(b" \t=").partition(b"=")
    return name.strip(b" \t") + equals + value.strip(b" \t")


def comes_back_as_it_was(line: bytes, user: UserStamps, path: bytes) -> None:
    """What an app sets by this line, in answer to this user and path: back to it from this user, and from no other."""
    sent, own = stamped_line(line, NAMES, user, HOST, path), pair(line)
    assert parts(sent) == parts(line)
    if sent is not line:
        for another in {ALICE, BOB, NOT_SIGNED_IN} - {user}:
            rest, (out,) = read(pair(sent), another)
            assert rest is None and out.name == own.partition(b"=")[0]
            assert out.own is None if user is NOT_SIGNED_IN else out.name + b"=" + (out.own or b"") == own
    elif own.partition(b"=")[2] and NAMES.kinds[own.partition(b"=")[0]] is NameKind.OTHER:
        assert b"httponly" not in {part.partition(b"=")[0].strip(b" \t").lower() for part in parts(line)}
    if own.partition(b"=")[2] and not (sent is line and MARK in line):
        assert read(pair(sent), user) == CookiesRead(own)


USERS, PATHS = (ALICE, BOB, NOT_SIGNED_IN), (b"/", b"/a/b", b"/a;b")


@settings(max_examples=1000)
@given(made_up)
def test_whatever_a_client_sends_an_app_sees_what_it_set_for_the_user_or_nothing(line: bytes) -> None:
    sees_its_own_or_nothing(line)


@settings(max_examples=1000)
@given(made_up, st.sampled_from(USERS), st.sampled_from(PATHS))
def test_whatever_an_app_sets_comes_back_to_it_as_it_was_and_to_no_other_user(line: bytes, user: UserStamps, path: bytes) -> None:
    comes_back_as_it_was(line, user, path)


def test_100_000_lines_either_way() -> None:
    """More than hypothesis makes in the same time, and always the same ones."""
    chance = Random(14)
    for _ in range(50_000):
        line = b"".join(chance.choices(FRAGMENTS, k=chance.randrange(1, 12)))
        sees_its_own_or_nothing(line)
        comes_back_as_it_was(line, chance.choice(USERS), chance.choice(PATHS))
