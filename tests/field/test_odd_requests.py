"""Odd targets and methods at the gateway, nginx and Caddy: every difference is in the program's table, with its explanation."""

from pathlib import Path

import pytest

from tests.bench.odd_requests.cases import METHODS, TARGETS
from tests.bench.odd_requests.comparing import ComparedCase, rows, table
from tests.bench.odd_requests.differences import DIFFERENCES, EXPLAINED
from tests.bench.odd_requests.sending import missing, proxies


def test_w4_w8_there_are_as_many_cases_as_were_promised_and_each_is_there_once() -> None:
    assert (len({*TARGETS}), len({*METHODS})) == (len(TARGETS), len(METHODS)) == (89, 61)
    assert len(EXPLAINED) == len(DIFFERENCES) and EXPLAINED.keys() <= {*TARGETS, *METHODS}


async def test_w4_w8_every_difference_from_nginx_and_caddy_is_explained(tmp_path: Path) -> None:
    if missing():
        pytest.skip(f"not installed: {missing()}: apt-get install nginx caddy")
    async with proxies(tmp_path) as running:
        found = [row async for row in rows(running)]
    assert {row.case: row.words for row in found if row.differs} == {one.case: one.words for one in DIFFERENCES}
    assert f"{len(DIFFERENCES)} differ, 0 of them unexplained." in table(found, only_differences=True)


def test_w4_w8_a_difference_without_an_explanation_is_seen_in_the_table() -> None:
    assert "| `/q|` |".replace("|` ", "\\|` ") in table([ComparedCase(b"/q|", ("400", "as sent", "400"))], only_differences=True)
    shown = table([ComparedCase(b"/new", ("400", "as sent", "400")), ComparedCase(b"/x", ("as sent",) * 3)], only_differences=True)
    assert "| `/new` | 400 | as sent | 400 | NOT EXPLAINED |" in shown and "/x" not in shown
    assert "1 differ, 1 of them unexplained." in shown
