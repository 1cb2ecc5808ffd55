"""T2: matching a rule takes time in proportion to the path's length, whatever its wildcards, and finds the same matches as before."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.policy.http.paths import (
    LONGEST_PATTERN,
    LONGEST_PIECE,
    MOST_SEGMENTS_BEHIND_REST,
    MOST_WILDCARDS,
    expression,
    normalised,
    pattern_problem,
    trimmed,
)
from gateway.policy.routing.routing import Access, App, Rule, rule_of_path
from tests.harness.configuration import SMALLEST, problems
from tests.harness.site import CONFIGURATION, deployed
from tests.policy.routing.apps_and_rules import HR

KIB = 1024
WORDS = ["/a", "/b", "/", "/*", "/**", "/a*", "/*a", "/*a*", "/a*b", "/a*a", "/*.*.pdf", "/ab", "/*b*a*", "/a**"]
SEGMENTS = ["/a", "/b", "/ab", "/aa", "/ba", "/aba", "/", "/a.b.pdf", "/.pdf", "/A", "/c"]

patterns = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map("".join)
paths = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=7).map("".join) | st.text(alphabet="/ab.A", max_size=12).map("/{}".format)


def old_meaning(pattern: str, path: str, case_insensitive: bool) -> bool:
    """The definition, by trying everything: ``**`` is any number of segments, ``*`` any text within one, ``*`` alone not none."""
    shape = normalised(pattern)
    if not isinstance(shape, str):
        return path == ""
    if case_insensitive:
        shape, path = shape.lower(), path.lower()
    return _segments_match(shape.split("/")[1:], path.split("/")[1:])


def _segments_match(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_segments_match(pattern[1:], path[count:]) for count in range(len(path) + 1))
    if not path or (pattern[0] == "*" and not path[0]):
        return False
    return _text_matches(pattern[0], path[0]) and _segments_match(pattern[1:], path[1:])


def _text_matches(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_text_matches(pattern[1:], text[count:]) for count in range(len(text) + 1))
    return text[:1] == pattern[0] and _text_matches(pattern[1:], text[1:])


@example("/**/a/b/**/a*b/**", "/a/a/b/c/axb", False)
@example("/a*a", "/a", False)
@example("/**/a/a", "/a", False)
@example("/a/**/a", "/a/a", False)
@example("/**/*a/b", "/b", False)
@example("/a/**/b", "/ac/b", False)
@given(patterns, paths, st.booleans())
def test_t2_a_rule_means_what_it_always_meant(pattern: str, path: str, case_insensitive: bool) -> None:
    assert (expression(pattern, case_insensitive).fullmatch(path) is not None) == old_meaning(pattern, path, case_insensitive)


COSTLY = [
    "/**/a/**/b/**/c",
    "/**/a/**/a/**/a/**/a/**/b",
    "/files/*.*.*.pdf",
    "/*a*a*a*a*a*b",
    "/**/*a*a*a*b",
    "/**/*a/*a/*a/*a/b",
    "/**/*/*/*/*/*/*/*/b",
    "/**/*/a/*/a/*/a/b",
    "/**" + "/a" * (MOST_SEGMENTS_BEHIND_REST - 1) + "/b",
    "/**" + "/a" * (MOST_SEGMENTS_BEHIND_REST - 2) + "/b/**",
    "/**" + ("/" + "a" * 15) * (MOST_SEGMENTS_BEHIND_REST - 2) + "/b/**",
    "/*" + "a" * (LONGEST_PIECE - 1) + "b*x",
    "/**/*" + "a" * (LONGEST_PIECE - 1) + "b*x/**/y",
    "/api/**/*-*-*/**/*.pdf",
]
REPEATED = ["/a", "a", "/aaaaaaaaaaaaaaa", "a.", "/a.pdf", "/files/", "-", "/b/a", "/*", "/a/b/c", "."]


def seconds(pattern: str, path: str, case_insensitive: bool) -> float:
    """The least of three: what else the machine does only adds."""
    found = expression(pattern, case_insensitive)
    took = []
    for _ in range(3):
        started_at = time.process_time()
        found.fullmatch(path)
        took.append(time.process_time() - started_at)
    return min(took)


@pytest.mark.parametrize("case_insensitive", [False, True])
@pytest.mark.parametrize("pattern", COSTLY)
def test_t2_eight_times_the_path_costs_about_eight_times_as_much(pattern: str, case_insensitive: bool) -> None:
    assert pattern_problem(pattern) is None
    for word in REPEATED:
        for front in ("/", "/files/"):
            short, long = ((front + word * size)[:size] for size in (4 * KIB, 32 * KIB))
            assert seconds(pattern, long, case_insensitive) <= max(16 * seconds(pattern, short, case_insensitive), 0.002), word


@pytest.mark.parametrize("word", [".", "%20", "%20.", ".%20x", "a.", "a/.", ":", "~1", "%EF%BC%A1", "%CC%81%CC%A3"])
def test_t2_a_case_insensitive_app_costs_no_more_than_its_path_is_long(word: str) -> None:
    """A neighbour of the row: what is cut off at the end of segments was looked for again from every place."""
    app = App("iis", HR.origin, HR.authority, (Rule("/admin/**", Access.ANYONE), Rule("/**/a/**/b", Access.ANYONE)), case_insensitive=True)
    took = {}
    for size in (4 * KIB, 32 * KIB):
        path = "/x" + word * (size // len(word)) + "x"
        rounds = []
        for _ in range(3):
            started_at = time.process_time()
            rule_of_path(app, path, "GET")
            rounds.append(time.process_time() - started_at)
        took[size] = min(rounds)
    assert took[32 * KIB] <= max(16 * took[4 * KIB], 0.002)


@given(st.text(alphabet="/a. ", max_size=12))
def test_t2_what_is_trimmed_is_what_was_always_trimmed(text: str) -> None:
    path = "/" + text.replace(" ", "%20")
    kept = "/".join(re.sub(r"(?:\.|%20)+\Z", "", segment) for segment in path.split("/"))
    assert trimmed(path, case_insensitive=True) == (kept.rstrip("/") or "/")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("/" + "a" * LONGEST_PATTERN, "characters"),
        ("/*" * (MOST_WILDCARDS + 1), "wildcards"),
        ("/**/a" * (MOST_WILDCARDS // 2) + "/*a*b" * (MOST_WILDCARDS // 4) + "/*", "wildcards"),
        ("/**" + "/a" * (MOST_SEGMENTS_BEHIND_REST + 1), "segments behind"),
        ("/*" + "a" * (LONGEST_PIECE + 1) + "*", "between two *"),
    ],
)
def test_t2_a_rule_that_could_cost_more_is_refused_by_the_check(pattern: str, said: str) -> None:
    (problem,) = problems(SMALLEST + f'rule = [{{ path = "{pattern}" }}]\n')
    assert said in problem


@pytest.mark.parametrize(
    "pattern",
    [
        "/" + "a" * (LONGEST_PATTERN - 1),
        "/*" * MOST_WILDCARDS,
        "/**" + "/a" * MOST_SEGMENTS_BEHIND_REST,
        "/*" + "a" * LONGEST_PIECE + "*",
        "/a" * 40 + "/**",
    ],
)
def test_t2_a_rule_within_the_bounds_is_taken(pattern: str) -> None:
    assert problems(SMALLEST + f'rule = [{{ path = "{pattern}" }}]\n') == ()


async def test_t2_a_gateway_with_such_rules_answers_long_paths_and_judges_them_right() -> None:
    rules = 'rule = [{ path = "/**/a/**/b/**/c", access = "anyone" }, { path = "/files/*.*.*.pdf", access = "anyone" },'
    text = CONFIGURATION.replace("rule = [\n", rules.replace("{", "{{").replace("}", "}}") + "\n", 1)
    asked = {"/a" * 3900: 401, "/a" * 3900 + "/b/c": 200, "/files/a" + ".a" * 3800: 401, "/files/a" + ".a" * 3800 + ".pdf": 200}
    async with deployed(configuration=text) as site:
        for path, status in asked.items():
            started_at = time.process_time()
            assert (await site.ask(path)).status == status, path[:20]
            assert time.process_time() - started_at < 1.0
