"""Every function that looks at text from a client takes time in proportion to its length, whatever the client repeats in it.

The test measures CPU time of this process and takes the smallest of several tries. The limit is twice the time of the slowest function. The
functions are in ``tests.field.pattern_functions``.
"""

import re
import time
from collections.abc import Callable
from functools import cache
from itertools import product
from math import inf
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.http.paths import normalised
from tests.field.pattern_functions import LOOKS
from tests.harness.person import LOGIN
from tests.harness.system import system

SHORT, LONG = 4 * 1024, 32 * 1024
LONGEST_SECONDS = 0.004
LONGEST_PACES = 10.0
"""In units of ``pace``, for slower machines. Either is enough: the slowest look takes 2.3 ms, or 5 units, and the others at most 2 ms."""
MOST_TIMES_AS_LONG = 16
"""For a text eight times as long."""
MOST_TIMES_THE_HALF = 3
"""For a text twice as long. What is quadratic takes four times as long."""
TOO_SHORT_TO_COMPARE_SECONDS = 0.0001
TRIES = 7
ROUNDS_OF_TRIES = (1, TRIES, 3 * TRIES, 9 * TRIES)

WORDS = (
    *("api", "/api", "sessions-", "/sessions", "/api/sessions/me/", "/api/sessions-", "/me", "/oauth2/", "/oauth2/logout", "/token/"),
    *("/token/redirect", "/login/signout", "/home/", "/..", "/../", "/./", "//", "\\", ";", "/;", ".", "...", "/.a", "x", "/x", "-"),
    *("%", "%%", "%25", "%2525", "%41", "a%41", "%zz", "%2f", "%c3%a9", "%E2", "%00"),
    *("+", " ", "\t", "\r\n", '"', "'", "<", "[", "{", "\\u"),
    *("=", "&", "a=b&", "a;b&", "&;", "token=", "sessionToken="),
    *("sessionToken%3D", "token=x&", "request_uri=", "=token", "session", "T", "s"),
    *("sid", "sid=", " sid", ",sid=", '"sid', "idx =", "= sid", "__Host-gateway=", "; ", "a=1; sid=2, ", "\r\nRange: ", "\r\nReferer: a "),
    *(
        "0;url=",
        "url",
        "0;url= ",
        "http://",
        "https://a",
        "a.",
        "a:",
        ":",
        "1",
        ",",
        "charset=",
        "charset ",
        "é",
        "ß",
        "ÿ",
        "\u00ad",
        "\ufffd",
    ),
    *("sessionToken=%25", "%74oken=", "token=a&", "a=token=a&"),
    *("sessionid", "sessionid=", "sessionid=x; ", ", sessionid ", "ASPSESSIONID", "~gw~", "; sessionid=~gw~", "HttpOnly;", "Path=/;"),
)


DEEP = "%252525252541\x01"
"""What is decoded again and again, and holds what cannot be printed: nothing that is done once more is left out."""


def times_encoded(word: str, count: int) -> str:
    for _ in range(count):
        word = "".join(f"%{byte:02X}" for byte in word.encode()) if count == 1 else quote(word, safe="")
    return word


ESCAPED = sorted({times_encoded(word, count) for word in ("token=", "é", "&", ";", "+", "?token=a&") for count in range(1, 7)})
MIXED = ["%", "%25", "%3D", "%26", "token=", "%74oken=", "sessionToken=%25", "&", "x", "%zz", "%2574oken%253D"]
UNITS = [*WORDS, *ESCAPED, *map("".join, product(MIXED, MIXED))]
"""All that is tried with every look: each word, escaped more and more often, and each two of those that decoding treats differently."""


