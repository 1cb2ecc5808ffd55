"""The countdown: how the server words it, and what its page says without a script. The script is in ``tests/browser``."""

import pytest

from gateway.pages import render
from gateway.pages.rendering import duration
from tests.pages.parsed import parse
from tests.pages.views_of_every_kind import session_page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"), (0, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"),
        (61, "1 minute 1 second"), (299, "4 minutes 59 seconds"), (300, "5 minutes"), (359, "5 minutes"), (3599, "59 minutes"),
        (3600, "1 hour"), (3660, "1 hour 1 minute"), (7325, "2 hours 2 minutes"), (90000, "25 hours"),
    ],
)  # fmt: skip
def test_the_words_for_a_time(seconds: int, words: str) -> None:
    assert duration(seconds) == words


def test_the_page_says_how_long_and_until_when_without_any_script() -> None:
    page = parse(render(session_page(4320)).html)
    assert "You stay signed in for 1 hour 12 minutes, until 16:40 UTC." in page.text("main")
    assert [each["datetime"] for each in page.named("time")] == ["2026-10-05T16:40:12+00:00"]


def test_a_session_that_has_ended_says_so_and_counts_nothing() -> None:
    page = parse(render(session_page(0)).html)
    assert page.text("h1") == "We cannot tell whether you are signed in"
    assert "The clock of this server may be wrong." in page.text("main") and "You are signed in" not in page.text("h1")
    assert not [attributes for _, attributes in page.elements if "data-remaining-seconds" in attributes]


def test_only_the_quiet_status_line_is_live() -> None:
    roles = [attributes["role"] for _, attributes in parse(render(session_page(4320)).html).elements if "role" in attributes]
    assert roles == ["timer", "status"]
