"""Session cookies that only some parsers would find, inside the value of another."""

from gateway.policy.http.cookies import without
from tests.policy.received import line


def test_a_hidden_session_cookie_is_judged_by_its_own_value() -> None:
    def is_dead(name: bytes, value: bytes) -> bool:
        return name == b"sid" and value in (b"dead", b"has,comma")

    assert without(line(b"a=1, sid=dead; b=1"), is_dead) == line(b"b=1")
    assert without(line(b'a="x sid=dead more"'), is_dead) == ()
    assert without(line(b"a=1, sid=alive, sid=dead"), is_dead) == ()
    assert without(line(b"a=1, sid=has,comma"), is_dead) == ()
    assert without(line(b"a=1, sid=alive; b=1"), is_dead) == line(b"a=1, sid=alive; b=1")


def test_a_pair_that_hides_more_session_cookies_than_anybody_would_by_accident_goes_as_a_whole() -> None:
    judged: list[bytes] = []

    def is_never_unwanted(name: bytes, value: bytes) -> bool:
        judged.append(value)
        return False

    assert without(line(b"a=" + b" sid=1" * 8), is_never_unwanted) == line(b"a=" + b" sid=1" * 8)
    assert without(line(b"b=2; a=" + b" idx=1" * 4 + b" sid=1" * 5), is_never_unwanted) == line(b"b=2")
    judged.clear()
    assert without(line(b"a=" + b" sid=1" * 10_000), is_never_unwanted) == ()
    assert len(judged) == 1  # the pair itself: what it hides is not even read


def test_each_of_the_cookies_that_a_pair_hides_is_judged_by_what_may_be_its_value() -> None:
    judged: list[tuple[bytes, bytes]] = []

    def is_never_unwanted(name: bytes, value: bytes) -> bool:
        judged.append((name, value))
        return False

    without(line(b' = sid=sid = "x" y,idx==idx=z '), is_never_unwanted)
    hidden = [
        (b"sid", b'sid = "x" y,idx==idx=z'),
        (b"sid", b"sid"),
        (b"sid", b'"x" y,idx==idx=z'),
        (b"sid", b"x"),
        (b"idx", b"=idx=z"),
        (b"idx", b"=idx=z"),
        (b"idx", b"z"),
        (b"idx", b"z"),
    ]
    assert judged[1:] == hidden