def texts(unit: str, length: int) -> tuple[str, ...]:
    """The unit again and again: alone, before something that lets a pattern fail at its end, and behind what is decoded often."""
    repeated = unit * (length // len(unit.encode()))
    return repeated, f"{repeated}%41!x\x01", DEEP + repeated


def seconds(look: Callable[[str], object], text: str, tries: int) -> float:
    """The least of several tries. No try has the text of another one: some results are kept."""
    least = float("inf")
    for number in range(tries):
        different = text + "x" * number
        started_at = time.process_time()
        look(different)
        least = min(least, time.process_time() - started_at)
    return least


def is_linear(look: Callable[[str], object], unit: str) -> bool:
    return all(is_fast(look, texts(unit, SHORT), texts(unit, LONG // 2), long) for long in texts(unit, LONG))


def is_fast(look: Callable[[str], object], short: tuple[str, ...], half: tuple[str, ...], long: str) -> bool:
    """Once is enough where that is fast; else the least of all tries so far counts: whatever disturbs a measurement makes it longer.

    It is compared with the slowest short text: one may be refused at once, for its end, which a longer one is refused without. Where all
    short texts are answered at once, it is compared with texts of half its length.
    """
    took = slowest_half = slowest_short = inf
    for tries in ROUNDS_OF_TRIES:
        took = min(took, seconds(look, long, tries))
        if took <= TOO_SHORT_TO_COMPARE_SECONDS * MOST_TIMES_AS_LONG:
            return True
        slowest_short = min(slowest_short, max(seconds(look, text, tries) for text in short))
        most = slowest_short * MOST_TIMES_AS_LONG
        if slowest_short <= TOO_SHORT_TO_COMPARE_SECONDS:
            slowest_half = min(slowest_half, max(seconds(look, text, tries) for text in half))
            most = slowest_half * MOST_TIMES_THE_HALF
        if took <= min(longest(), most):
            return True
        pace.cache_clear()  # a machine that others use may be much slower now than when the pace was measured
    return False


@cache
def pace() -> float:
    """Seconds that this process needs for a fixed piece of the gateway: about 0.4 ms, and much more while a tracer measures coverage."""
    return seconds(lambda text: [normalised(text) for _ in range(200)], "/a/short/path", TRIES)


def longest() -> float:
    return max(LONGEST_SECONDS, LONGEST_PACES * pace())


@pytest.mark.parametrize("name", LOOKS)
def test_t1_no_repeated_word_costs_more_than_its_length(name: str) -> None:
    assert [unit for unit in UNITS if not is_linear(LOOKS[name], unit)] == []


@pytest.mark.parametrize("name", LOOKS)
@settings(max_examples=25, deadline=None)
@given(unit=st.lists(st.sampled_from([*WORDS, *ESCAPED]), min_size=2, max_size=6).map("".join))
def test_t1_no_repeated_words_cost_more_than_their_length(name: str, unit: str) -> None:
    assert is_linear(LOOKS[name], unit)


def test_t1_what_is_quadratic_is_seen() -> None:
    """The measure itself: a look that tries every beginning again is found out."""
    assert not is_linear(lambda text: [text[at:].count("b") for at in range(0, len(text), 16)], "a")


def test_t1_what_is_linear_and_slow_is_seen() -> None:
    """The measure itself: so were the looks at nested tokens, six rounds of a pattern over everything."""
    pattern = re.compile(r"(?<![\w-])(?i:sessiontoken|onetimetoken|statetoken|token|request_uri)=")

    def six_rounds(text: str) -> None:
        for _ in range(6):
            pattern.findall(text)
            text = unquote(text)

    assert not is_linear(six_rounds, "%25%2541")


@pytest.mark.parametrize("word", ["/api/sessions-", "/api/sessions/me-", "/oauth2/logout-", "/token/redirec", "/%2561pi/sessions"])
async def test_t1_one_request_with_repeated_words_does_not_stop_the_process(word: str) -> None:
    """Anonymous, through a real listener: what stood still for a hundred seconds answers at once."""
    async with system() as place:
        for method in ("DELETE", "GET", "POST"):
            target = word * (8_000 // len(word))
            started_at = time.process_time()
            reply = await place.person().ask(f"{LOGIN}{target}", method, site="cross-site")
            assert time.process_time() - started_at < 1.0
            assert reply.status in (200, 404, 405, 414)
        place.people.clear()
