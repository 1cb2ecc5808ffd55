"""Every look at text that a client chose costs time in proportion to its length, whatever words the client repeats.

The measure is CPU time of this process, the least of several tries, and its limits are several times what the looks need: what is
quadratic is slower by a factor of hundreds. The looks are in ``tests.field.looks``.
"""

import time
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.paths import normalised
from tests.field.looks import LOOKS
from tests.journeys.person import LOGIN
from tests.journeys.town import town

SHORT, LONG = 4 * 1024, 32 * 1024
LONGEST_OF_THE_ORG, LONGEST = 20.0, 100.0
"""In units of ``pace``: the first for looks at requests to the org, the second for all others, some of which take a line apart."""
MOST_TIMES_AS_LONG = 16
"""For a text eight times as long."""
TOO_SHORT_TO_COMPARE_SECONDS = 0.0002
TRIES = 7

WORDS = (
    *("api", "/api", "sessions-", "/sessions", "/api/sessions/me/", "/api/sessions-", "/me", "/oauth2/", "/oauth2/logout", "/token/"),
    *("/token/redirect", "/login/signout", "/home/", "/..", "/../", "/./", "//", "\\", ";", "/;", ".", "...", "/.a", "x", "/x", "-"),
    *("%", "%%", "%25", "%2525", "%41", "a%41", "%zz", "%2f", "%c3%a9", "%E2", "%00"),
    *("+", " ", "\t", "\r\n", '"', "'", "<", "[", "{", "\\u"),
    *("=", "&", "a=b&", "a;b&", "&;", "token=", "sessionToken="),
    *("sessionToken%3D", "token=x&", "request_uri=", "=token", "session", "T", "s"),
    *("sid", "sid=", " sid", ",sid=", '"sid', "idx =", "= sid", "__Host-gateway=", "; ", "a=1; sid=2, ", "\r\nRange: ", "\r\nReferer: a "),
    *("0;url=", "url", "0;url= ", "http://", "https://a", "a.", "a:", ":", "1", ",", "charset=", "charset ", "é", "ß", "\u00ad", "\ufffd"),
)


def texts(unit: str, length: int) -> tuple[str, str]:
    """The unit again and again, alone and before something that lets a pattern fail at its end."""
    repeated = unit * (length // len(unit))
    return repeated, f"{repeated}%41!x\x01"


def seconds(look: Callable[[str], object], text: str, tries: int) -> float:
    least = float("inf")
    for _ in range(tries):
        began = time.process_time()
        look(text)
        least = min(least, time.process_time() - began)
    return least


def is_linear(look: Callable[[str], object], unit: str, longest_seconds: float) -> bool:
    """Once is enough where that is fast; else the least of several tries counts."""
    return all(map(is_fast, (look, look), texts(unit, SHORT), texts(unit, LONG), (longest_seconds, longest_seconds)))


def is_fast(look: Callable[[str], object], short: str, long: str, longest_seconds: float) -> bool:
    for tries in (1, TRIES, 3 * TRIES):
        took = seconds(look, long, tries)
        if took <= TOO_SHORT_TO_COMPARE_SECONDS * MOST_TIMES_AS_LONG:
            return True
        if took <= min(longest_seconds, seconds(look, short, tries) * MOST_TIMES_AS_LONG):
            return True
    return False


@cache
def pace() -> float:
    """Seconds that this process needs for a fixed piece of the gateway: about 1 ms, and much more while a tracer measures coverage."""
    return seconds(lambda text: [normalised(text) for _ in range(200)], "/a/short/path", TRIES)


def longest(name: str) -> float:
    return (LONGEST_OF_THE_ORG if name.startswith(("org_", "nested_")) else LONGEST) * pace()


@pytest.mark.parametrize("name", LOOKS)
def test_t1_no_repeated_word_costs_more_than_its_length(name: str) -> None:
    assert [word for word in WORDS if not is_linear(LOOKS[name], word, longest(name))] == []


@pytest.mark.parametrize("name", LOOKS)
@settings(max_examples=10, deadline=None)
@given(unit=st.lists(st.sampled_from(WORDS), min_size=2, max_size=6).map("".join))
def test_t1_no_repeated_words_cost_more_than_their_length(name: str, unit: str) -> None:
    assert is_linear(LOOKS[name], unit, longest(name))


def test_t1_what_is_quadratic_is_seen() -> None:
    """The measure itself: a look that tries every beginning again is found out."""
    assert not is_linear(lambda text: [text[at:].count("b") for at in range(0, len(text), 16)], "a", LONGEST * pace())


@pytest.mark.parametrize("word", ["/api/sessions-", "/api/sessions/me-", "/oauth2/logout-", "/token/redirec", "/%2561pi/sessions"])
async def test_t1_one_request_with_repeated_words_does_not_stop_the_process(word: str) -> None:
    """Anonymous, through a real listener: what stood still for a hundred seconds answers at once."""
    async with town() as place:
        for method in ("DELETE", "GET", "POST"):
            target = word * (8_000 // len(word))
            began = time.process_time()
            reply = await place.person().ask(f"{LOGIN}{target}", method, site="cross-site")
            assert time.process_time() - began < 1.0
            assert reply.status in (200, 404, 405, 414)
        place.people.clear()
